//! `AsyncGetDocs` compared with an async generator and a synchronous iterator: they yield the same items.

use std::convert::Infallible;

use futures::{Stream, TryStreamExt};
use withal::generator::try_generator;
use withal::pages::AsyncGetDocs;
use withal::try_stream;

/// The pages of a server: three with items, then an empty one.
fn page(number: u64) -> Vec<String> {
    if number < 3 { (0..4).map(|n| format!("doc {number}.{n}")).collect() } else { vec![] }
}

async fn fetch_page(number: u64) -> Result<Vec<String>, Infallible> {
    tokio::task::yield_now().await;
    Ok(page(number))
}

/// A synchronous iterator, which blocks its thread during each fetch.
fn iterator() -> impl Iterator<Item = String> {
    (0..).map(page).take_while(|docs| !docs.is_empty()).flatten()
}

/// An async generator.
fn generator() -> impl Stream<Item = Result<String, Infallible>> {
    try_generator(async |mut y| {
        for number in 0.. {
            let docs = fetch_page(number).await?;
            if docs.is_empty() {
                break;
            }
            for doc in docs {
                y.yield_(doc).await?;
            }
        }
        Ok(())
    })
}

/// The same with `try_stream!`.
fn macro_stream() -> impl Stream<Item = Result<String, Infallible>> {
    try_stream! {
        for number in 0.. {
            let docs = fetch_page(number).await?;
            if docs.is_empty() {
                break;
            }
            for doc in docs {
                yield doc;
            }
        }
    }
}

#[tokio::test]
async fn class_generator_and_iterator_yield_the_same_items() {
    let expected: Vec<_> = iterator().collect();
    assert_eq!(expected.len(), 12);
    assert_eq!(generator().try_collect::<Vec<_>>().await.unwrap(), expected);
    assert_eq!(macro_stream().try_collect::<Vec<_>>().await.unwrap(), expected);

    let mut docs = AsyncGetDocs::new(fetch_page);
    let mut class = Vec::new();
    while let Some(doc) = docs.try_next().await.unwrap() {
        class.push(doc);
    }
    assert_eq!(class, expected);

    let mut docs = AsyncGetDocs::new(fetch_page).read_ahead(1);
    let mut class = Vec::new();
    while let Some(doc) = docs.next().await {
        class.push(doc.unwrap());
    }
    assert_eq!(class, expected);
}
