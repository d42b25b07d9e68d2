use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::body_cell::PinnedBody;
use super::raw_coroutine::{RawCoroutine, sealed::Sealed};
use super::stage::Stage;
use super::step::{State, Step};
use super::throw::Throw;

/// The state machine behind coroutines and generators: a body, whose mailbox has its [`Stage`].
///
/// The body is the first field, so that a step needs one register for both addresses.
#[pin_project]
#[repr(C)]
pub(crate) struct Machine<B: PinnedBody> {
    #[pin]
    pub(crate) body: B,
    /// Set while the body has completed, but the driver has not taken all the values that the body has yielded.
    pub(crate) remaining: Option<Box<Remaining<B::Yield, B::Output>>>,
}

/// The yielded values and the output of a body that has completed.
pub(crate) struct Remaining<Y, O> {
    values: VecDeque<Y>,
    outcome: O,
}

/// Drops the body and closes the machine when the guard is dropped, also by a panic that unwinds through a step. A step
/// that does not end the body forgets the guard.
struct FinishGuard<'a, B: PinnedBody>(Pin<&'a mut B>);

impl<B: PinnedBody> FinishGuard<'_, B> {
    /// Does what the destructor does, for a body that has ended while the fast path was allowed. Such a body has left
    /// at most a stale reply.
    #[inline]
    fn finish_fast_path(mut self) {
        self.0.mailbox().stage().set(Stage::Closed);
        self.0.as_mut().drop_body();
        self.0.mailbox().clear_fast_path();
        mem::forget(self);
    }
}

impl<B: PinnedBody> Drop for FinishGuard<'_, B> {
    #[inline]
    fn drop(&mut self) {
        // First, so that the machine is closed even if a destructor of the body panics.
        self.0.mailbox().stage().set(Stage::Closed);
        self.0.as_mut().drop_body();
        // After the body, whose destructors may still have used it.
        self.0.mailbox().clear();
    }
}

impl<B: PinnedBody> Sealed for Machine<B> {}

