//! Nothing goes off the origin unless it is allowed, and credentials least of all.

use futures::TryStreamExt;
use serde_json::json;
use withal::pages::http::Endpoint;
use withal::pages::{self, Checkpoint, http};

use super::server::{Asked, Server, json, status, with};
use super::{all, chain, client, endpoint, until_error};

const SECRETS: [&str; 3] = ["x-api-key", "authorization", "x-request"];

/// How a first page leads to another origin.
type Lead = fn(&str) -> super::server::Answer;

const LEADS: [(&str, Lead); 2] = [
    ("link", |to| with(json(&json!([0, 1])), "link", &format!("<{to}/docs?page=2>; rel=next"))),
    ("redirect", |to| with(status(302, "[0, 1]"), "location", &format!("{to}/docs?page=2"))),
];

async fn home(lead: Lead, to: &str) -> Server {
    // What a link has before the host is no part of where it leads.
    let to = to.replace("http://", "http://eve:il@");
    Server::start(move |_: &Asked| lead(&to)).await
}

async fn foreign() -> Server {
    Server::start(|_: &Asked| json(&json!([2, 3]))).await
}

/// An endpoint that authenticates in three ways at once.
fn secret(home: &Server) -> Endpoint {
    let url = home.url.replace("http://", "http://user:p%40ss@");
    endpoint(&format!("{url}/docs"))
        .header("x-api-key", "secret")
        .unwrap()
        .map_request(|request| request.header("x-request", "secret"))
}

fn secrets(asked: &Asked) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|name| asked.headers.contains_key(*name)).collect()
}

#[tokio::test]
async fn another_origin_is_refused_before_anything_is_sent_there() {
    for (way, lead) in LEADS {
        let foreign = foreign().await;
        let home = home(lead, &foreign.url).await;
        let mut docs = secret(&home).by_link();
        let (before, error) = until_error(&mut docs).await;
        let text = chain(&error);
        let want = format!("{}/docs leads to {}/docs?page=2, on another origin", home.url, foreign.url);
        assert!(text.ends_with(&want), "{text}");
        assert!(!["p%40ss", "user", "eve"].iter().any(|secret| text.contains(secret)), "{text}");
        assert_eq!(before, if way == "link" { vec![0, 1] } else { vec![] });
        assert!(foreign.targets().is_empty(), "{way}");
        assert_eq!(secrets(&home.asked()[0]), SECRETS);
        assert_eq!(home.asked()[0].header("authorization"), Some("Basic dXNlcjpwQHNz"), "{way}");

        // The checkpoint of the error is of no use without the permission, and good with it.
        let again = secret(&home).by_link::<u32>().resume(docs.checkpoint());
        assert!(again.try_collect::<Vec<_>>().await.is_err());
        let allowed = secret(&home).allow_origin(&foreign.url).unwrap();
        assert_eq!(all(allowed.by_link().resume(docs.checkpoint())).await, [2, 3]);
    }
}

#[tokio::test]
async fn an_origin_allowed_by_name_gets_the_headers_but_not_the_password() {
    for (way, lead) in LEADS {
        let foreign = foreign().await;
        let home = home(lead, &foreign.url).await;
        let docs = secret(&home).allow_origin(&foreign.url).unwrap().by_link();
        assert_eq!(all(docs).await, if way == "link" { vec![0, 1, 2, 3] } else { vec![2, 3] });
        assert_eq!(secrets(&foreign.asked()[0]), ["x-api-key", "x-request"], "{way}");
    }
}

#[tokio::test]
async fn any_other_origin_gets_nothing() {
    for (way, lead) in LEADS {
        let foreign = foreign().await;
        let home = home(lead, &foreign.url).await;
        let docs = secret(&home).allow_any_origin().by_link();
        assert_eq!(all(docs).await, if way == "link" { vec![0, 1, 2, 3] } else { vec![2, 3] });
        assert_eq!(secrets(&foreign.asked()[0]), [""; 0], "{way}");
    }
}

#[tokio::test]
async fn the_builders_own_redirects_are_overruled() {
    let foreign = foreign().await;
    let home = home(LEADS[1].1, &foreign.url).await;
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(10));
    until_error(&mut client(builder).endpoint(&home.url).unwrap().by_link()).await;
    assert!(foreign.targets().is_empty());
}

