//! A compressed body is bounded by its size after decompression, and so is the memory for it.

use std::io::Write;
use std::sync::Arc;

use flate2::{Compress, Compression, FlushCompress};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use withal::pages::http::{Client, Endpoint, Error, GraphQlQuery};
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

/// Compresses a text.
fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A gzip stream of so many MiB of spaces, without an end. One MiB is compressed, and repeated: after a full flush, a
/// block does not depend on those before it.
fn bomb(mib: usize) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(MIB);
    deflate.compress_vec(&vec![b' '; MIB], &mut block, FlushCompress::Full).unwrap();
    assert_eq!(deflate.total_in(), MIB as u64);
    // The magic bytes, the method (deflate), no flags, no time, no extra flags, an unknown system.
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&header[..], &block.repeat(mib)].concat()
}

/// A server that responds to each request with this compressed body.
async fn serve(status: u16, body: Vec<u8>) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let response = Arc::new([head.into_bytes(), body].concat());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let response = Arc::clone(&response);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                // The request is smaller than the buffer.
                let length = socket.read(&mut request).await.unwrap();
                assert!(String::from_utf8_lossy(&request[..length]).contains("gzip"));
                // The client may close the connection before the end of the body.
                drop(socket.write_all(&response).await);
                drop(socket.shutdown().await);
            });
        }
    });
    Client::new(reqwest::Client::builder()).unwrap().endpoint(&url).unwrap()
}

/// The result of the first page, and the peak of the memory for it.
async fn first(endpoint: Endpoint) -> (Result<u64, Error>, usize) {
    peak_of(async {
        let mut pages = endpoint.by_link::<Item>().no_retry().into_pages();
        let page = pages.try_next().await.map_err(|error| error.into_fetch_error().unwrap());
        page.map(|items| items.into_iter().flatten().map(|item| item.a).sum())
    })
    .await
}

#[tokio::test]
async fn a_compressed_body_is_bounded_by_its_size_after_decompression() {
    let bomb = bomb(1024);
    assert!(bomb.len() < 4 * MIB, "{}", bomb.len());
    let (result, peak) = first(serve(200, bomb.clone()).await).await;
    assert!(matches!(result, Err(Error::BodyTooLarge { limit, .. }) if limit == 16 * MIB), "{result:?}");
    assert!(peak <= 64 * MIB, "{} MiB", peak / MIB);

    let (result, peak) = first(serve(200, bomb.clone()).await.max_body(MIB)).await;
    assert!(matches!(result, Err(Error::BodyTooLarge { .. })), "{result:?}");
    assert!(peak <= 8 * MIB, "{} MiB", peak / MIB);

    // The body of an error is read only to its beginning.
    let (result, peak) = first(serve(500, bomb).await).await;
    assert!(matches!(result, Err(Error::Status { .. })), "{result:?}");
    assert!(peak <= 4 * MIB, "{} MiB", peak / MIB);

    // A page as large as allowed, of the smallest objects.
    let page = gzip(&format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(2 * MIB - 1024)));
    assert!(page.len() < MIB, "{}", page.len());
    let (result, peak) = first(serve(200, page).await).await;
    assert_eq!(result.unwrap(), 2 * MIB as u64 - 1023);
    assert!(peak <= 16 * MIB + 64 * MIB, "{} MiB", peak / MIB);

    // In the same test, because the measured peak is that of the whole process.
    each_paginator_bounds_a_compressed_body().await;
}

/// Returns `true` if the error of the first page is that of a body that is too large.
async fn is_refused<C: Cursor>(items: AsyncGetDocs<Item, C, Error>) -> bool {
    let error = items.no_retry().into_pages().try_next().await.err();
    let error = error.and_then(|error| error.into_fetch_error().ok());
    matches!(error, Some(Error::BodyTooLarge { limit: MIB, .. }))
}

/// The row of the table of all paginators and all faults in `tests/pages` that needs a compressed body.
async fn each_paginator_bounds_a_compressed_body() {
    let endpoint = serve(200, bomb(64)).await.max_body(MIB).items_at("/items");
    let body = endpoint.clone().json(&()).unwrap();
    macro_rules! refuse {
        ($($endpoint:ident.$paginator:ident($($argument:expr),*)),* $(,)?) => {
            [$((stringify!($paginator), is_refused($endpoint.clone().$paginator($($argument),*)).await)),*]
        };
    }
    let refused: [_; 22] = refuse![
        endpoint.by_link(),
        endpoint.by_next_url_header("next-page"),
        endpoint.by_next_url("/next"),
        endpoint.by_link_array("/links"),
        endpoint.by_odata(),
        endpoint.by_hal("items"),
        endpoint.by_json_api(),
        endpoint.by_cursor("/next", "cursor"),
        endpoint.by_cursor_header("x-next", "cursor"),
        body.by_body_cursor("/next", "/cursor"),
        endpoint.by_parameters("/continue"),
        endpoint.by_kubernetes(),
        endpoint.by_relay_connection(GraphQlQuery::new("query", "/data/items")),
        endpoint.by_response(|request, _: &String| request, |response| Ok(response.page(None)?)),
        endpoint.by_last_item("/id", "after"),
        body.by_last_item_in_body("/id", "/after"),
        endpoint.by_page_number("page", 1),
        endpoint.by_numbered_response(1, |request, _| request, |response| Ok(response.page(None)?)),
        endpoint.by_offset("offset", "limit", 100),
        endpoint.by_offset_from("offset", "limit", 100, 1),
        endpoint.by_scim(100),
        endpoint.by_offset_steps("offset", "limit", 100),
    ];
    for (name, is_refused) in refused {
        assert!(is_refused, "{name}");
    }
}
