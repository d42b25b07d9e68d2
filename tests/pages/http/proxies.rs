//! Servers behind proxies: their links and redirects name an internal host.

use serde_json::json;
use withal::pages::http;

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

/// Serves two pages. The link to the second names `host`.
fn behind(host: &'static str) -> impl Fn(&ReceivedRequest) -> HttpResponse + Clone {
    move |request| match request.number("page") {
        None => with_header(json(&json!([0, 1])), "link", &format!("<{host}/docs?page=2>; rel=next")),
        Some(_) => json(&json!([2, 3])),
    }
}

#[tokio::test]
async fn links_to_internal_hosts_stay_home() {
    for host in [
        "http://internal.invalid:8080",
        "http://127.0.0.1:9",
        "https://10.0.0.7",
        "http://me:pw@internal.invalid",
        "//internal.invalid",
        "http://[::1]",
        "HTTP://INTERNAL.invalid",
    ] {
        let server = Server::start(behind(host)).await;
        let home = endpoint(&format!("{}/docs", server.url)).links_stay_home();
        let mut docs = home.by_link::<u32>();
        assert_eq!(docs.try_next().await.unwrap(), Some(0));
        assert_eq!(docs.try_next().await.unwrap(), Some(1));
        // The checkpoint does not contain the internal host.
        assert_eq!(docs.checkpoint().cursor().unwrap(), "/docs?page=2", "{host}");
        assert_eq!(all(docs).await, [2, 3], "{host}");
        assert_eq!(server.targets(), ["/docs", "/docs?page=2"]);

        let server = Server::start(behind(host)).await;
        let (before, error) = until_error(&mut endpoint(&format!("{}/docs", server.url)).by_link()).await;
        assert_eq!(before, [0, 1]);
        assert!(chain(&error).contains("on another origin"), "{}", chain(&error));
        assert_eq!(server.targets(), ["/docs"]);
    }
}

#[tokio::test]
async fn redirects_stay_home_unless_they_lead_back() {
    let server = Server::start(|request: &ReceivedRequest| match request.target.as_str() {
        "/docs" => with_header(status(301, ""), "location", "http://internal.invalid/docs/?x=1"),
        "/docs/?x=1" => json(&json!([7])),
        "/loop" => with_header(status(301, ""), "location", "https://internal.invalid/loop"),
        other => panic!("{other}"),
    })
    .await;
    let home = |path: &str| endpoint(&format!("{}{path}", server.url)).links_stay_home();
    assert_eq!(all(home("/docs").by_link()).await, [7]);
    let (_, error) = until_error(&mut home("/loop").by_link()).await;
    assert!(matches!(error.into_fetch_error().unwrap(), http::Error::CrossOrigin { .. }));
}

#[tokio::test]
async fn an_origin_allowed_by_name_is_not_moved_home() {
    let other = Server::start(|_: &ReceivedRequest| json(&json!([2, 3]))).await;
    let to = other.url.clone();
    let server = Server::start(move |_: &ReceivedRequest| {
        with_header(json(&json!([0, 1])), "link", &format!("<{to}/docs?page=2>; rel=next"))
    })
    .await;
    let endpoint = endpoint(&server.url).links_stay_home().allow_origin(&other.url).unwrap();
    assert_eq!(all(endpoint.by_link()).await, [0, 1, 2, 3]);
    assert_eq!(other.targets(), ["/docs?page=2"]);
}

#[tokio::test]
async fn a_body_is_not_sent_to_an_untrusted_origin() {
    for code in [307, 308] {
        let other = Server::start(|_: &ReceivedRequest| {
            json(&json!({ "nodes": [1], "pageInfo": { "hasNextPage": false } }))
        })
        .await;
        let to = other.url.clone();
        let server =
            Server::start(move |_: &ReceivedRequest| with_header(status(code, ""), "location", &to)).await;
        let query = || http::GraphQlQuery::new("query", "");
        let any = endpoint(&server.url).allow_any_origin();
        let (_, error) = until_error(&mut any.clone().by_relay_connection(query())).await;
        assert!(chain(&error).contains("on another origin"), "{}", chain(&error));
        assert!(other.targets().is_empty(), "{code}");

        let named = any.allow_origin(&other.url).unwrap();
        assert_eq!(all(named.by_relay_connection(query())).await, [1]);
        assert!(other.requests()[0].body.contains("query"), "{code}");
    }
}

#[tokio::test]
async fn a_check_of_an_origin_can_be_made_by_hand() {
    let endpoint = endpoint("https://api.example/docs").allow_origin("http://cdn.example").unwrap();
    for (url, allowed) in [
        ("https://api.example/other", true),
        ("http://cdn.example/x", true),
        ("http://api.example/docs", false),
        ("https://evil.example/", false),
    ] {
        assert_eq!(endpoint.check_origin(&url.parse().unwrap()).is_ok(), allowed, "{url}");
    }
}