#[tokio::test]
async fn redirects_at_home_are_followed_and_links_are_relative_to_where_they_end() {
    let server = Server::start(|asked: &Asked| match asked.target.as_str() {
        "/docs" => with(status(301, ""), "location", "hop/9"),
        "/hop/1" => with(status(302, ""), "location", "/v2/docs"),
        hop if hop.starts_with("/hop/") => {
            let hop: u32 = hop[5..].parse().unwrap();
            with(status(303, ""), "location", &(hop - 1).to_string())
        }
        "/v2/docs" => with(json(&json!([0])), "link", "<more>; rel=next"),
        "/v2/more" => with(status(308, ""), "location", "/v2/last?x#part"),
        "/v2/last?x" => json(&json!([1])),
        other => panic!("{other}"),
    })
    .await;
    let docs = secret(&server).by_link();
    assert_eq!(all(docs).await, [0, 1]);
    assert!(server.asked().iter().all(|asked| secrets(asked) == SECRETS));
}

#[tokio::test]
async fn a_posted_query_is_redirected_only_where_it_stays_one() {
    for (code, follows) in [(301, false), (302, false), (303, false), (307, true), (308, true)] {
        let server = Server::start(move |asked: &Asked| match asked.target.as_str() {
            "/" => with(status(code, ""), "location", "/graphql"),
            _ => json(&json!({ "nodes": [asked.body.len() > 10], "pageInfo": { "hasNextPage": false } })),
        })
        .await;
        let docs = endpoint(&server.url).by_relay_connection::<bool>(http::GraphQlQuery::new("query", ""));
        match docs.try_collect::<Vec<_>>().await {
            Ok(docs) => assert!(follows && docs == [true]),
            Err(error) => assert!(!follows && chain(&error).contains(&format!("answered {code}"))),
        }
    }
}

#[tokio::test]
async fn a_checkpoint_moves_with_its_server() {
    // `//docs` is a path, and must not be taken for a host.
    let server = Server::start(|asked: &Asked| {
        let host = asked.header("host").unwrap();
        with(json(&json!([0, 1])), "link", &format!("<http://{host}//docs?page=2>; rel=next"))
    })
    .await;
    let mut docs = endpoint(&format!("{}//docs", server.url)).by_link::<u32>();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    assert_eq!(docs.checkpoint().cursor().unwrap(), "//docs");
    assert_eq!(docs.try_next().await.unwrap(), Some(1));
    assert_eq!(docs.checkpoint().cursor().unwrap(), "//docs?page=2");

    let other = foreign().await;
    assert_eq!(all(endpoint(&other.url).by_link().resume(docs.checkpoint())).await, [2, 3]);
    assert_eq!(other.targets(), ["//docs?page=2"]);
}

#[tokio::test]
async fn a_cursor_by_hand_is_checked_like_a_link() {
    let server = foreign().await;
    for (cursor, want) in [
        ("http://user:pass@evil.example/", "leads to http://evil.example/, on another origin"),
        ("file:///etc/passwd", "leads to file:///etc/passwd, on another origin"),
        ("http://user:pass@[/", "\"http://[/\" is no URL to ask: invalid IPv6 address"),
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
fn what_cannot_work_is_told_at_once_and_without_secrets() {
    let endpoint = endpoint("http://a/");
    let client = client(reqwest::Client::builder());
    for (error, want) in [
        (client.endpoint("docs").unwrap_err(), "\"docs\" is no URL to ask: relative URL without a base"),
        (
            client.endpoint("http://user:pass@host:99999/").unwrap_err(),
            "\"http://host:99999/\" is no URL to ask: invalid port number",
        ),
        (
            client.endpoint("file:///x").unwrap_err(),
            "\"file:///x\" is no URL to ask: it is neither http nor https",
        ),
        (
            endpoint.clone().allow_origin("*").unwrap_err(),
            "\"*\" is no URL to ask: relative URL without a base",
        ),
        (
            endpoint.clone().header("x-key", "secret\n").unwrap_err(),
            "the header \"x-key\" cannot be sent: failed to parse header value",
        ),
        (
            endpoint.clone().header("x key", "secret").unwrap_err(),
            "the header \"x key\" cannot be sent: invalid HTTP header name",
        ),
    ] {
        assert_eq!(chain(&error), want);
    }
    let shown = format!("{:?}", endpoint.header("x-key", "secret").unwrap());
    assert!(shown.contains("x-key") && !shown.contains("secret"), "{shown}");
}

#[test]
#[should_panic(expected = "a JSON pointer is empty or begins with a slash: \"next\"")]
fn a_pointer_without_a_slash_is_refused() {
    let _docs = endpoint("http://a/").by_cursor::<u32>("next", "cursor");
}
