//! The same documents out of withal.

use std::io;

use futures::Stream;

use super::{
    hand_written,
    source::{Answer, Doc, Source},
    sum,
};

pub(super) async fn plain(source: Source) -> io::Result<u64> {
    sum(hand_written::docs(move |c| source.fetch(c))).await
}

pub(super) fn read_ahead<Fut: Future<Output = Answer>>(
    source: Source,
    fetch: impl Fn(Source, u64) -> Fut,
) -> impl Stream<Item = io::Result<Doc>> {
    hand_written::docs(move |cursor| fetch(source, cursor))
}
