//! A state machine written by hand for this source: no boxes, no options.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::Stream;
use pin_project::pin_project;

use super::source::{Answer, Doc};

/// Returns the items of the pages that `fetch` returns.
pub(super) fn docs<Fut: Future<Output = Answer>>(
    fetch: impl FnMut(u64) -> Fut,
) -> impl Stream<Item = io::Result<Doc>> {
    Docs { fetch, page: None, buffer: Vec::new().into_iter(), next: Some(0) }
}

#[pin_project]
struct Docs<F, Fut> {
    fetch: F,
    #[pin]
    page: Option<Fut>,
    buffer: vec::IntoIter<Doc>,
    next: Option<u64>,
}

impl<F: FnMut(u64) -> Fut, Fut: Future<Output = Answer>> Stream for Docs<F, Fut> {
    type Item = io::Result<Doc>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(doc) = self.as_mut().project().buffer.next() {
                return Poll::Ready(Some(Ok(doc)));
            }
            match ready!(self.as_mut().refill(cx)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<F: FnMut(u64) -> Fut, Fut: Future<Output = Answer>> Docs<F, Fut> {
    /// Fetches a page, or returns `false` at the end. Not inlined, so that the rest is small enough to be inlined into the
    /// loop of the consumer.
    #[cold]
    #[inline(never)]
    fn refill(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut this = self.project();
        if this.page.is_none() {
            let Some(cursor) = this.next.take() else { return Poll::Ready(Ok(false)) };
            this.page.set(Some((this.fetch)(cursor)));
        }
        let page = this.page.as_mut().as_pin_mut().expect("set above");
        let answer = ready!(page.poll(cx));
        this.page.set(None);
        let (docs, next) = answer?;
        (*this.buffer, *this.next) = (docs.into_iter(), next);
        Poll::Ready(Ok(true))
    }
}
