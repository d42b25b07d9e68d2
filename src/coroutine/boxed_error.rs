use std::error::Error;
use std::fmt::{Debug, Display};
use std::iter::successors;
use std::mem;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::body_cell::PinnedBody;
use super::mailbox::Mailbox;
use super::throw::{GeneratorExit, Throw, Thrown};

/// A body that fails with a box of any error, into which `?` has also converted the [`Thrown`] of its yields.
///
/// Its output has the type that the driver expects, with the `Thrown` taken out of the box.
#[pin_project]
pub(crate) struct BoxedErrorBody<B>(#[pin] pub(crate) B);

impl<B, R, E> PinnedBody for BoxedErrorBody<B>
where
    B: PinnedBody<Output = Result<R, E>, Thrown = Thrown<E>>,
    E: DerefMut<Target = dyn Error + Send + Sync> + Debug + Display + 'static,
{
    type Yield = B::Yield;
    type Sent = B::Sent;
    type Thrown = Thrown<E>;
    type Output = Result<R, Thrown<E>>;

    #[inline]
    fn mailbox(&self) -> &Mailbox<B::Yield, B::Sent, Thrown<E>> {
        self.0.mailbox()
    }

    #[inline(always)]
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<Self::Output>> {
        self.project().0.poll_body(cx).map(|poll| poll.map_err(unbox))
    }

    fn drop_body(self: Pin<&mut Self>) {
        self.project().0.drop_body();
    }
}

/// Recognizes what a yield has failed with. An exit is also recognized below contexts that the body has added to it. An
/// error that was thrown in keeps its contexts.
#[cold]
fn unbox<E>(mut error: E) -> Thrown<E>
where
    E: DerefMut<Target = dyn Error + Send + Sync> + Debug + Display + 'static,
{
    let outermost: &(dyn Error + 'static) = &*error;
    let is_exit =
        |error: &(dyn Error + 'static)| error.downcast_ref::<Thrown<E>>().is_some_and(Throw::is_exit);
    if outermost.is::<GeneratorExit>() || successors(Some(outermost), |&error| error.source()).any(is_exit) {
        return Thrown::exit();
    }
    match error.downcast_mut::<Thrown<E>>() {
        Some(thrown) => mem::replace(thrown, Thrown::exit()),
        None => Thrown::Error(error),
    }
}
