//! Rows of withal.

use std::io;

use futures::Stream;
use withal::pages::{AsyncGetDocs, Error, OnCycle, OnEmpty, OnError, Page, by_cursor};

use super::source::{Answer, Doc, Source};

type Docs = AsyncGetDocs<Doc, u64, io::Error>;

/// With default settings.
pub(super) async fn plain(source: Source) -> Result<u64, Error<io::Error>> {
    sum(docs(move |at| source.fetch(at))).await
}

/// With every setting that does not change which pages or items are read.
pub(super) async fn set_up(source: Source) -> Result<u64, Error<io::Error>> {
    let docs = docs(move |at| source.fetch(at))
        .max_items(u64::MAX)
        .max_pages(u64::MAX)
        .on_cycle(OnCycle::Error)
        .on_empty(OnEmpty::Continue)
        .classify(|_| OnError::Fatal)
        .before_request(async || ())
        .on_event(|_| ());
    sum(docs).await
}

pub(super) fn read_ahead<Fut: Future<Output = Answer> + Send + 'static>(
    fetch: impl Fn(u64) -> Fut + Send + 'static,
) -> impl Stream<Item = Result<Doc, Error<io::Error>>> {
    docs(fetch).read_ahead(1)
}

fn docs<Fut: Future<Output = Answer> + Send + 'static>(fetch: impl Fn(u64) -> Fut + Send + 'static) -> Docs {
    by_cursor(move |cursor: Option<u64>| {
        let page = fetch(cursor.unwrap_or(0));
        async move {
            let (docs, next) = page.await?;
            Ok(Page::new(docs, next))
        }
    })
}

/// By the inherent methods, which need no trait in scope.
async fn sum(mut docs: Docs) -> Result<u64, Error<io::Error>> {
    let mut sum = 0;
    while let Some(doc) = docs.try_next().await? {
        sum += doc.0;
    }
    Ok(sum)
}
