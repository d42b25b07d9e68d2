//! Items of a paginated source: the cost of a stream of items, without the cost of creating the pages.
//!
//! Every row reads the same source ([`source`]), whose pages are ready at once, and adds the items up in the same loop.
//! `hand-written` is written for this source only, with an inline future and a known closure type.
//!
//! The clients of three clouds have their paginators in separate crates, which are driven here as in their generated clients.
//! Two of them only support cursors of type `String`, which costs extra here:
//! - `azure_core`: `ItemIterator`, of which `Pager` is an alias for HTTP responses; here it reads a page without JSON.
//! - `google-cloud-gax`: `Paginator::items`, whose constructor is public, but meant for those clients.
//! - `aws-smithy-async`: `PaginationStream` and `TryFlatMap`, with a rendezvous channel for each item.
//!
//! Not included: octocrab and kube, whose pagination needs their own HTTP client and pages; reqwest has no pagination.

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

/// Pages of the given number of items; figures per item.
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
