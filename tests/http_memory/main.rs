//! The memory of a page of `pages::http`: beside its body and its items, little more than that of a program that uses
//! reqwest and `serde_json` by hand.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use withal::pages::http::{Client, Endpoint, Error};
use withal::pages::{AsyncGetDocs, Cursor};
use withal_test_support::counting_allocator::{CountingAllocator, peak_of};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const MIB: usize = 1 << 20;

/// The smallest item that is an object.
#[derive(Debug, Deserialize)]
struct Item {
    a: u64,
}

/// A server whose only response is a body, for any number of requests.
async fn serve(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let response = Arc::new([head, body].concat());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let response = Arc::clone(&response);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                // The request is smaller than the buffer.
                assert!(socket.read(&mut request).await.unwrap() > 0);
                socket.write_all(response.as_bytes()).await.unwrap();
                socket.shutdown().await.unwrap();
            });
        }
    });
    url
}

async fn by_hand(client: &reqwest::Client, url: &str) -> u64 {
    let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
    let items: Vec<Item> = serde_json::from_slice(&body).unwrap();
    items.iter().map(|item| item.a).sum()
}

async fn in_a_stream(endpoint: Endpoint) -> u64 {
    let mut pages = endpoint.by_link::<Item>().into_pages();
    let mut sum = 0;
    while let Some(items) = pages.try_next().await.unwrap() {
        sum += items.iter().map(|item| item.a).sum::<u64>();
    }
    sum
}

/// Items of 8 bytes each.
fn body_of(len: usize, object: bool) -> String {
    let mut body = String::with_capacity(len + 64);
    body.push_str(if object { "{\"next\":null,\"items\":[" } else { "[" });
    while body.len() + 16 < len {
        let _ = write!(body, "{{\"a\":{}}},", body.len() % 10);
    }
    body.push_str(if object { "{\"a\":0}]}" } else { "{\"a\":0}]" });
    body
}

/// The rest of a stream, which ends or fails.
async fn drained<C: Cursor>(mut items: AsyncGetDocs<Item, C, Error>) -> u64 {
    let mut count = 0;
    while let Ok(Some(_)) = items.try_next().await {
        count += 1;
        if count > 10_000_000 {
            break;
        }
    }
    count
}

type Stream = fn(Endpoint) -> Pin<Box<dyn Future<Output = u64>>>;

/// Bodies that contain a large array other than the items, and a stream that reads its place.
const LARGE_PARTS: &[(&str, Stream)] = &[
    (r#"{"items":[],"next":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_next_url("/next")))),
    (r#"{"items":[],"links":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_next_url("/links/0/href")))),
    (r#"{"items":[],"links":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_link_array("/links")))),
    (r#"{"items":[],"next":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_cursor("/next", "cursor")))),
    (r#"{"items":[],"next":LARGE}"#, |endpoint| {
        Box::pin(drained(endpoint.by_body_cursor("/next", "/cursor")))
    }),
    (r#"{"items":[],"next":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_parameters("/next")))),
    (r#"{"items":[],"code":LARGE}"#, |endpoint| {
        Box::pin(drained(endpoint.ok_at("/code", 0).by_cursor("/n", "n")))
    }),
    (r#"{"items":[],"fault":LARGE}"#, |endpoint| {
        Box::pin(drained(endpoint.error_at("/fault").by_cursor("/n", "n")))
    }),
    (r#"{"items":[],"errors":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_cursor("/n", "n")))),
    (r#"{"items":[],"more":LARGE}"#, |endpoint| {
        Box::pin(drained(endpoint.has_more_at("/more").by_cursor("/n", "n")))
    }),
    (r#"{"items":[],"total":LARGE}"#, |endpoint| {
        Box::pin(drained(endpoint.total_at("/total").by_cursor("/n", "n")))
    }),
    (r#"{"items":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_last_item("/a", "after")))),
    (r#"{"items":LARGE}"#, |endpoint| Box::pin(drained(endpoint.by_offset("offset", "limit", 100)))),
    (r#"{"items":LARGE,"total":1}"#, |endpoint| {
        Box::pin(drained(endpoint.total_at("/total").by_page_number("page", 1).max_pages(2)))
    }),
    (r#"{"items":LARGE}"#, |endpoint| {
        Box::pin(async move {
            endpoint.detect().await.unwrap_err();
            0
        })
    }),
];

#[tokio::test]
async fn the_memory_of_a_page_is_bounded_by_its_body_and_its_items() {
    rustls::crypto::ring::default_provider().install_default().expect("no other provider was installed");
    let plain = reqwest::Client::new();
    let client = Client::new(reqwest::Client::builder()).unwrap();

    // A page as large as allowed, of the smallest objects.
    for object in [false, true] {
        let body = body_of(16 * MIB, object);
        let len = body.len();
        let url = serve(body).await;
        let endpoint = client.endpoint(&url).unwrap().items_at(if object { "/items" } else { "" });
        let (sum, peak) = peak_of(in_a_stream(endpoint)).await;
        assert!(sum > 0);
        let above = peak.saturating_sub(len);
        assert!(above <= 64 * MIB, "{} MiB above a body of {} MiB", above / MIB, len / MIB);
        if !object {
            let (same, hand) = peak_of(by_hand(&plain, &url)).await;
            assert_eq!(sum, same);
            assert!(peak * 5 <= hand * 6, "{peak} bytes, by hand {hand}");
        }
    }

    // A body with a large part other than the items, a quarter as large.
    for (part, stream) in LARGE_PARTS {
        let url = serve(part.replace("LARGE", &body_of(4 * MIB - 64, false))).await;
        let docs = stream(client.endpoint(&url).unwrap().items_at("/items"));
        let (_, peak) = peak_of(docs).await;
        let above = peak.saturating_sub(4 * MIB);
        assert!(above <= 16 * MIB, "{part}: {} MiB above the body", above / MIB);
    }

    // A page of 100 small documents. The first request of each client allocates more.
    let url = serve(body_of(8 * 1024, false)).await;
    let endpoint = client.endpoint(&url).unwrap();
    by_hand(&plain, &url).await;
    in_a_stream(endpoint.clone()).await;
    let (_, hand) = peak_of(by_hand(&plain, &url)).await;
    let (_, peak) = peak_of(in_a_stream(endpoint)).await;
    assert!(peak * 5 <= hand * 6, "{peak} bytes, by hand {hand}");

    // A body that is announced as larger than allowed allocates nothing, and one that is not, at most what is allowed.
    let url = serve(body_of(17 * MIB, false)).await;
    let endpoint = client.endpoint(&url).unwrap();
    let (_, peak) = peak_of(async {
        endpoint.by_link::<Item>().try_next().await.unwrap_err();
        0
    })
    .await;
    assert!(peak < MIB, "{peak} bytes");
}
