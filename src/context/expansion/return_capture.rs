use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::context::scope::block::DetectEnd;

/// The link between the enclosing function and the `async` block of the expansion: it makes both return one type, and
/// it records that the block has completed.
pub struct ReturnWitness<R> {
    /// Set by [`ReachedEnd`] and read by [`ReturnCapture`], both in one poll of the block. It is atomic only so that
    /// the future is `Send`. It publishes nothing, so `Relaxed` suffices.
    reached_end: AtomicBool,
    returns: PhantomData<fn() -> R>,
}

impl<R> ReturnWitness<R> {
    #[expect(clippy::new_without_default, reason = "`Default` need not be in scope where the macro expands")]
    #[inline]
    pub fn new() -> Self {
        Self { reached_end: AtomicBool::new(false), returns: PhantomData }
    }

    /// Never called: the expansion needs only its type.
    pub fn returns(&self) -> R {
        unreachable!("the call is behind `if false`")
    }

    #[inline]
    pub fn reached_end(&self) -> &AtomicBool {
        &self.reached_end
    }
}

/// Names the type that `return` returns, for `async_with!(-> R; ..)`. Never called.
pub fn named<R>() -> R {
    unreachable!("the call is behind `if false`")
}

/// Returns the target. A plain `let` of a reference would trigger lints in the user's code.
#[inline]
pub fn target<T>(target: T) -> T {
    target
}

/// The future at the end of the block. It is never ready, so that the output of the `async` block has the type of its
/// `return` statements.
pub struct ReachedEnd<'a>(pub &'a AtomicBool);

impl Future for ReachedEnd<'_> {
    type Output = Infallible;

    #[inline]
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Infallible> {
        self.0.store(true, Ordering::Relaxed);
        Poll::Pending
    }
}

/// Distinguishes the two ways in which a block ends: it is left with `Some` if it returns from the function, and with
/// `None` if it reaches its end.
pub struct ReturnCapture<'a>(pub &'a AtomicBool);

impl<R> DetectEnd<R> for ReturnCapture<'_> {
    type Output = Option<R>;

    #[inline]
    fn detect(&self, polled: Poll<R>) -> Poll<Option<R>> {
        match polled {
            Poll::Ready(returned) => Poll::Ready(Some(returned)),
            Poll::Pending if self.0.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A type whose name is a hint in compiler errors.
///
/// To leave the block by `break` or `continue`, write `loop;` first, as in `async_with!(loop; n = &mutex => { .. })`.
/// For jumps with a label, name the label: `async_with!('outer; ..)`, or `async_with!(loop, 'outer; ..)`.
pub struct ToBreakWriteLoopFirst<T>(pub T);

/// A value that is moved once, in a loop that runs once. A `continue` in a block without `loop;` would move the value
/// again, which does not compile.
pub struct ToContinueWriteLoopFirst;

#[inline]
pub fn once(_write_loop_first: ToContinueWriteLoopFirst) {}
