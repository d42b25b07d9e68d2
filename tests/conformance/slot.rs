//! Awaitables that the driver steps by hand.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use withal::coroutine::{Error, State, Step};

use super::awaitable::Awaitable;
use super::coroutines::{Coroutine, coroutine, is_suspended};
use super::generators::{Generator, Outcome, closed};
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::{BoxClose, Mode, World};

pub(super) struct Slot {
    holds: Holds,
    /// It is suspended where no throw reaches it.
    is_opaque: bool,
    /// An exit was thrown into the coroutine, and it is still in the middle of that step.
    is_exiting: bool,
}

enum Holds {
    Awaitable(Box<Awaitable>),
    Coroutine(Coroutine),
}

/// The outcome of a step.
pub(super) enum StepOutcome {
    Suspended(i64),
    Done(Outcome),
}

impl Slot {
    pub(super) fn awaitable(generator: &Arc<Generator<Value>>, operation: Operation) -> Self {
        Self::new(Holds::Awaitable(Box::new(Awaitable::for_later(generator, operation))))
    }

    pub(super) fn coroutine(world: &Arc<World>) -> Self {
        Self::new(Holds::Coroutine(coroutine(world, 0)))
    }

    fn new(holds: Holds) -> Self {
        Self { holds, is_opaque: false, is_exiting: false }
    }

    /// Returns `true` for a coroutine that is suspended: dropping it would differ from Python.
    pub(super) fn is_suspended(&self) -> bool {
        match &self.holds {
            Holds::Coroutine(coroutine) => is_suspended(coroutine),
            Holds::Awaitable(_) => false,
        }
    }

    pub(super) fn send(&mut self, world: &World, value: Value) -> StepOutcome {
        let stepped = match &mut self.holds {
            Holds::Awaitable(awaitable) => {
                world.step(None, None);
                polled(world, awaitable)
            }
            Holds::Coroutine(coroutine) => {
                world.step(value, None);
                let step = match (coroutine.state(), value) {
                    // A value that is sent reaches the innermost suspension.
                    (State::Created, None) | (State::Running, _) => coroutine.start(),
                    _ => coroutine.send(value),
                };
                stepped(world, step)
            }
        };
        self.suspended(world);
        stepped
    }

    pub(super) fn throw(&mut self, world: &World, raised: Raised) -> StepOutcome {
        let stepped = match &mut self.holds {
            Holds::Awaitable(awaitable) => {
                if self.is_opaque {
                    world.step(None, Some(raised));
                } else {
                    world.step(None, None);
                    awaitable.throw(raised);
                }
                polled(world, awaitable)
            }
            Holds::Coroutine(coroutine) => {
                if raised.kind() == Kind::StopIteration && coroutine.state() != State::Closed {
                    world.exclude(Rule::StopAsResult);
                }
                let step = if self.is_opaque {
                    world.step(None, Some(raised));
                    coroutine.start()
                } else {
                    world.step(None, None);
                    self.is_exiting = raised.is_exit();
                    coroutine.throw(raised.into_thrown())
                };
                stepped(world, step)
            }
        };
        self.suspended(world);
        stepped
    }

    fn suspended(&mut self, world: &World) {
        self.is_opaque = world.suspended().is_some_and(|suspended| suspended.is_opaque);
        if let Holds::Coroutine(coroutine) = &self.holds {
            self.is_exiting &= coroutine.state() == State::Running;
        }
    }

    /// Closes the awaitable, and returns the exception that comes of it.
    pub(super) fn close(&mut self, world: &World) -> Result<(), Raised> {
        // For the awaitable of a generator, a stop is an end, too.
        let is_awaitable = matches!(self.holds, Holds::Awaitable(_));
        let is_end =
            |raised: &Raised| raised.kind() == Kind::GeneratorExit || is_awaitable && raised.kind().is_stop();
        match self.end(world) {
            Err(raised) if !is_end(&raised) => Err(raised),
            _ => Ok(()),
        }
    }

    fn end(&mut self, world: &World) -> Result<Value, Raised> {
        match &mut self.holds {
            Holds::Awaitable(awaitable) if awaitable.is_spent() => {
                awaitable.close_spent();
                return Ok(None);
            }
            Holds::Coroutine(coroutine) if !self.is_opaque => {
                world.step(None, None);
                if self.is_exiting && coroutine.state() == State::Running {
                    world.exclude(Rule::ClosesAClose);
                }
                self.is_exiting = true;
                let closed = coroutine.close();
                self.suspended(world);
                return match closed {
                    Ok(_) => Ok(None),
                    Err(Error::Raised(raised)) => Err(raised),
                    Err(_) => Err(Raised::with(Kind::Runtime, "coro-ignored-ge")),
                };
            }
            _ => {}
        }
        match self.throw(world, Raised::bare(Kind::GeneratorExit)) {
            StepOutcome::Suspended(_) => Err(Raised::with(Kind::Runtime, "coro-ignored-ge")),
            StepOutcome::Done(over) => over,
        }
    }
}

fn polled(world: &World, awaitable: &mut Awaitable) -> StepOutcome {
    match awaitable.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => waiting(world),
        Poll::Ready(outcome) => StepOutcome::Done(outcome),
    }
}

fn stepped(world: &World, step: Result<Step<Value, Value>, Error<Value, Raised>>) -> StepOutcome {
    match step {
        Ok(Step::Yielded(token)) => StepOutcome::Suspended(token.expect("suspended with a token")),
        Ok(Step::Complete(value)) => StepOutcome::Done(Ok(value)),
        Err(Error::Pending) => waiting(world),
        Err(error) => StepOutcome::Done(Err(match error {
            Error::Raised(raised) => raised,
            Error::GeneratorExit => Raised::bare(Kind::GeneratorExit),
            Error::NotStarted(_) => Raised::with(Kind::Type, "nonnone-coro"),
            Error::AlreadyAwaited => Raised::with(Kind::Runtime, "reuse-coro"),
            other => panic!("{other}"),
        })),
    }
}

/// Polls the close of a generator.
pub(super) fn polled_close(world: &World, close: &mut BoxClose) -> StepOutcome {
    match close.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => waiting(world),
        Poll::Ready(result) => StepOutcome::Done(closed(world, result)),
    }
}

pub(super) fn waiting(world: &World) -> StepOutcome {
    match world.suspended() {
        Some(suspended) => StepOutcome::Suspended(suspended.token),
        // An exit was detached onto the runtime, and is awaited; from there on nothing is compared.
        None if world.mode == Mode::Asyncgens && world.cutoff().is_some() => StepOutcome::Done(Ok(None)),
        None => unreachable!("only the driver suspends"),
    }
}
