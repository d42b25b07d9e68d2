//! An HTTP server for the example and the tests: a list of media types, paginated like the GitHub API.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, HOST, LINK, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const DATA: &str = include_str!("../data/media-types.tsv");

/// The page whose first request fails with 503 Service Unavailable.
const BUSY_PAGE: usize = 4;

struct Api {
    docs: Vec<Value>,
    was_busy: AtomicBool,
}

#[derive(Deserialize)]
struct Params {
    page: Option<usize>,
    per_page: Option<usize>,
}

/// Serves on a free loopback port until the runtime shuts down, and returns the URL of the list.
pub(crate) async fn start() -> io::Result<String> {
    let api = Arc::new(Api { docs: DATA.lines().map(doc).collect(), was_busy: AtomicBool::new(false) });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/media-types", listener.local_addr()?);
    let router = Router::new().route("/media-types", get(list)).with_state(api);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

fn doc(line: &str) -> Value {
    let (name, extensions) = line.split_once('\t').unwrap_or((line, ""));
    json!({ "type": name, "extensions": extensions.split_whitespace().collect::<Vec<_>>() })
}

async fn list(State(api): State<Arc<Api>>, params: Query<Params>, headers: HeaderMap) -> Response {
    let (page, size) = (params.page.unwrap_or(1).max(1), params.per_page.unwrap_or(30).min(100));
    if size == 0 {
        let message = json!({ "message": "per_page must be at least 1" }).to_string();
        return (StatusCode::UNPROCESSABLE_ENTITY, message).into_response();
    }
    if page == BUSY_PAGE && !api.was_busy.swap(true, Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "busy, come back").into_response();
    }
    let docs: Vec<_> = api.docs.iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    let last = api.docs.len().div_ceil(size);
    let mut response = ([(CONTENT_TYPE, "application/json")], json!(docs).to_string()).into_response();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    if let Ok(links) = HeaderValue::try_from(links(host, page, size, last)) {
        response.headers_mut().insert(LINK, links);
    }
    // GitHub does not send a total, but many APIs do. The progress bar uses it.
    response.headers_mut().insert(HeaderName::from_static("x-total-count"), api.docs.len().into());
    response
}

fn links(host: &str, page: usize, size: usize, last: usize) -> String {
    let to =
        |page: usize, rel| format!("<http://{host}/media-types?per_page={size}&page={page}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if page > 1 {
        links.push(to((page - 1).min(last), "prev"));
    }
    if page < last {
        links.extend([to(page + 1, "next"), to(last, "last")]);
    }
    if page > 1 {
        links.push(to(1, "first"));
    }
    links.join(", ")
}
