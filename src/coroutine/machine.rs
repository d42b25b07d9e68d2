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
    phase: Phase,
    /// Of a body that has ended, while the last value that it yielded is on its way.
    last: Option<C::Output>,
    #[pin]
    cradle: C,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Created,
    Running,
    Suspended,
    /// The body is over, and the outcome is still to be told.
    Ending,
    Closed,
}

/// A machine that has not begun.
pub(super) fn machine<Y, S, R, T, F>(body: F) -> impl Drive<Yield = Y, Sent = S, Return = R, Thrown = T>
where
    T: Throw,
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, T>) -> Result<R, T>,
{
    Machine { phase: Phase::Created, last: None, cradle: cradle(body) }
}

/// Ends the body unless it is told not to: also when a panic goes through it.
struct Ending<'a, C: Cradle> {
    phase: &'a mut Phase,
    cradle: Pin<&'a mut C>,
}

impl<C: Cradle> Drop for Ending<'_, C> {
    fn drop(&mut self) {
        *self.phase = Phase::Closed;
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

    fn state(&self) -> State {
        match self.phase {
            Phase::Created => State::Created,
            Phase::Running => State::Running,
            Phase::Suspended | Phase::Ending => State::Suspended,
            Phase::Closed => State::Closed,
        }
    }

    #[inline]
    fn answer(self: Pin<&mut Self>, value: C::Sent) {
        let this = self.project();
        // A body that is over had dropped the yield in question.
        if *this.phase == Phase::Suspended {
            *this.phase = Phase::Running;
            this.cradle.exchange().send(value);
        }
    }

    fn raise(self: Pin<&mut Self>, thrown: T) {
        let this = self.project();
        match *this.phase {
            Phase::Suspended | Phase::Running => {
                *this.phase = Phase::Running;
                this.cradle.exchange().throw(thrown);
            }
            // Nobody is left to catch it.
            Phase::Ending if !thrown.is_exit() => *this.last = Some(Err(thrown)),
            _ => {}
        }
    }

    #[inline]
    fn poll_step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<C::Yield, Result<R, T>>> {
        let mut this = self.project();
        if *this.phase == Phase::Ending {
            *this.phase = Phase::Closed;
            return this.last.take().map_or(Poll::Pending, |last| Poll::Ready(Step::Complete(last)));
        }
        *this.phase = Phase::Running;
        this.cradle.exchange().polled_with(cx);
        let mut ending = Ending { phase: this.phase, cradle: this.cradle.as_mut() };
        let polled = ending.cradle.as_mut().poll_body(cx);
        let Poll::Ready(outcome) = polled else {
            mem::forget(ending);
            return match this.cradle.exchange().take_out() {
                Some(value) => {
                    *this.phase = Phase::Suspended;
                    Poll::Ready(Step::Yielded(value))
                }
                None => Poll::Pending,
            };
        };
        let (value, unraised) = (ending.cradle.exchange().take_out(), ending.cradle.exchange().take_thrown());
        drop(ending);
        let outcome = match (outcome, unraised) {
            // Thrown in and raised nowhere: it comes out, as it does where it is not caught.
            (Ok(_), Some(thrown)) if !thrown.is_exit() => Err(thrown),
            (outcome, _) => outcome,
        };
        if let Some(value) = value {
            (*this.phase, *this.last) = (Phase::Ending, Some(outcome));
            return Poll::Ready(Step::Yielded(value));
        }
        Poll::Ready(Step::Complete(outcome))
    }

    fn abandon(self: Pin<&mut Self>) {
        let this = self.project();
        drop(Ending { phase: this.phase, cradle: this.cradle });
    }
}
