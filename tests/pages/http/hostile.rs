//! Hostile servers: links and redirects that try to leave the origin, and bodies without end.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use futures::stream;
use serde_json::json;
use tokio::time::timeout;
use withal::pages::Checkpoint;
use withal::pages::http::{Endpoint, Error};

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{chain, client, endpoint, until_error};

const PREFIXES: [&str; 6] = ["", " ", "./", "/", "\\", "#"];
const SCHEMES: [&str; 12] = [
    "http://",
    "HTTP://",
    "http:",
    "http:/",
    "http:///",
    "http:\\\\",
    "//",
    "/\\",
    "\\\\",
    "https://",
    "ftp://",
    "file://",
];
/// `EVIL` and `HOME` are hosts with their ports, `PORT` is that of the other server.
const AUTHORITIES: [&str; 12] = [
    "EVIL",
    "HOME@EVIL",
    "x:y@EVIL",
    "EVIL\\@HOME",
    "EVIL#@HOME",
    "EVIL?@HOME",
    "HOME:x@EVIL",
    "[::ffff:127.0.0.1]:PORT",
    "2130706433:PORT",
    "0x7f.1:PORT",
    "localhost:PORT",
    "EVIL%2f@HOME",
];

/// The ways by which a server, or the person who stores a checkpoint, chooses the next URL.
const WAYS: [&str; 4] = ["link", "json", "redirect", "checkpoint"];

/// Every combination, one after the other by each of the four ways: 864 trials.
fn trials() -> impl Iterator<Item = (String, &'static str)> {
    let texts = PREFIXES.iter().flat_map(|prefix| {
        SCHEMES.iter().flat_map(move |scheme| {
            AUTHORITIES.iter().map(move |authority| format!("{prefix}{scheme}{authority}/docs?page=2"))
        })
    });
    texts.zip(WAYS.into_iter().cycle())
}

/// Requests the URLs of all trials with credentials of every kind.
async fn run_trials(setting: fn(Endpoint) -> Endpoint) -> (Server, Server) {
    let evil = Server::start(|_: &ReceivedRequest| json(&json!([7]))).await;
    let home =
        Server::start(|request: &ReceivedRequest| match request.query.get("way").map(String::as_str) {
            Some("link") => {
                with_header(json(&json!([])), "link", &format!("<{}>; rel=next", request.query["to"]))
            }
            Some("json") => json(&json!({ "items": [], "next": request.query["to"] })),
            Some("redirect") => with_header(status(307, ""), "location", &request.query["to"]),
            _ => json(&json!([])),
        })
        .await;
    let (evil_host, home_host) = (evil.url.replace("http://", ""), home.url.replace("http://", ""));
    let port = evil_host.rsplit(':').next().unwrap();
    let client = client(reqwest::Client::builder());
    for (text, way) in trials() {
        let text = text.replace("EVIL", &evil_host).replace("HOME", &home_host).replace("PORT", port);
        let mut url = reqwest::Url::parse(&home.url).unwrap();
        if way != "checkpoint" {
            url.query_pairs_mut().append_pair("way", way).append_pair("to", &text);
        }
        let url = url.as_str().replace("http://", "http://me:SECRET@");
        let trial = client.endpoint(&url).unwrap();
        let trial =
            setting(trial.api_key_header("x-api-key", "SECRET").unwrap().api_key_query("auth", "SECRET"));
        let docs = match way {
            "json" => trial.items_at("/items").by_next_url::<u32>("/next"),
            "checkpoint" => trial.by_link().resume(Checkpoint::new(Some(text.clone()), 0)),
            _ => trial.by_link(),
        };
        let mut docs = docs.no_retry().max_pages(3);
        let end = async { while let Ok(Some(_)) = docs.try_next().await {} };
        assert!(timeout(Duration::from_secs(20), end).await.is_ok(), "{way}: {text}");
    }
    (home, evil)
}

fn carries_secrets(request: &ReceivedRequest) -> bool {
    request.target.contains("SECRET")
        || ["authorization", "x-api-key", "referer", "cookie"]
            .iter()
            .any(|name| request.headers.contains_key(*name))
}

#[tokio::test]
async fn no_trial_reaches_another_origin() {
    let (home, evil) = run_trials(|endpoint| endpoint).await;
    assert!(evil.targets().is_empty(), "{:?}", evil.targets());
    assert!(home.requests().len() >= 500);
}

#[tokio::test]
async fn no_trial_carries_credentials_to_another_origin() {
    let (_, evil) = run_trials(Endpoint::allow_any_origin).await;
    assert!(evil.targets().len() > 100, "{}", evil.targets().len());
    for request in evil.requests() {
        assert!(!carries_secrets(&request), "{request:?}");
    }
}

#[tokio::test]
async fn no_trial_leaves_home_if_links_stay_home() {
    let (home, evil) = run_trials(Endpoint::links_stay_home).await;
    assert!(evil.targets().is_empty(), "{:?}", evil.targets());
    assert!(home.targets().iter().any(|target| target.starts_with("/docs?page=2")));
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    // 65 MiB of items, without a length.
    let server = Server::start(|_: &ReceivedRequest| {
        let chunk = "0,".repeat(32 << 10);
        let chunks = (0..1040).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
        let start = [Ok("[".to_owned())];
        Response::new(Body::from_stream(stream::iter(start.into_iter().chain(chunks))))
    })
    .await;
    let (before, error) = until_error(&mut endpoint(&server.url).by_link()).await;
    assert_eq!(before, [0; 0]);
    assert!(matches!(error.into_fetch_error(), Ok(Error::BodyTooLarge { limit, .. }) if limit == 16 << 20));
}

#[tokio::test]
async fn the_body_of_an_error_without_end_is_an_excerpt() {
    let server = Server::start(|_: &ReceivedRequest| {
        let chunks = stream::iter((0..).map(|_| Ok::<_, std::io::Error>("x".repeat(1000))));
        let mut response = Response::new(Body::from_stream(chunks));
        *response.status_mut() = axum::http::StatusCode::IM_A_TEAPOT;
        response
    })
    .await;
    let (_, error) = until_error(&mut endpoint(&server.url).by_link()).await;
    assert!(chain(&error).len() < 2048);
    assert!(error.into_fetch_error().unwrap().body().len() <= 8 << 10);
}
