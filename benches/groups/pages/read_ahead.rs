//! Read-ahead: fetching a page takes as long as processing its items. Does the next fetch run in the meantime?
//!
//! Virtual time, so that the figures are exact. The minimum is one of the two times per page, if a fetch runs while the
//! consumer is busy, and not only while the consumer polls. `hand-written` has no read-ahead, and `spawned` is read-ahead
//! written by hand: a task that sends pages into a channel.
//!
//! `page-turner` and `futures` read ahead only if the next request does not depend on the previous response, as this source
//! permits; the others follow cursors. Both have two requests in flight.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use page_turner::prelude::{Limit, PageTurner, PagesStream as _, RequestAhead, TurnedPage, TurnedPageResult};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::source::{Answer, Doc, Source};
use super::{hand_written, ours};
use crate::harness::{Clock, Group, Row};

const PAGE: u64 = 10;
const FETCH: Duration = Duration::from_millis(20);
const WORK: Duration = Duration::from_millis(20);

pub(super) fn group() -> Group {
    let rows = vec![
        Row::paused("withal", async |pages| {
            work(pages, ours::read_ahead(move |at| fetch(of(pages), at))).await;
        }),
        Row::paused("hand-written", async |pages| {
            let source = of(pages);
            work(pages, hand_written::docs(move |cursor| fetch(source, cursor))).await;
        }),
        Row::paused("spawned", async |pages| work(pages, spawned(of(pages))).await),
        Row::paused("page-turner", async |pages| work(pages, page_turner(pages)).await),
        Row::paused("futures", async |pages| work(pages, buffered(pages)).await),
    ];
    let clock = Clock::Paused { least: FETCH.max(WORK), called: "max(fetch, work)" };
    Group { name: "pages/read-ahead".to_owned(), per: "page", step: 1, counted: 20, clock, rows }
}

fn of(pages: u64) -> Source {
    Source::new(PAGE, pages * PAGE)
}

async fn fetch(source: Source, cursor: u64) -> Answer {
    sleep(FETCH).await;
    source.fetch(cursor).await
}

/// The consumer, which is busy with every item.
async fn work<E: Debug>(pages: u64, docs: impl Stream<Item = Result<Doc, E>>) {
    let each = WORK / u32::try_from(PAGE).expect("a small page");
    let mut docs = std::pin::pin!(docs);
    let mut sum = 0;
    while let Some(doc) = docs.try_next().await.expect("the source does not fail") {
        sleep(each).await;
        sum += doc.0;
    }
    of(pages).assert_sum(sum);
}

fn spawned(source: Source) -> impl Stream<Item = io::Result<Doc>> {
    let (to, mut pages) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            let answer = fetch(source, at).await;
            cursor = answer.as_ref().ok().and_then(|(_, next)| *next);
            if to.send(answer).await.is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |cx| pages.poll_recv(cx))
        .map_ok(|(docs, _)| stream::iter(docs.into_iter().map(Ok)))
        .try_flatten()
}

fn buffered(pages: u64) -> impl Stream<Item = io::Result<Doc>> {
    stream::iter(0..pages)
        .map(move |number| fetch(of(pages), number * PAGE))
        .buffered(2)
        .map_ok(|(docs, _)| stream::iter(docs.into_iter().map(Ok)))
        .try_flatten()
}

fn page_turner(pages: u64) -> impl Stream<Item = io::Result<Doc>> {
    let limit = Limit::Pages(usize::try_from(pages).expect("a small number"));
    Slow(of(pages)).into_pages_ahead(2, limit, At(0)).items()
}

#[derive(Clone)]
struct Slow(Source);

struct At(u64);

impl RequestAhead for At {
    fn next_request(&self) -> Self {
        At(self.0 + PAGE)
    }
}

impl PageTurner<At> for Slow {
    type PageItems = Vec<Doc>;
    type PageError = io::Error;

    async fn turn_page(&self, at: At) -> TurnedPageResult<Self, At> {
        let (docs, next) = fetch(self.0, at.0).await?;
        Ok(TurnedPage::new(docs, next.map(At)))
    }
}
