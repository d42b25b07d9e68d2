use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::collector::Collector;
use super::interrupts::Interrupts;

/// The enter of a manager, which adds the interrupts that it registers to those of its scope.
#[pin_project]
pub(in crate::context) struct Enter<'s, F> {
    #[pin]
    pub(in crate::context) enter: F,
    pub(in crate::context) interrupts: &'s mut Interrupts,
}

impl<F: Future> Future for Enter<'_, F> {
    type Output = F::Output;

    // Otherwise, each enter is a call whose result is copied. A debug build keeps its stack frames small.
    #[cfg_attr(not(debug_assertions), allow(clippy::inline_always, reason = "measured"), inline(always))]
    #[cfg_attr(debug_assertions, inline)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.interrupts.enter_span();
        let _collector = Collector::open(this.interrupts);
        this.enter.poll(cx)
    }
}
