use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::FuturesUnordered;
use pin_project::pin_project;

/// A future that knows its place.
#[pin_project]
pub(super) struct Indexed<F> {
    place: usize,
    #[pin]
    future: F,
}

impl<F> Indexed<F> {
    pub(super) fn new((place, future): (usize, F)) -> Self {
        Self { place, future }
    }

    pub(super) fn future(&self) -> &F {
        &self.future
    }
}

impl<F: Future> Future for Indexed<F> {
    type Output = (usize, F::Output);

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.future.poll(cx).map(|output| (*this.place, output))
    }
}

/// Those that are left, in the order in which they were given.
pub(super) fn in_order<F: Unpin>(futures: FuturesUnordered<Indexed<F>>) -> impl Iterator<Item = (usize, F)> {
    let mut left: Vec<_> = futures.into_iter().map(|indexed| (indexed.place, indexed.future)).collect();
    left.sort_unstable_by_key(|(place, _)| *place);
    left.into_iter()
}
