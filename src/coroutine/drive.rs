use std::pin::Pin;
use std::task::{Context, Poll};

use super::{State, Step, Throw};

/// A body and what drives it, step by step; what is inside a [`Coroutine`](super::Coroutine).
///
/// It is there to be named, in [`BoxCoroutine`](super::BoxCoroutine) and in bounds. Its methods are the crate's own,
/// and it cannot be implemented elsewhere.
pub trait RawCoroutine: sealed::Sealed {
    /// What the body yields.
    type Yield;
    /// What is sent to it in answer.
    type Sent;
    /// What it returns.
    type Return;
    /// What can be raised at its yields.
    type Thrown: Throw;

    /// Where the body stands.
    #[doc(hidden)]
    fn state(&self) -> State;

    /// Answers the yield that the body is at. Only for a suspended one.
    #[doc(hidden)]
    fn resume_with(self: Pin<&mut Self>, value: Self::Sent);

    /// Raises at the yield or the wait that the body is at, or else at its next. Not for one that has not begun.
    #[doc(hidden)]
    fn raise(self: Pin<&mut Self>, thrown: Self::Thrown);

    /// Goes on to the next yield or to the end. Not for one that is suspended and has no answer, nor for a closed one.
    #[doc(hidden)]
    #[expect(clippy::type_complexity, reason = "the two ways to end are what it is about")]
    fn poll_step(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Step<Self::Yield, Result<Self::Return, Self::Thrown>>>;

    /// After a pending step: wakes whoever in the body waits with a waker of its own and was not polled, though there is
    /// something for it, and says so. Then the step is to be polled again.
    #[doc(hidden)]
    fn wake(&self) -> bool;

    /// Drops the body, at once.
    #[doc(hidden)]
    fn drop_body(self: Pin<&mut Self>);
}

pub(super) mod sealed {
    pub trait Sealed {}
}
