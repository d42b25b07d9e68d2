//! Statuses, rate limits, and errors of GraphQL.

use std::time::Duration;

use serde_json::json;
use withal::pages::http::GraphQlQuery;

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// `Retry-After` with a fraction: Shopify.
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

/// A rate limit with status 200: GraphQL.
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

/// Status 403 with `X-RateLimit-Reset` and without `Retry-After`: GitHub.
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

/// Status 403 with the reason `rateLimitExceeded`: Google.
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

/// Status 522: Cloudflare.
#[tokio::test]
async fn cloudflare() -> Outcome {
    for status in [520, 521, 522, 524, 529] {
        let server =
            Server::start(move |req| if req.n == 0 { raw(status, "") } else { js(json!([1])) }).await;
        walk(endpoint(&server.url).by_link::<u32>().retry(soon())).await.is(&[1])?;
    }
    Ok(())
}
