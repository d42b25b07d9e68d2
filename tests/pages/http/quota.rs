//! Pauses before a rate limit would reject a request.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use withal::pages::http::Endpoint;

use super::server::{HttpResponse, ReceivedRequest, Server, json, with_header};
use super::{all, endpoint};

type Headers = &'static [(&'static str, &'static str)];

fn paged(headers: Headers) -> impl Fn(&ReceivedRequest) -> HttpResponse + Clone {
    move |request| {
        let page = request.number("page").unwrap_or(1);
        let mut response = json(&json!([page]));
        if page == 1 {
            for (name, value) in headers {
                response = with_header(response, name, value);
            }
            response = with_header(response, "link", "</?page=2>; rel=next");
        }
        response
    }
}

/// The pause before the second page, in whole seconds of tokio's paused clock.
async fn pause(headers: Headers, setting: fn(Endpoint) -> Endpoint) -> u64 {
    let server = Server::start(paged(headers)).await;
    let endpoint = setting(endpoint(&server.url));
    let start = Instant::now();
    assert_eq!(all(endpoint.by_link()).await, [1, 2]);
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn the_next_request_waits_for_the_reset_of_an_exhausted_limit() {
    let table: &[(Headers, u64)] = &[
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], 30),
        (&[("ratelimit", "\"default\";r=0;t=30")], 30),
        (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], 30),
        (
            &[
                ("date", "Tue, 14 Nov 2023 22:14:10 GMT"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1700000060"),
            ],
            10,
        ),
        (&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "30")], 0),
        (&[("x-ratelimit-remaining", "0")], 0),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")], 0),
        // Later than the longest pause.
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "61")], 0),
        (&[], 0),
    ];
    for (headers, want) in table {
        assert_eq!(pause(headers, |endpoint| endpoint).await, *want, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_pause_is_a_setting() {
    const LONG: Headers = &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")];
    assert_eq!(pause(LONG, |endpoint| endpoint.max_quota_pause(Duration::from_secs(900))).await, 900);
    assert_eq!(pause(LONG, |endpoint| endpoint.max_quota_pause(Duration::ZERO)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn clones_of_an_endpoint_share_the_limit() {
    let server = Server::start(paged(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")])).await;
    let endpoint = endpoint(&server.url);
    let mut docs = endpoint.clone().by_link::<u32>();
    assert_eq!(docs.try_next().await.unwrap(), Some(1));
    let start = Instant::now();
    assert_eq!(all(endpoint.by_page_number("page", 2).max_pages(1)).await, [2]);
    assert_eq!(start.elapsed().as_secs(), 30);
}
