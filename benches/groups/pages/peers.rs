//! Rows of other crates.

use std::io;

use aws_smithy_async::future::pagination_stream::fn_stream::FnStream;
use aws_smithy_async::future::pagination_stream::{PaginationStream, TryFlatMap};
use azure_core::http::pager::{ItemIterator, Page, PagerContinuation, PagerResult, PagerState};
use futures::{TryStreamExt as _, stream};
use google_cloud_gax::paginator::internal::{PageableResponse, new_paginator};
use google_cloud_gax::paginator::{ItemPaginator as _, Paginator as _};
use page_turner::prelude::{PageTurner, PagesStream as _, TurnedPage, TurnedPageResult};

use super::source::{Doc, Source};
use super::sum;

pub(super) async fn futures(source: Source) -> io::Result<u64> {
    let docs = stream::try_unfold(Some(0), move |cursor| async move {
        let Some(cursor) = cursor else { return Ok::<_, io::Error>(None) };
        let (docs, next) = source.fetch(cursor).await?;
        Ok(Some((stream::iter(docs.into_iter().map(Ok)), next)))
    })
    .try_flatten();
    sum(docs).await
}

pub(super) async fn async_stream(source: Source) -> io::Result<u64> {
    let docs = async_stream::try_stream! {
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            let (docs, next) = source.fetch(at).await?;
            for doc in docs {
                yield doc;
            }
            cursor = next;
        }
    };
    sum(docs).await
}

pub(super) async fn page_turner(source: Source) -> io::Result<u64> {
    sum(source.into_pages(0).items()).await
}

impl PageTurner<u64> for Source {
    type PageItems = Vec<Doc>;
    type PageError = io::Error;

    async fn turn_page(&self, cursor: u64) -> TurnedPageResult<Self, u64> {
        let (docs, next) = self.fetch(cursor).await?;
        Ok(TurnedPage::new(docs, next))
    }
}

pub(super) async fn azure_core(source: Source) -> azure_core::Result<u64> {
    let docs = ItemIterator::new(
        move |state, _| {
            Box::pin(async move {
                let cursor = match state {
                    PagerState::Initial => 0,
                    PagerState::More(cursor) => cursor.as_ref().parse().map_err(io::Error::other)?,
                };
                let (docs, next) = source.fetch(cursor).await?;
                let response = AzurePage(docs);
                Ok(match next.map(|next| PagerContinuation::Token(next.to_string())) {
                    Some(continuation) => PagerResult::More { response, continuation },
                    None => PagerResult::Done { response },
                })
            })
        },
        None,
    );
    sum(docs).await
}

struct AzurePage(Vec<Doc>);

#[async_trait::async_trait]
impl Page for AzurePage {
    type Item = Doc;
    type IntoIter = std::vec::IntoIter<Doc>;

    async fn into_items(self) -> azure_core::Result<Self::IntoIter> {
        Ok(self.0.into_iter())
    }
}

pub(super) async fn google_cloud_gax(source: Source) -> io::Result<u64> {
    // An empty token requests the first page, and marks the end of the list.
    let pages = new_paginator(String::new(), move |token: String| async move {
        let cursor = if token.is_empty() { 0 } else { token.parse().map_err(io::Error::other)? };
        let (docs, next) = source.fetch(cursor).await?;
        Ok::<_, io::Error>(GooglePage { docs, next: next.map_or_else(String::new, |next| next.to_string()) })
    });
    let mut docs = pages.items();
    let mut sum = 0;
    while let Some(doc) = docs.next().await {
        sum += doc?.0;
    }
    Ok(sum)
}

struct GooglePage {
    docs: Vec<Doc>,
    next: String,
}

impl PageableResponse for GooglePage {
    type PageItem = Doc;

    fn items(self) -> Vec<Doc> {
        self.docs
    }

    fn next_page_token(&self) -> String {
        self.next.clone()
    }
}

pub(super) async fn aws_smithy_async(source: Source) -> io::Result<u64> {
    let pages = PaginationStream::new(FnStream::new(move |to| {
        Box::pin(async move {
            let mut cursor = Some(0);
            while let Some(at) = cursor {
                let page = source.fetch(at).await;
                cursor = page.as_ref().ok().and_then(|(_, next)| *next);
                if to.send(page).await.is_err() {
                    return;
                }
            }
        })
    }));
    let mut docs = TryFlatMap::new(pages).flat_map(|(docs, _)| docs);
    let mut sum = 0;
    while let Some(doc) = docs.try_next().await? {
        sum += doc.0;
    }
    Ok(sum)
}
