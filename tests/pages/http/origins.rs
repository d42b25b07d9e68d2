//! Requests stay on the origin unless another one is allowed, and the password never leaves it.

use futures::TryStreamExt;
use serde_json::json;
use withal::pages::http::Endpoint;
use withal::pages::{self, Checkpoint, http};

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, client, endpoint, until_error};

const SECRETS: [&str; 3] = ["x-api-key", "authorization", "x-request"];

/// A first page that points to another origin.
type FirstPage = fn(&str) -> super::server::HttpResponse;

const FIRST_PAGES: [(&str, FirstPage); 2] = [
    ("link", |to| with_header(json(&json!([0, 1])), "link", &format!("<{to}/docs?page=2>; rel=next"))),
    ("redirect", |to| with_header(status(302, "[0, 1]"), "location", &format!("{to}/docs?page=2"))),
];

async fn start_base(first_page: FirstPage, to: &str) -> Server {
    // A link may contain user and password; they must not appear anywhere.
    let to = to.replace("http://", "http://eve:il@");
    Server::start(move |_: &ReceivedRequest| first_page(&to)).await
}

async fn start_other() -> Server {
    Server::start(|_: &ReceivedRequest| json(&json!([2, 3]))).await
}

/// An endpoint with three kinds of credentials.
fn authenticated(base: &Server) -> Endpoint {
    let url = base.url.replace("http://", "http://user:p%40ss@");
    endpoint(&format!("{url}/docs"))
        .header("x-api-key", "secret")
        .unwrap()
        .map_request(|request| request.header("x-request", "secret"))
}

fn secrets(request: &ReceivedRequest) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|name| request.headers.contains_key(*name)).collect()
}

#[tokio::test]
async fn nothing_is_sent_to_another_origin() {
    for (way, first_page) in FIRST_PAGES {
        let other = start_other().await;
        let base = start_base(first_page, &other.url).await;
        let mut docs = authenticated(&base).by_link();
        let (before, error) = until_error(&mut docs).await;
        let text = chain(&error);
        let want = format!(
            "{}/docs points to {}/docs?page=2, which is on another origin (use `allow_origin` to follow it)",
            base.url, other.url
        );
        assert!(text.ends_with(&want), "{text}");
        assert!(!["p%40ss", "user", "eve"].iter().any(|secret| text.contains(secret)), "{text}");
        assert_eq!(before, if way == "link" { vec![0, 1] } else { vec![] });
        assert!(other.targets().is_empty(), "{way}");
        assert_eq!(secrets(&base.requests()[0]), SECRETS);
        assert_eq!(base.requests()[0].header("authorization"), Some("Basic dXNlcjpwQHNz"), "{way}");

        // The checkpoint after the error works as soon as the origin is allowed.
        let resumed = authenticated(&base).by_link::<u32>().resume(docs.checkpoint());
        assert!(resumed.try_collect::<Vec<_>>().await.is_err());
        let allowed = authenticated(&base).allow_origin(&other.url).unwrap();
        assert_eq!(all(allowed.by_link().resume(docs.checkpoint())).await, [2, 3]);
    }
}

#[tokio::test]
async fn an_origin_allowed_by_name_gets_the_headers_but_not_the_password() {
    for (way, first_page) in FIRST_PAGES {
        let other = start_other().await;
        let base = start_base(first_page, &other.url).await;
        let docs = authenticated(&base).allow_origin(&other.url).unwrap().by_link();
        assert_eq!(all(docs).await, if way == "link" { vec![0, 1, 2, 3] } else { vec![2, 3] });
        assert_eq!(secrets(&other.requests()[0]), ["x-api-key", "x-request"], "{way}");
    }
}

#[tokio::test]
async fn an_origin_not_allowed_by_name_gets_no_credentials() {
    for (way, first_page) in FIRST_PAGES {
        let other = start_other().await;
        let base = start_base(first_page, &other.url).await;
        let docs = authenticated(&base).allow_any_origin().by_link();
        assert_eq!(all(docs).await, if way == "link" { vec![0, 1, 2, 3] } else { vec![2, 3] });
        assert_eq!(secrets(&other.requests()[0]), [""; 0], "{way}");
    }
}

#[tokio::test]
async fn the_redirect_policy_of_the_builder_is_replaced() {
    let other = start_other().await;
    let base = start_base(FIRST_PAGES[1].1, &other.url).await;
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(10));
    until_error(&mut client(builder).endpoint(&base.url).unwrap().by_link()).await;
    assert!(other.targets().is_empty());
}

