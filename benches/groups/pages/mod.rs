//! Documents of a paginated source: what a stream of items costs beyond the making of the pages.
//!
//! Every row drives the same source ([`source`]), whose pages are ready at once, and sums the documents up in the same
//! loop. `hand-written` is what one would write for this source alone: its future inline, its closure's type known.
//!
//! The clients of three clouds have their paginators in crates of their own, which are driven here the way their
//! generated clients do it. Two of them know no cursor but a `String`, and pay for it here:
//! - `azure_core`: `ItemIterator`, which is what `Pager` is over an HTTP response; over a page of ours there is no JSON.
//! - `google-cloud-gax`: `Paginator::items`, whose constructor is public but meant for those clients.
//! - `aws-smithy-async`: `PaginationStream` and `TryFlatMap`, a rendezvous channel an item.
//!
//! Not here: octocrab and kube, whose pagination takes their own HTTP client and pages; reqwest has none.

mod hand_written;
mod ours;
mod peers;
mod read_ahead;
mod source;

use std::fmt::Debug;

use futures::{Stream, TryStreamExt as _};
use source::{Doc, Source};

use crate::harness::{Clock, Group, Row};

pub(super) fn groups() -> Vec<Group> {
    let mut groups: Vec<_> = [1, 10, 100, 1000].map(pages_of).into();
    groups.push(read_ahead::group());
    groups
}

/// Pages of so many documents; figures a document.
fn pages_of(size: u64) -> Group {
    let rows = vec![
        row("withal", size, ours::plain),
        row("withal (all features)", size, ours::set_up),
        row("hand-written", size, async |source| sum(hand_written::docs(move |at| source.fetch(at))).await),
        row("page-turner", size, peers::page_turner),
        row("futures", size, peers::futures),
        row("async-stream", size, peers::async_stream),
        row("azure_core", size, peers::azure_core),
        row("google-cloud-gax", size, peers::google_cloud_gax),
        row("aws-smithy-async", size, peers::aws_smithy_async),
    ];
    Group {
        name: format!("pages/{size}"),
        per: "item",
        step: size,
        counted: 20_000,
        clock: Clock::Wall,
        rows,
    }
}

fn row<E: Debug>(
    name: &'static str,
    size: u64,
    sum_up: impl AsyncFn(Source) -> Result<u64, E> + 'static,
) -> Row {
    Row::new(name, async move |total| {
        let source = Source::new(size, total);
        source.assert_sum(sum_up(source).await.expect("the source does not fail"));
    })
}

/// The loop of every row that is a [`Stream`].
async fn sum<E>(docs: impl Stream<Item = Result<Doc, E>>) -> Result<u64, E> {
    let mut docs = std::pin::pin!(docs);
    let mut sum = 0;
    while let Some(doc) = docs.try_next().await? {
        sum += doc.0;
    }
    Ok(sum)
}
