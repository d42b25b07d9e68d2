//! A function, as it runs.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use tokio::sync::Mutex as AsyncMutex;
use withal::context::AsyncExitStack;
use withal::coroutine::{Thrown, Yielder};

use super::around::{Handled, exclude_unless_same, framed};
use super::awaitable::Awaitable;
use super::functions::YieldOnceOf;
use super::generators::{Generator, Outcome};
use super::leaf::suspend;
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::statements::{Flow, run_block};
use super::world::World;

/// What a function yields through, and is thrown into.
pub(super) enum Mouth<'g> {
    Generator(AsyncMutex<Yielder<'g, Value, Value, Thrown<Raised>>>),
    /// Of a loop, which sends nothing.
    OfLoop(AsyncMutex<Yielder<'g, Value, (), Thrown<Raised>>>),
    /// It yields where it is suspended.
    Coroutine(AsyncMutex<Yielder<'g, Value, Value, Thrown<Raised>>>),
    Manager(YieldOnceOf<'g>),
}

pub(super) struct Frame<'m, 'g> {
    world: Arc<World>,
    pub(super) mouth: &'m Mouth<'g>,
    pub(super) handled: Arc<Handled>,
    locals: Mutex<Locals>,
}

#[derive(Default)]
pub(super) struct Locals {
    pub(super) x: Value,
    pub(super) items: BTreeMap<usize, Value>,
    pub(super) handles: BTreeMap<usize, Arc<Generator<Value>>>,
    pub(super) stack: StackVariable,
}

/// What the variable of the stacks holds.
#[derive(Default)]
pub(super) enum StackVariable {
    #[default]
    Unset,
    /// That of the block this deep.
    OfBlock(usize),
    Own(Arc<Own>),
}

/// One that no block has.
pub(super) struct Own {
    world: Arc<World>,
    pub(super) stack: AsyncExitStack,
    /// What is dropped with it, and not done, is detached.
    is_filled: AtomicBool,
}

impl Own {
    pub(super) fn closed(world: &Arc<World>) -> Arc<Self> {
        let world = Arc::clone(world);
        Arc::new(Self { world, stack: AsyncExitStack::new(), is_filled: AtomicBool::new(false) })
    }

    pub(super) fn popped(world: &Arc<World>, stack: AsyncExitStack) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), stack, is_filled: AtomicBool::new(true) })
    }

    /// Something is put onto it, or all is taken off.
    pub(super) fn fill(&self, is_filled: bool) {
        self.is_filled.store(is_filled, Ordering::Relaxed);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if *self.is_filled.get_mut() {
            self.world.detaches();
        }
    }
}

/// Runs a function to its end, and has what it raises as it comes out of it.
pub(super) fn run_function<'a, 'g: 'a>(
    world: &'a Arc<World>,
    mouth: &'a Mouth<'g>,
    function: usize,
) -> BoxFuture<'a, Result<Value, Raised>> {
    let handled = Arc::<Handled>::default();
    let frame =
        Frame { world: Arc::clone(world), mouth, handled: Arc::clone(&handled), locals: Mutex::default() };
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

    /// A throw raises it here: what this handles is its context.
    fn thrown(&self, raised: Raised) -> Raised {
        if let Some(handled) = self.handled.last() {
            raised.raised_under(Some(handled));
        }
        raised
    }

    fn thrown_into_await(&self, raised: Raised) -> Raised {
        self.world.comes(&raised);
        self.thrown(raised)
    }

    /// Suspends some times.
    pub(super) async fn suspend(&self, times: u32, token: i64) -> Result<Value, Raised> {
        if let Mouth::Coroutine(y) = self.mouth {
            let mut sent = None;
            for _ in 0..times {
                let answer = y.lock().await.yield_(Some(token)).await;
                sent = answer.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))?;
            }
            return Ok(sent);
        }
        self.wait(suspend(&self.world, times, token)).await?.map_err(|raised| self.thrown(raised))
    }

    /// Awaits what may be suspended; raises what is thrown meanwhile.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Raised> {
        match self.mouth {
            Mouth::Generator(y) | Mouth::Coroutine(y) => {
                let waited = y.lock().await.interruptible(future).await;
                waited.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))
            }
            Mouth::OfLoop(y) => {
                let waited = y.lock().await.interruptible(future).await;
                waited.map_err(|thrown| self.thrown_into_await(Raised::thrown(thrown)))
            }
            Mouth::Manager(_) => Ok(future.await),
        }
    }

    /// What was awaited when `thrown` came to it.
    pub(super) fn came(&self, thrown: Option<&Raised>, outcome: &Outcome) {
        if let Some(exit) = thrown.filter(|thrown| thrown.kind() == Kind::GeneratorExit) {
            exclude_unless_same(&self.world, exit, Some(outcome));
        }
    }

    /// Python's `await` of an operation: what is thrown goes through.
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
                    self.came(thrown.as_ref(), &outcome);
                    return outcome;
                }
                Err(raised) => {
                    thrown = Some(raised.clone());
                    Awaitable::throw(&mut awaitable, raised);
                }
            }
        }
    }

    /// `sent = yield value`.
    pub(super) async fn yield_(&self, value: Value) -> Result<Value, Raised> {
        match self.mouth {
            Mouth::Generator(y) => {
                let answer = y.lock().await.yield_(value).await;
                answer.map_err(|thrown| self.thrown(Raised::thrown(thrown)))
            }
            Mouth::OfLoop(y) => {
                let answer = y.lock().await.yield_(value).await;
                answer.map(|()| None).map_err(|thrown| self.thrown(Raised::thrown(thrown)))
            }
            Mouth::Coroutine(_) => unreachable!("a coroutine does not yield"),
            Mouth::Manager(once) => {
                once.yield_(&self.world, value).await.map_err(|raised| self.thrown(raised))?;
                Ok(None)
            }
        }
    }
}