#[tokio::test]
async fn links_are_relative_to_the_target_of_a_redirect() {
    let server = Server::start(|request: &ReceivedRequest| match request.target.as_str() {
        "/docs" => with_header(status(301, ""), "location", "hop/9"),
        "/hop/1" => with_header(status(302, ""), "location", "/v2/docs"),
        hop if hop.starts_with("/hop/") => {
            let hop: u32 = hop[5..].parse().unwrap();
            with_header(status(303, ""), "location", &(hop - 1).to_string())
        }
        "/v2/docs" => with_header(json(&json!([0])), "link", "<more>; rel=next"),
        "/v2/more" => with_header(status(308, ""), "location", "/v2/last?x#part"),
        "/v2/last?x" => json(&json!([1])),
        other => panic!("{other}"),
    })
    .await;
    let docs = authenticated(&server).by_link();
    assert_eq!(all(docs).await, [0, 1]);
    assert!(server.requests().iter().all(|request| secrets(request) == SECRETS));
}

#[tokio::test]
async fn a_post_is_redirected_only_if_it_remains_a_post() {
    for (code, follows) in [(301, false), (302, false), (303, false), (307, true), (308, true)] {
        let server = Server::start(move |request: &ReceivedRequest| match request.target.as_str() {
            "/" => with_header(status(code, ""), "location", "/graphql"),
            _ => json(&json!({ "nodes": [request.body.len() > 10], "pageInfo": { "hasNextPage": false } })),
        })
        .await;
        let docs = endpoint(&server.url).by_relay_connection::<bool>(http::GraphQlQuery::new("query", ""));
        match docs.try_collect::<Vec<_>>().await {
            Ok(docs) => assert!(follows && docs == [true]),
            Err(error) => assert!(!follows && chain(&error).contains(&format!("returned {code}"))),
        }
    }
}

#[tokio::test]
async fn a_checkpoint_is_valid_on_another_host() {
    // `//docs` is a path, not a host.
    let server = Server::start(|request: &ReceivedRequest| {
        let host = request.header("host").unwrap();
        with_header(json(&json!([0, 1])), "link", &format!("<http://{host}//docs?page=2>; rel=next"))
    })
    .await;
    let mut docs = endpoint(&format!("{}//docs", server.url)).by_link::<u32>();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    assert_eq!(docs.checkpoint().cursor().unwrap(), "//docs");
    assert_eq!(docs.try_next().await.unwrap(), Some(1));
    assert_eq!(docs.checkpoint().cursor().unwrap(), "//docs?page=2");

    let other = start_other().await;
    assert_eq!(all(endpoint(&other.url).by_link().resume(docs.checkpoint())).await, [2, 3]);
    assert_eq!(other.targets(), ["//docs?page=2"]);
}

#[tokio::test]
async fn the_cursor_of_a_checkpoint_is_checked_like_a_link() {
    let server = start_other().await;
    for (cursor, want) in [
        (
            "http://user:pass@evil.example/",
            "points to http://evil.example/, which is on another origin (use `allow_origin` to follow it)",
        ),
        (
            "file:///etc/passwd",
            "points to file:///etc/passwd, which is on another origin (use `allow_origin` to follow it)",
        ),
        ("http://user:pass@[/", "invalid URL \"http://[/\": invalid IPv6 address"),
    ] {
        let checkpoint = Checkpoint::new(Some(cursor.to_owned()), 0);
        let mut docs = endpoint(&format!("{}/docs", server.url)).by_link::<u32>().resume(checkpoint);
        let text = http_error(docs.try_next().await.unwrap_err());
        assert!(text.ends_with(want), "{text}");
    }
    let docs = endpoint(&format!("{}/docs", server.url)).by_link();
    assert_eq!(all(docs.resume(Checkpoint::new(Some("?page=3".to_owned()), 1))).await, [3]);
    assert_eq!(server.targets(), ["/docs?page=3"]);
}

fn http_error(error: pages::Error<http::Error>) -> String {
    chain(&error.into_fetch_error().unwrap())
}

#[test]
fn invalid_configuration_is_an_error_without_secrets() {
    let endpoint = endpoint("http://a/");
    let client = client(reqwest::Client::builder());
    for (error, want) in [
        (client.endpoint("docs").unwrap_err(), "invalid URL \"docs\": relative URL without a base"),
        (
            client.endpoint("http://user:pass@host:99999/").unwrap_err(),
            "invalid URL \"http://host:99999/\": invalid port number",
        ),
        (
            client.endpoint("file:///x").unwrap_err(),
            "invalid URL \"file:///x\": the scheme is neither http nor https",
        ),
        (endpoint.clone().allow_origin("*").unwrap_err(), "invalid URL \"*\": relative URL without a base"),
        (
            endpoint.clone().header("x-key", "secret\n").unwrap_err(),
            "invalid header \"x-key\": failed to parse header value",
        ),
        (
            endpoint.clone().header("x key", "secret").unwrap_err(),
            "invalid header \"x key\": invalid HTTP header name",
        ),
    ] {
        assert_eq!(chain(&error), want);
    }
    let shown = format!("{:?}", endpoint.header("x-key", "secret").unwrap());
    assert!(shown.contains("x-key") && !shown.contains("secret"), "{shown}");
}

#[test]
#[should_panic(expected = "a JSON pointer must be empty or begin with a slash: \"next\"")]
fn a_pointer_without_a_slash_panics() {
    let _docs = endpoint("http://a/").by_cursor::<u32>("next", "cursor");
}
