use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::collector::Collector;
use super::interrupts::Interrupts;

/// The enter of a manager, which returns the guard and the interrupts of its scope.
#[pin_project]
pub(in crate::context) struct Enter<F> {
    #[pin]
    enter: F,
    interrupts: Interrupts,
}

impl<F> Enter<F> {
    #[inline]
    pub(in crate::context) fn new(enter: F) -> Self {
        Self { enter, interrupts: Interrupts::default() }
    }
}

impl<F: Future<Output = Result<G, E>>, G, E> Future for Enter<F> {
    type Output = Result<(G, Interrupts), E>;

    // Otherwise, each enter is a call whose result is copied. A debug build keeps its stack frames small.
    #[cfg_attr(not(debug_assertions), allow(clippy::inline_always, reason = "measured"), inline(always))]
    #[cfg_attr(debug_assertions, inline)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let collector = Collector::open(this.interrupts);
        let polled = this.enter.poll(cx);
        drop(collector);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(guard)) if this.interrupts.is_empty() => {
                Poll::Ready(Ok((guard, Interrupts::default())))
            }
            Poll::Ready(entered) => Poll::Ready(entered.map(|guard| (guard, mem::take(this.interrupts)))),
        }
    }
}