impl<B, R, T> RawCoroutine for Machine<B>
where
    B: PinnedBody<Output = Result<R, T>, Thrown = T>,
    T: Throw,
{
    type Yield = B::Yield;
    type Sent = B::Sent;
    type Return = R;
    type Thrown = T;

    #[inline]
    fn state(&self) -> State {
        match self.body.mailbox().stage().get() {
            Stage::Created => State::Created,
            Stage::Suspended => State::Suspended,
            Stage::Running | Stage::Exiting => State::Running,
            Stage::Closed => State::Closed,
        }
    }

    #[inline]
    fn is_suspended(&self) -> bool {
        self.body.mailbox().stage().is_suspended()
    }

    #[inline]
    fn resume_with(self: Pin<&mut Self>, value: B::Sent) {
        self.project().body.mailbox().send(value);
    }

    fn raise(self: Pin<&mut Self>, thrown: T) {
        let this = self.project();
        let stage = this.body.mailbox().stage();
        if thrown.is_exit() && stage.get() == Stage::Exiting {
            // A second exit must not interrupt the cleanup that the first has started.
            return;
        }
        // After an error, a further exit is a new one, and is raised again.
        stage.set(if thrown.is_exit() { Stage::Exiting } else { Stage::Running });
        match this.remaining {
            None => this.body.mailbox().throw(thrown),
            // The body has completed, so it cannot catch `thrown`. The error of the body takes precedence.
            Some(remaining) if thrown.is_exit() => remaining.values.clear(),
            Some(remaining) if !has_failed(&remaining.outcome) => remaining.outcome = Err(thrown),
            Some(_) => {}
        }
    }

    #[inline(always)]
    fn poll_step(
        mut self: Pin<&mut Self>,
        reply: Option<B::Sent>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Step<B::Yield, Result<R, T>>>> {
        if self.is_suspended() {
            if let Some(reply) = reply {
                self.as_mut().resume_with(reply);
            }
            self.body.mailbox().stage().begin_poll(cx);
        } else if self.as_mut().is_closed_or_begin(reply, cx) {
            return Poll::Ready(None);
        }
        let mut this = self.as_mut().project();
        // Poll the body. If it panics, the guard closes the machine.
        let mut finish = FinishGuard(this.body.as_mut());
        let polled = finish.0.as_mut().poll_body(cx);
        if let Some(Poll::Pending) = polled {
            // The common case: the body has yielded one value.
            if let Some(value) = finish.0.mailbox().take_out() {
                mem::forget(finish);
                return Poll::Ready(Some(Step::Yielded(value)));
            }
        }
        let polled = match polled {
            // The next common case: everything that was thrown in was raised, and every value was taken.
            Some(Poll::Ready(outcome)) if finish.0.mailbox().stage().is_fast_path(cx) => {
                finish.finish_fast_path();
                return Poll::Ready(Some(Step::Complete(outcome)));
            }
            polled => polled,
        };
        // The function has guards of its own.
        mem::forget(finish);
        self.settle(polled)
    }

    #[cold]
    fn wake_external(&self) -> bool {
        self.body.mailbox().wake_external()
    }

    fn drop_body(self: Pin<&mut Self>) {
        let this = self.project();
        drop(FinishGuard(this.body));
    }
}

/// A step of a machine.
type MachineStep<B, R, T> = Step<<B as PinnedBody>::Yield, Result<R, T>>;

impl<B, R, T> Machine<B>
where
    B: PinnedBody<Output = Result<R, T>, Thrown = T>,
    T: Throw,
{
    /// Returns `true` if the machine is closed. Otherwise replies to the yield that the body is suspended at, if any, and
    /// begins the poll.
    #[inline(never)]
    fn is_closed_or_begin(mut self: Pin<&mut Self>, reply: Option<B::Sent>, cx: &mut Context<'_>) -> bool {
        match (self.state(), reply) {
            (State::Closed, _) => return true,
            (State::Suspended, Some(reply)) => self.as_mut().resume_with(reply),
            (State::Created | State::Running | State::Suspended, _) => {}
        }
        self.body.mailbox().stage().begin_poll_slow(cx);
        false
    }

    /// Ends a poll that has not yielded one value. Out of line, to keep the path of a yield short.
    #[inline(never)]
    fn settle(
        mut self: Pin<&mut Self>,
        polled: Option<Poll<B::Output>>,
    ) -> Poll<Option<MachineStep<B, R, T>>> {
        let finish = FinishGuard(self.as_mut().project().body);
        match polled {
            // The body has yielded several values, or awaits something other than a yield.
            Some(Poll::Pending) => {
                // A stale reply is dropped, whose destructor may panic.
                let queued = finish.0.mailbox().take_queued();
                mem::forget(finish);
                queued.map_or(Poll::Pending, |value| Poll::Ready(Some(Step::Yielded(value))))
            }
            Some(Poll::Ready(outcome)) => {
                // `complete` has a guard of its own.
                mem::forget(finish);
                self.complete(outcome).map(Some)
            }
            // The body has completed in an earlier step.
            None => {
                // The guard also drops a value that was sent to the completed body.
                drop(finish);
                self.poll_remaining().map(Some)
            }
        }
    }

    /// Closes the machine with the outcome of a body that has left something behind.
    #[cold]
    #[inline(never)]
    fn complete(mut self: Pin<&mut Self>, outcome: Result<R, T>) -> Poll<MachineStep<B, R, T>> {
        let this = self.as_mut().project();
        let finish = FinishGuard(this.body);
        let mailbox = finish.0.mailbox();
        // Take what was not delivered, before the guard clears the mailbox.
        let (unraised, values) = (mailbox.take_thrown(), mailbox.drain());
        drop(finish);
        let outcome = match unraised {
            // An error that was thrown in but not raised is returned, like an error that the body does not catch.
            Some(thrown) if !has_failed(&outcome) && !thrown.is_exit() => Err(thrown),
            _ => outcome,
        };
        let Some(values) = values else { return Poll::Ready(Step::Complete(outcome)) };
        *this.remaining = Some(Box::new(Remaining { values, outcome }));
        self.poll_remaining()
    }

    /// Yields the remaining values, and then returns the outcome.
    #[cold]
    fn poll_remaining(self: Pin<&mut Self>) -> Poll<MachineStep<B, R, T>> {
        let this = self.project();
        // `None` if a closed machine is polled, which no caller does: they check the state first.
        let Some(mut remaining) = this.remaining.take() else { return Poll::Pending };
        let Some(value) = remaining.values.pop_front() else {
            return Poll::Ready(Step::Complete(remaining.outcome));
        };
        this.body.mailbox().stage().set(Stage::Suspended);
        *this.remaining = Some(remaining);
        Poll::Ready(Step::Yielded(value))
    }
}

/// Returns `true` if the body has failed with an error. An exit does not count.
fn has_failed<R, T: Throw>(outcome: &Result<R, T>) -> bool {
    outcome.as_ref().is_err_and(|thrown| !thrown.is_exit())
}
