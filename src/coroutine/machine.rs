use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::drive::sealed::Sealed;
use super::slot::{Cradle, Yielder, cradle};
use super::{Drive, State, Step, Throw};

/// The one machine under every face: a body in its cradle, and where it stands.
#[pin_project]
pub(super) struct Machine<C: Cradle> {
    stage: Stage,
    /// Of a body that has ended, while the last value that it yielded waits for its answer.
    last: Option<C::Output>,
    #[pin]
    cradle: C,
}

/// A [`State`], and a little more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Created,
    Suspended,
    Running,
    /// Running, and told to exit since its last yield.
    Exiting,
    Closed,
}

/// A machine that has not begun.
pub(crate) fn machine<Y, S, R, T, F>(body: F) -> impl Drive<Yield = Y, Sent = S, Return = R, Thrown = T>
where
    T: Throw,
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, T>) -> Result<R, T>,
{
    Machine { stage: Stage::Created, last: None, cradle: cradle(body) }
}

/// Ends the body unless it is told not to: also when a panic goes through it.
struct Ending<'a, C: Cradle> {
    stage: &'a mut Stage,
    cradle: Pin<&'a mut C>,
}

impl<C: Cradle> Drop for Ending<'_, C> {
    fn drop(&mut self) {
        *self.stage = Stage::Closed;
        self.cradle.as_mut().end();
        // After the body, whose destructors may still have used it.
        self.cradle.exchange().clear();
    }
}

impl<C: Cradle> Sealed for Machine<C> {}

impl<C, R, T> Drive for Machine<C>
where
    C: Cradle<Output = Result<R, T>, Thrown = T>,
    T: Throw,
{
    type Yield = C::Yield;
    type Sent = C::Sent;
    type Return = R;
    type Thrown = T;

    #[inline]
    fn state(&self) -> State {
        match self.stage {
            Stage::Created => State::Created,
            Stage::Suspended => State::Suspended,
            Stage::Running | Stage::Exiting => State::Running,
            Stage::Closed => State::Closed,
        }
    }

    #[inline]
    fn answer(self: Pin<&mut Self>, value: C::Sent) {
        self.project().cradle.exchange().send(value);
    }

    fn raise(self: Pin<&mut Self>, thrown: T) {
        let this = self.project();
        if thrown.is_exit() && *this.stage == Stage::Exiting {
            // What the body does on its way out is not interrupted by being told once more.
            return;
        }
        *this.stage = if thrown.is_exit() { Stage::Exiting } else { Stage::Running };
        match this.last {
            None => this.cradle.exchange().throw(thrown),
            // Nobody is left to catch it.
            Some(_) if thrown.is_exit() => {}
            Some(last) => *last = Err(thrown),
        }
    }

    #[inline(always)]
    fn poll_step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<C::Yield, Result<R, T>>> {
        let mut this = self.project();
        this.cradle.exchange().polled_with(cx);
        let mut ending = Ending { stage: this.stage, cradle: this.cradle.as_mut() };
        match ending.cradle.as_mut().poll_body(cx) {
            Some(Poll::Pending) => {
                mem::forget(ending);
                let Some(value) = this.cradle.exchange().take_out() else {
                    if *this.stage != Stage::Exiting {
                        *this.stage = Stage::Running;
                    }
                    return Poll::Pending;
                };
                *this.stage = Stage::Suspended;
                Poll::Ready(Step::Yielded(value))
            }
            Some(Poll::Ready(outcome)) => {
                let exchange = ending.cradle.exchange();
                let (value, unraised) = (exchange.take_out(), exchange.take_thrown());
                drop(ending);
                let outcome = match unraised {
                    // Thrown in and raised nowhere: it comes out, as it does where it is not caught.
                    Some(thrown) if outcome.is_ok() && !thrown.is_exit() => Err(thrown),
                    _ => outcome,
                };
                let Some(value) = value else { return Poll::Ready(Step::Complete(outcome)) };
                (*this.stage, *this.last) = (Stage::Suspended, Some(outcome));
                Poll::Ready(Step::Yielded(value))
            }
            None => {
                drop(ending);
                this.last.take().map_or(Poll::Pending, |last| Poll::Ready(Step::Complete(last)))
            }
        }
    }

    #[cold]
    fn wake(&self) -> bool {
        self.cradle.exchange().wake()
    }

    fn abandon(self: Pin<&mut Self>) {
        let this = self.project();
        drop(Ending { stage: this.stage, cradle: this.cradle });
    }
}
