//! The three forms of the article's `get_docs`, side by side: the same documents.

use std::convert::Infallible;

use futures::{Stream, TryStreamExt};
use withal::generator::try_generator;
use withal::pages::AsyncGetDocs;
use withal::try_stream;

/// What the article's server gives: three pages, then an empty one.
fn page(number: u64) -> Vec<String> {
    if number < 3 { (0..4).map(|n| format!("doc {number}.{n}")).collect() } else { vec![] }
}

async fn fetch_page(number: u64) -> Result<Vec<String>, Infallible> {
    tokio::task::yield_now().await;
    Ok(page(number))
}

/// The plain synchronous iterator: each page waits for the one before it, and the thread with it.
fn iterator() -> impl Iterator<Item = String> {
    (0..).map(page).take_while(|docs| !docs.is_empty()).flatten()
}

/// The async generator.
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

/// The same, as a stream that goes one way.
fn one_way() -> impl Stream<Item = Result<String, Infallible>> {
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
async fn the_three_forms_give_the_same_documents() {
    let expected: Vec<_> = iterator().collect();
    assert_eq!(expected.len(), 12);
    assert_eq!(generator().try_collect::<Vec<_>>().await.unwrap(), expected);
    assert_eq!(one_way().try_collect::<Vec<_>>().await.unwrap(), expected);

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
