use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::context::scope::block::DetectEnd;

thread_local! {
    /// Set by [`ReachedEnd`], and read by [`ReturnCapture`] when the poll of the same block returns: nothing runs in
    /// between. A field that the block and its scope share would be a pointer in both.
    static REACHED_END: Cell<bool> = const { Cell::new(false) };
}

/// The link between the enclosing function and the `async` block of the expansion, which each have one: it makes both
/// return one type.
pub struct ReturnWitness<R>(PhantomData<fn() -> R>);

impl<R> ReturnWitness<R> {
    #[inline]
    #[must_use]
    pub fn pair() -> (Self, Self) {
        (Self(PhantomData), Self(PhantomData))
    }

    /// Never called: the expansion needs only its type. It takes the witness so that the block captures no reference.
    pub fn returns(self) -> R {
        unreachable!("the call is behind `if false`")
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
pub struct ReachedEnd;

impl Future for ReachedEnd {
    type Output = Infallible;

    #[inline]
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Infallible> {
        REACHED_END.set(true);
        Poll::Pending
    }
}

/// Distinguishes the two ways in which a block ends: it is left with `Some` if it returns from the function, and with
/// `None` if it reaches its end.
pub struct ReturnCapture;

impl<R> DetectEnd<R> for ReturnCapture {
    type Output = Option<R>;

    #[inline]
    fn detect(&self, polled: Poll<R>) -> Poll<Option<R>> {
        match polled {
            Poll::Ready(returned) => Poll::Ready(Some(returned)),
            Poll::Pending if REACHED_END.replace(false) => Poll::Ready(None),
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
