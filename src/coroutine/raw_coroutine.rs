use std::pin::Pin;
use std::task::{Context, Poll};

use super::step::{State, Step};
use super::throw::Throw;

/// A body and the state machine that drives it: the bound of the type parameter of [`Coroutine`](super::Coroutine).
///
/// Programs name this trait in bounds and in [`BoxCoroutine`](super::BoxCoroutine), but call none of its methods, which
/// are private to this crate. The trait is sealed.
pub trait RawCoroutine: sealed::Sealed {
    /// The type of the values that the body yields.
    type Yield;
    /// The type of the values that are sent to the body.
    type Sent;
    /// The type of the value that the body returns.
    type Return;
    /// The type that is thrown into the body, and that the body fails with.
    type Thrown: Throw;

    /// Returns the state of the body.
    #[doc(hidden)]
    fn state(&self) -> State;

    /// Returns `true` if the body is suspended at a yield, and only a reply to it is to be delivered.
    #[doc(hidden)]
    fn is_suspended(&self) -> bool;

    /// Replies to the last yield of the body. Not to be called in [`State::Created`] or [`State::Closed`].
    #[doc(hidden)]
    fn resume_with(self: Pin<&mut Self>, value: Self::Sent);

    /// Raises at the yield that the body is at, or at the next. Not to be called in [`State::Created`].
    #[doc(hidden)]
    fn raise(self: Pin<&mut Self>, thrown: Self::Thrown);

    /// Runs the body to its next yield or to its end. Resolves to `None` in [`State::Closed`].
    ///
    /// In [`State::Suspended`], `reply` is sent to the yield. Without a reply, and without a call of
    /// [`resume_with`](Self::resume_with) or [`raise`](Self::raise) before, the step runs what the body awaits beside its
    /// yield, and the state is [`State::Running`] afterwards. In the other states, `reply` is dropped.
    ///
    /// The only method that polls the body, so that it is inlined there also if the method is called by a vtable.
    #[doc(hidden)]
    #[expect(clippy::type_complexity, reason = "a step whose output is a result")]
    fn poll_step(
        self: Pin<&mut Self>,
        reply: Option<Self::Sent>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Step<Self::Yield, Result<Self::Return, Self::Thrown>>>>;

    /// After a pending step, wakes a yield in the body that waits with a waker other than the driver's and was not
    /// polled, although there is something for it. Returns `true` if it did, and then the step is to be polled again.
    #[doc(hidden)]
    fn wake_external(&self) -> bool;

    /// Drops the body at once.
    #[doc(hidden)]
    fn drop_body(self: Pin<&mut Self>);
}

pub(super) mod sealed {
    pub trait Sealed {}
}
