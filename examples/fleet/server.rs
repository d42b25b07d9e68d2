//! A paginated API, with 40 partitions of 50 pages of 20 items.

use std::io;
use std::time::Duration;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

const PARTITIONS: u32 = 40;
const PAGES: u32 = 50;
const ITEMS: u32 = 20;

/// The time that the API takes to return a page.
const DELAY: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
struct Params {
    cursor: Option<String>,
}

/// The total number of items.
pub(crate) const ITEMS_IN_TOTAL: usize = (PARTITIONS * PAGES * ITEMS) as usize;

/// Returns the names of the partitions.
pub(crate) fn partitions() -> Vec<String> {
    (0..PARTITIONS).map(|n| format!("shelf-{n:02}")).collect()
}

/// Starts the API on a free loopback port, and returns its URL. It runs until the runtime shuts down.
pub(crate) async fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/{partition}", get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

async fn page(Path(partition): Path<String>, params: Query<Params>) -> Response {
    tokio::time::sleep(DELAY).await;
    // The cursor of a page is an opaque text for the client.
    let page = params.cursor.as_deref().map_or(Some(0), |cursor| cursor.strip_prefix("page-")?.parse().ok());
    let page = page.unwrap_or(PAGES);
    if page >= PAGES || !partitions().contains(&partition) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let items: Vec<_> = (0..ITEMS).map(|n| json!({ "id": format!("{partition}/{page}/{n}") })).collect();
    let next = (page + 1 < PAGES).then(|| format!("page-{}", page + 1));
    ([(CONTENT_TYPE, "application/json")], json!({ "items": items, "next": next }).to_string())
        .into_response()
}
