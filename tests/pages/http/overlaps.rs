//! Pages that begin with the last items of the page before, and other signs that a stream duplicates or lacks items.

use serde_json::{Value, json};
use withal::pages::http::Error;
use withal::pages::{Checkpoint, Cursor, ErrorKind, OnCycle};

use super::server::{ReceivedRequest, Server, json};
use super::{all, chain, endpoint, until_error};

fn is_overlap(error: &withal::pages::Error<Error>) -> bool {
    matches!(error.kind(), ErrorKind::RepeatedItems)
}

/// The first `count` items of a stream, and its checkpoint after them.
async fn first<C: Cursor>(
    mut docs: withal::pages::AsyncGetDocs<u32, C, Error>,
    count: usize,
) -> (Vec<u32>, Checkpoint<C>) {
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(docs.try_next().await.unwrap().unwrap());
    }
    (items, docs.checkpoint())
}

/// A server that counts from 1, and whose offset 0 has the effect of 1.
async fn one_based() -> Server {
    Server::start(|request: &ReceivedRequest| {
        let from = request.number("start").unwrap().max(1);
        json(&json!({ "items": (from..=9).take(3).collect::<Vec<_>>() }))
    })
    .await
}

#[tokio::test]
async fn a_server_that_counts_from_one_is_noticed_by_concurrent_and_resumed_streams() {
    let server = one_based().await;
    let docs = || endpoint(&server.url).items_at("/items").by_offset::<u32>("start", "rows", 3);
    for concurrent in [1, 4] {
        let (items, error) = until_error(&mut docs().concurrency(concurrent)).await;
        assert_eq!(items, [1, 2, 3]);
        assert!(is_overlap(&error), "{error}");
    }
    let (items, checkpoint) = first(docs(), 3).await;
    assert_eq!(items, [1, 2, 3]);
    let saved = serde_json::to_string(&checkpoint).unwrap();
    let (items, error) = until_error(&mut docs().resume(serde_json::from_str(&saved).unwrap())).await;
    assert!(items.is_empty());
    assert!(is_overlap(&error), "{error}");
    let docs = endpoint(&server.url).items_at("/items").by_offset_from::<u32>("start", "rows", 3, 1);
    assert_eq!(all(docs).await, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn a_list_that_shifts_is_an_error_unless_duplicates_are_removed() {
    let serve = || {
        let requests = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        Server::start(move |request: &ReceivedRequest| {
            let from = request.number("offset").unwrap() as usize;
            let is_first = requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let newest = if is_first { 7 } else { 8 };
            json(&json!({ "items": (1..=newest).rev().skip(from).take(3).collect::<Vec<_>>() }))
        })
    };
    let server = serve().await;
    let docs = endpoint(&server.url).items_at("/items").by_offset::<u32>("offset", "limit", 3);
    assert_eq!(all(docs.unique_by(|item| *item)).await, [7, 6, 5, 4, 3, 2, 1]);
    let server = serve().await;
    let mut docs = endpoint(&server.url).items_at("/items").by_offset::<u32>("offset", "limit", 3);
    let (items, error) = until_error(&mut docs).await;
    assert_eq!(items, [7, 6, 5]);
    assert!(is_overlap(&error), "{error}");
}

#[tokio::test]
async fn a_server_that_filters_its_pages_doubles_no_item() {
    let server = Server::start(|request: &ReceivedRequest| {
        let from = request.number("offset").unwrap();
        let rows = (from..(from + 6).min(18)).filter(|row| !matches!(row % 6, 1 | 2));
        json(&json!({ "items": rows.collect::<Vec<_>>(), "total": 12 }))
    })
    .await;
    for concurrent in [1, 3] {
        let docs = endpoint(&server.url)
            .items_at("/items")
            .total_at("/total")
            .by_offset::<u32>("offset", "limit", 6);
        let (items, error) = until_error(&mut docs.concurrency(concurrent)).await;
        assert_eq!(items, [0, 3, 4, 5]);
        assert!(is_overlap(&error), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_item_of_the_cursor_is_noticed() {
    let server = Server::start(|request: &ReceivedRequest| {
        let from = request.number("since").unwrap_or(1);
        json(&json!({ "items": (from..=7).take(3).collect::<Vec<_>>() }))
    })
    .await;
    let docs = || endpoint(&server.url).items_at("/items").by_last_item::<u32>("", "since");
    let (items, error) = until_error(&mut docs()).await;
    assert_eq!(items, [1, 2, 3]);
    assert!(is_overlap(&error), "{error}");
    let docs = docs().unique_by(|item| *item).on_cycle(OnCycle::End);
    assert_eq!(all(docs).await, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn a_last_page_that_is_repeated_with_other_times_is_noticed() {
    for (size, last) in [(1, 2), (2, 1), (2, 3)] {
        for concurrent in [1, 3] {
            let clock = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let server = Server::start(move |request: &ReceivedRequest| {
                let page = request.number("page").unwrap().min(last);
                let now = clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let item =
                    |at| json!({ "id": page * size + at, "avatar": format!("https://cdn/x?Expires={now}") });
                json(&json!({ "items": (0..size).map(item).collect::<Vec<_>>(), "total": size * last }))
            })
            .await;
            let docs = endpoint(&server.url).items_at("/items").total_at("/total");
            let mut docs = docs.by_page_number::<Value>("page", 1).concurrency(concurrent);
            let mut count = 0;
            let error = loop {
                match docs.try_next().await {
                    Ok(item) => assert!(item.is_some() && count < 20),
                    Err(error) => break error,
                }
                count += 1;
            };
            assert_eq!(count, size * last);
            assert!(is_overlap(&error) || error.is_repeated_page(), "{error}");
        }
    }
}

#[tokio::test]
async fn steps_beyond_the_size_of_the_pages_are_an_error() {
    let serve = |name: &'static str| {
        Server::start(move |request: &ReceivedRequest| {
            let offset = request.number("offset").unwrap();
            let limit = request.number("limit").unwrap().min(2);
            let items: Vec<_> = (offset..(offset + limit).min(7)).collect();
            json(&json!({ "items": items, "meta": { name: limit }, "total": 7 }))
        })
    };
    for name in ["limit", "per_page", "pageSize"] {
        let server = serve(name).await;
        let docs = |limit| {
            let endpoint = endpoint(&server.url).items_at("/items").total_at("/total");
            endpoint.by_offset_steps::<u32>("offset", "limit", limit)
        };
        let (items, error) = until_error(&mut docs(4)).await;
        assert!(items.is_empty());
        assert!(chain(&error).contains("at most 2 items"), "{}", chain(&error));
        assert_eq!(all(docs(2)).await, [0, 1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn pages_of_more_than_ten_thousand_items_are_not_compared() {
    for (count, is_compared) in [(10_000, true), (10_001, false)] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let from = request.number("offset").unwrap().saturating_sub(1);
            let to = (from + count).min(2 * count - 1);
            json(&json!((from..to).collect::<Vec<_>>()))
        })
        .await;
        let mut docs =
            endpoint(&server.url).by_offset::<u32>("offset", "limit", u64::from(count)).max_pages(2);
        let mut items = 0;
        let end = loop {
            match docs.try_next().await {
                Ok(Some(_)) => items += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        assert_eq!(end.as_ref().map(is_overlap), is_compared.then_some(true));
        assert_eq!(items, if is_compared { count } else { 2 * count });
    }
}
