use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::drive::sealed::Sealed;
use super::slot::{Cradle, Yielder, cradle};
use super::{RawCoroutine, State, Step, Throw};

/// The one machine under every face: a body in its cradle, and where it stands.
#[pin_project]
pub(super) struct Machine<C: Cradle> {
    stage: Stage,
    /// Of a body that has ended, while the last value that it yielded waits for its answer.
    last: Option<Box<Last<C::Yield, C::Output>>>,
    #[pin]
    cradle: C,
}

/// What is left of a body that has ended.
struct Last<Y, O> {
    /// Yielded, and not taken yet.
    values: VecDeque<Y>,
    outcome: O,
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
pub(crate) fn machine<Y, S, R, T, F>(
    body: F,
) -> impl RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = T>
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

impl<C, R, T> RawCoroutine for Machine<C>
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
    fn resume_with(self: Pin<&mut Self>, value: C::Sent) {
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
            // Nobody is left to catch it; what the body failed with comes first.
            Some(last) if thrown.is_exit() => last.values.clear(),
            Some(last) if !has_failed(&last.outcome) => last.outcome = Err(thrown),
            Some(_) => {}
        }
    }

    #[inline(always)]
    fn poll_step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<C::Yield, Result<R, T>>> {
        let mut this = self.as_mut().project();
        this.cradle.exchange().polled_with(cx);
        let mut ending = Ending { stage: this.stage, cradle: this.cradle.as_mut() };
        match ending.cradle.as_mut().poll_body(cx) {
            Some(Poll::Pending) => {
                mem::forget(ending);
                if let Some(value) = this.cradle.exchange().take_out() {
                    *this.stage = Stage::Suspended;
                    return Poll::Ready(Step::Yielded(value));
                }
                let queued = this.cradle.exchange().take_queued();
                if queued.is_some() {
                    *this.stage = Stage::Suspended;
                } else if *this.stage != Stage::Exiting {
                    *this.stage = Stage::Running;
                }
                queued.map_or(Poll::Pending, |value| Poll::Ready(Step::Yielded(value)))
            }
            Some(Poll::Ready(outcome)) => {
                mem::forget(ending);
                self.end(outcome)
            }
            None => {
                drop(ending);
                self.poll_last()
            }
        }
    }

    #[cold]
    fn wake(&self) -> bool {
        self.cradle.exchange().wake()
    }

    fn drop_body(self: Pin<&mut Self>) {
        let this = self.project();
        drop(Ending { stage: this.stage, cradle: this.cradle });
    }
}

/// A step of a machine.
type Ended<C, R, T> = Step<<C as Cradle>::Yield, Result<R, T>>;

impl<C, R, T> Machine<C>
where
    C: Cradle<Output = Result<R, T>, Thrown = T>,
    T: Throw,
{
    /// The body has ended. Not inlined, so that the way of a yield is short.
    #[inline(never)]
    fn end(mut self: Pin<&mut Self>, outcome: Result<R, T>) -> Poll<Ended<C, R, T>> {
        let this = self.as_mut().project();
        let ending = Ending { stage: this.stage, cradle: this.cradle };
        let exchange = ending.cradle.exchange();
        let (unraised, values) = (exchange.take_thrown(), exchange.take_left());
        drop(ending);
        let outcome = match unraised {
            // Thrown in and raised nowhere: it comes out, as it does where it is not caught.
            Some(thrown) if !has_failed(&outcome) && !thrown.is_exit() => Err(thrown),
            _ => outcome,
        };
        let Some(values) = values else { return Poll::Ready(Step::Complete(outcome)) };
        *this.last = Some(Box::new(Last { values, outcome }));
        self.poll_last()
    }

    /// The values that are left, and then the outcome.
    #[cold]
    fn poll_last(self: Pin<&mut Self>) -> Poll<Ended<C, R, T>> {
        let this = self.project();
        let Some(mut last) = this.last.take() else { return Poll::Pending };
        let Some(value) = last.values.pop_front() else { return Poll::Ready(Step::Complete(last.outcome)) };
        (*this.stage, *this.last) = (Stage::Suspended, Some(last));
        Poll::Ready(Step::Yielded(value))
    }
}

/// Whether it ended with an error of its own; an exit is none.
fn has_failed<R, T: Throw>(outcome: &Result<R, T>) -> bool {
    outcome.as_ref().is_err_and(|thrown| !thrown.is_exit())
}
