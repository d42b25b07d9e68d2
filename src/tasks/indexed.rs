use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
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

/// The next that is over, where nobody will ask again: with each polled once at least. By itself the stream gives way when
/// two of them have woken themselves.
pub(super) fn poll_each<F: Future>(
    futures: &mut FuturesUnordered<Indexed<F>>,
    cx: &mut Context<'_>,
) -> Poll<Option<(usize, F::Output)>> {
    for _ in 0..=futures.len() / 2 {
        if let Poll::Ready(next) = Pin::new(&mut *futures).poll_next(cx) {
            return Poll::Ready(next);
        }
    }
    Poll::Pending
}
