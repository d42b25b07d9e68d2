//! Statuses, rate limits, and errors of GraphQL.

use std::time::Duration;

use serde_json::json;
use withal::pages::http::GraphQlQuery;

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// A4 Retry-After: 0.5 is kept: shopify-app-python#18, req#507.
#[tokio::test]
async fn fraction() -> Outcome {
    let server =
        Server::start(
            |req| if req.n == 0 { raw(429, "").with("retry-after", "0.5") } else { js(json!([1])) },
        )
        .await;
    let start = std::time::Instant::now();
    walk(endpoint(&server.url).by_link::<u32>().retry(soon())).await.is(&[1])?;
    let waited = start.elapsed();
    if waited >= Duration::from_millis(450) { Ok(()) } else { Err(format!("asked again after {waited:?}")) }
}

/// A15 GraphQL: rate limit with status 200: airbyte#83256.
#[tokio::test]
async fn graphql_rate() -> Outcome {
    let server = Server::start(|req| match req.n {
        1 => js(json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] })).with("retry-after", "1"),
        n => js(json!({ "data": { "docs": { "nodes": [n], "pageInfo": { "hasNextPage": n == 0, "endCursor": "a" } } } })),
    })
    .await;
    walk(
        endpoint(&server.url)
            .by_relay_connection::<usize>(GraphQlQuery::new("query", "/data/docs"))
            .retry(soon()),
    )
    .await
    .is(&[0, 2])
}

/// A16 GitHub: 403 with x-ratelimit-reset and no Retry-After: GitHub.jl#231, commit-status-publisher#52.
#[tokio::test]
async fn rate_reset() -> Outcome {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let server = Server::start(move |req| match req.n {
        0 => raw(403, r#"{"message":"API rate limit exceeded"}"#)
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", (now + 2).to_string()),
        _ => js(json!([1])),
    })
    .await;
    walk(endpoint(&server.url).by_link::<u32>().retry(soon())).await.is(&[1])
}

/// A16b Google: 403 rateLimitExceeded, the reason can be had from the error: google-api-python-client#170, python-api-core#679.
#[tokio::test]
async fn google_403() -> Outcome {
    let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'things.googleapis.com' for consumer 'project_number:1'.";
    let body = json!({ "error": { "code": 403, "errors": [{ "domain": "usageLimits", "message": message, "reason": "rateLimitExceeded" }], "message": message } });
    let server = Server::start(move |_| raw(403, body.to_string())).await;
    let error = endpoint(&server.url).by_link::<u32>().no_retry().try_next().await.unwrap_err();
    let shown = format!("{:?}", error.into_fetch_error().unwrap());
    if shown.contains("rateLimitExceeded") {
        Ok(())
    } else {
        Err(format!("the error has no more than {shown}"))
    }
}

/// A23 Cloudflare's 522 is retried: paddle-python-sdk#157, got#991, curl#19011.
#[tokio::test]
async fn cloudflare() -> Outcome {
    for status in [520, 521, 522, 524, 529] {
        let server =
            Server::start(move |req| if req.n == 0 { raw(status, "") } else { js(json!([1])) }).await;
        walk(endpoint(&server.url).by_link::<u32>().retry(soon())).await.is(&[1])?;
    }
    Ok(())
}
