use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project::pin_project;

/// What the function and the block have in common: the type of what `return` returns, and whether the block came to its
/// end.
pub struct Witness<R> {
    fell: AtomicBool,
    returns: PhantomData<fn() -> R>,
}

impl<R> Default for Witness<R> {
    #[inline]
    fn default() -> Self {
        Self { fell: AtomicBool::new(false), returns: PhantomData }
    }
}

impl<R> Witness<R> {
    /// Never called: for the types alone.
    pub fn returns(&self) -> R {
        unreachable!("it stands behind `if false`")
    }

    #[inline]
    pub fn fell(&self) -> &AtomicBool {
        &self.fell
    }
}

/// A type that is named by hand where nothing else says what `return` returns. Never called.
pub fn named<R>() -> R {
    unreachable!("it stands behind `if false`")
}

/// A binding that no lint takes for one without effect.
#[inline]
pub fn target<T>(target: T) -> T {
    target
}

/// What a block awaits at its end. It never goes on from there, so that its type is that of what it returns.
pub struct Fell<'a>(pub &'a AtomicBool);

impl Future for Fell<'_> {
    type Output = Infallible;

    #[inline]
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Infallible> {
        self.0.store(true, Ordering::Relaxed);
        Poll::Pending
    }
}

/// A block that is ready when it has returned, or come to its end: `None`.
#[pin_project]
pub struct Block<'a, F> {
    #[pin]
    work: F,
    fell: &'a AtomicBool,
}

impl<'a, F> Block<'a, F> {
    #[inline]
    pub fn new(work: F, fell: &'a AtomicBool) -> Self {
        Self { work, fell }
    }
}

impl<F: Future> Future for Block<'_, F> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        match this.work.poll(cx) {
            Poll::Ready(returned) => Poll::Ready(Some(returned)),
            Poll::Pending if this.fell.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// For `break` and `continue` to leave the block, write `loop;` in front: `async_with!(loop; n = &mutex => { .. })`.
///
/// For those with a label, the label: `async_with!('outer; ..)`, or `async_with!(loop, 'outer; ..)`.
pub struct ToBreakWriteLoopFirst<T>(pub T);

/// Moved in each round of what is gone round only once: a `continue` in a block that is in no loop uses it again.
pub struct ToContinueWriteLoopFirst;

#[inline]
pub fn once(_write_loop_first: ToContinueWriteLoopFirst) {}
