//! An awaitable that is driven by hand, step by step.

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
use super::world::{Closes, Way, World};

pub(super) struct Slot {
    holds: Holds,
    /// It is suspended where a throw does not come through.
    is_opaque: bool,
    /// The coroutine was told to exit, and is still in the middle of a step.
    is_exiting: bool,
}

enum Holds {
    Awaitable(Box<Awaitable>),
    Coroutine(Coroutine),
}

/// What a step came to.
pub(super) enum Stepped {
    Suspended(i64),
    Over(Outcome),
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

    /// A coroutine that would be dropped where it waits.
    pub(super) fn is_suspended(&self) -> bool {
        match &self.holds {
            Holds::Coroutine(coroutine) => is_suspended(coroutine),
            Holds::Awaitable(_) => false,
        }
    }

    pub(super) fn send(&mut self, world: &World, value: Value) -> Stepped {
        let stepped = match &mut self.holds {
            Holds::Awaitable(awaitable) => {
                world.step(None, None);
                polled(world, awaitable)
            }
            Holds::Coroutine(coroutine) => {
                world.step(value, None);
                let step = match (coroutine.state(), value) {
                    // What is sent goes to where it waits.
                    (State::Created, None) | (State::Running, _) => coroutine.start(),
                    _ => coroutine.send(value),
                };
                stepped(world, step)
            }
        };
        self.suspended(world);
        stepped
    }

    pub(super) fn throw(&mut self, world: &World, raised: Raised) -> Stepped {
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

    /// What it raises.
    pub(super) fn close(&mut self, world: &World) -> Result<(), Raised> {
        // For the awaitable of a generator a stop is an end, too.
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
            Stepped::Suspended(_) => Err(Raised::with(Kind::Runtime, "coro-ignored-ge")),
            Stepped::Over(over) => over,
        }
    }
}

fn polled(world: &World, awaitable: &mut Awaitable) -> Stepped {
    match awaitable.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => waiting(world),
        Poll::Ready(outcome) => Stepped::Over(outcome),
    }
}

fn stepped(world: &World, step: Result<Step<Value, Value>, Error<Value, Raised>>) -> Stepped {
    match step {
        Ok(Step::Yielded(token)) => Stepped::Suspended(token.expect("it is suspended with a token")),
        Ok(Step::Complete(value)) => Stepped::Over(Ok(value)),
        Err(Error::Pending) => waiting(world),
        Err(error) => Stepped::Over(Err(match error {
            Error::Raised(raised) => raised,
            Error::GeneratorExit => Raised::bare(Kind::GeneratorExit),
            Error::NotStarted(_) => Raised::with(Kind::Type, "nonnone-coro"),
            Error::AlreadyAwaited => Raised::with(Kind::Runtime, "reuse-coro"),
            other => panic!("{other}"),
        })),
    }
}

/// Awaits something else than a generator: a close.
pub(super) fn polled_close(world: &World, close: &mut Closes) -> Stepped {
    match close.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => waiting(world),
        Poll::Ready(result) => Stepped::Over(closed(world, result)),
    }
}

pub(super) fn waiting(world: &World) -> Stepped {
    match world.suspended() {
        Some(suspended) => Stepped::Suspended(suspended.token),
        // An exit was detached onto the runtime, and is waited for: from there on nothing is compared.
        None if world.way == Way::Asyncgens && world.until().is_some() => Stepped::Over(Ok(None)),
        None => unreachable!("it waits for the driver alone"),
    }
}
