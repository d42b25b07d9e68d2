//! The frame of a running function.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use tokio::sync::Mutex as AsyncMutex;
use withal::context::AsyncExitStack;
use withal::coroutine::{Thrown, Yielder};

use super::adapters::{HandledExceptions, exclude_unless_reraised, framed};
use super::awaitable::Awaitable;
use super::function_managers::YieldOnceOf;
use super::generators::{Generator, Outcome};
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::statements::{Flow, run_block};
use super::suspend::suspend;
use super::world::World;

/// The channel by which a function yields, and receives what is sent and thrown.
pub(super) enum YieldChannel<'g> {
    Generator(AsyncMutex<Yielder<'g, Value, Value, Thrown<Raised>>>),
    /// A generator in an `async for`, which sends nothing.
    Loop(AsyncMutex<Yielder<'g, Value, (), Thrown<Raised>>>),
    /// A coroutine, which yields where it is suspended.
    Coroutine(AsyncMutex<Yielder<'g, Value, Value, Thrown<Raised>>>),
    Manager(YieldOnceOf<'g>),
}

pub(super) struct Frame<'m, 'g> {
    world: Arc<World>,
    pub(super) channel: &'m YieldChannel<'g>,
    pub(super) handled: Arc<HandledExceptions>,
    locals: Mutex<Locals>,
}

#[derive(Default)]
pub(super) struct Locals {
    pub(super) x: Value,
    pub(super) items: BTreeMap<usize, Value>,
    pub(super) handles: BTreeMap<usize, Arc<Generator<Value>>>,
    pub(super) stack: StackVariable,
}

/// The content of the variable that holds an exit stack.
#[derive(Default)]
pub(super) enum StackVariable {
    #[default]
    Unset,
    /// The stack of the block at this nesting depth.
    Block(usize),
    Owned(Arc<OwnedStack>),
}

/// A stack that belongs to no block.
pub(super) struct OwnedStack {
    world: Arc<World>,
    pub(super) stack: AsyncExitStack,
    /// If so, dropping the stack detaches its exits. `Relaxed`, since a program runs on one thread.
    is_filled: AtomicBool,
}

impl OwnedStack {
    pub(super) fn closed(world: &Arc<World>) -> Arc<Self> {
        let world = Arc::clone(world);
        Arc::new(Self { world, stack: AsyncExitStack::new(), is_filled: AtomicBool::new(false) })
    }

    pub(super) fn popped(world: &Arc<World>, stack: AsyncExitStack) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), stack, is_filled: AtomicBool::new(true) })
    }

    /// Records whether the stack has callbacks.
    pub(super) fn fill(&self, is_filled: bool) {
        self.is_filled.store(is_filled, Ordering::Relaxed);
    }
}

impl Drop for OwnedStack {
    fn drop(&mut self) {
        if *self.is_filled.get_mut() {
            self.world.cut_off_at_detach();
        }
    }
}

/// Runs a function to its end, and converts a stop that leaves it as PEP 479 does.
pub(super) fn run_function<'a, 'g: 'a>(
    world: &'a Arc<World>,
    channel: &'a YieldChannel<'g>,
    function: usize,
) -> BoxFuture<'a, Result<Value, Raised>> {
    let handled = Arc::<HandledExceptions>::default();
    let frame =
        Frame { world: Arc::clone(world), channel, handled: Arc::clone(&handled), locals: Mutex::default() };
    let body = async move {
        let function = &frame.world.functions[function];
        match run_block(&frame, &function.body, super::statements::Scope::default()).await {
            Ok(Flow::Return(value)) => Ok(value),
            Ok(_) => Ok(None),
            Err(raised) => Err(raised.out_of(function.is_generator)),
        }
    };
    Box::pin(framed(world, &handled, body))
}

impl Frame<'_, '_> {
    pub(super) fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(super) fn locals(&self) -> MutexGuard<'_, Locals> {
        self.locals.lock().unwrap()
    }

    /// Sets the context of an exception that was thrown in: the one that is being handled here.
    fn thrown(&self, raised: Raised) -> Raised {
        if let Some(handled) = self.handled.last() {
            raised.raised_under(Some(handled));
        }
        raised
    }

    fn thrown_into_await(&self, raised: Raised) -> Raised {
        self.world.close_awaited_frames(&raised);
        self.thrown(raised)
    }

    /// Suspends `times` times.
    pub(super) async fn suspend(&self, times: u32, token: i64) -> Result<Value, Raised> {
        if let YieldChannel::Coroutine(y) = self.channel {
            let mut sent = None;
            for _ in 0..times {
                let received = y.lock().await.yield_(Some(token)).await;
                sent = received.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))?;
            }
            return Ok(sent);
        }
        self.wait(suspend(&self.world, times, token)).await?.map_err(|raised| self.thrown(raised))
    }

    /// Awaits a future that may be suspended, and raises what is thrown in meanwhile.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Raised> {
        match self.channel {
            YieldChannel::Generator(y) | YieldChannel::Coroutine(y) => {
                let waited = y.lock().await.interruptible(future).await;
                waited.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))
            }
            YieldChannel::Loop(y) => {
                let waited = y.lock().await.interruptible(future).await;
                waited.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))
            }
            YieldChannel::Manager(_) => Ok(future.await),
        }
    }

    /// Checks the result of what was awaited when `thrown` was raised in it.
    pub(super) fn check_closed(&self, thrown: Option<&Raised>, outcome: &Outcome) {
        if let Some(exit) = thrown.filter(|thrown| thrown.kind() == Kind::GeneratorExit) {
            exclude_unless_reraised(&self.world, exit, Some(outcome));
        }
    }

    /// Python's `await` of an operation, which passes on what is thrown in.
    pub(super) async fn operate(
        &self,
        generator: &Arc<Generator<Value>>,
        operation: Operation,
    ) -> Result<Value, Raised> {
        let mut awaitable = pin!(Awaitable::new(generator, operation));
        let mut thrown = None;
        loop {
            let waited = self.wait(poll_fn(|cx| awaitable.as_mut().poll(cx))).await;
            match waited {
                Ok(outcome) => {
                    self.check_closed(thrown.as_ref(), &outcome);
                    return outcome;
                }
                Err(raised) => {
                    thrown = Some(raised.clone());
                    Awaitable::throw(&mut awaitable, raised);
                }
            }
        }
    }

    /// `sent = yield value`
    pub(super) async fn yield_(&self, value: Value) -> Result<Value, Raised> {
        match self.channel {
            YieldChannel::Generator(y) => {
                let received = y.lock().await.yield_(value).await;
                received.map_err(|thrown| self.thrown(Raised::thrown(thrown)))
            }
            YieldChannel::Loop(y) => {
                let received = y.lock().await.yield_(value).await;
                received.map(|()| None).map_err(|thrown| self.thrown(Raised::thrown(thrown)))
            }
            YieldChannel::Coroutine(_) => unreachable!("validated: a coroutine cannot yield"),
            YieldChannel::Manager(once) => {
                once.yield_(&self.world, value).await.map_err(|raised| self.thrown(raised))?;
                Ok(None)
            }
        }
    }
}
