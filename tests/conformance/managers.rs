//! The managers of a program.

use std::sync::{Arc, Mutex};

use withal::context::{
    AsyncClose, AsyncContextManager, AsyncExit, Detach, Error, Exit, Outcome, YieldOnce, aclosing,
    async_with_send, asynccontextmanager,
};

use super::frame::{Frame, Mouth, run_function};
use super::generators::Generator;
use super::leaf::suspend;
use super::program::{Block, Manager, Operation, Value, Verdict};
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::statements::{Flow, Ran, Scope, run_block, run_for, text};
use super::world::{Handled, World, framed, opaque, transparent};

/// A manager that logs what it sees.
pub(super) struct Logs {
    manager: Manager,
    world: Arc<World>,
}

impl Logs {
    pub(super) fn new(world: &Arc<World>, manager: Manager) -> Self {
        Self { manager, world: Arc::clone(world) }
    }

    /// Says whether it swallows.
    pub(super) async fn exit(&self, exit: Exit<'_>) -> Result<bool, Raised> {
        let raised = match exit {
            Exit::Error(error) => Some(error.downcast_ref::<Raised>().expect("all raise these").clone()),
            _ => None,
        };
        let (world, id) = (&self.world, self.manager.id);
        let seen = raised.as_ref().map_or_else(|| "-".to_owned(), Raised::chain);
        world.log(format_args!("exit {id} {seen}"));
        let handled = Arc::<Handled>::default();
        framed(world, &handled, async {
            suspend(world, self.manager.exit, -id).await?;
            match self.manager.verdict {
                Verdict::None => Ok(false),
                Verdict::Suppress => Ok(true),
                Verdict::SuppressKind(catches) => {
                    Ok(raised.is_some_and(|raised| raised.is_caught_by(catches)))
                }
                Verdict::Same => raised.map_or(Ok(false), |raised| Err(world.raise(raised))),
                Verdict::Raise(error) => Err(world.raise(Raised::of(error))),
            }
        })
        .await
    }
}

impl AsyncContextManager for Logs {
    type Entered = Self;

    async fn aenter(self) -> Result<Self, Raised> {
        let (times, error) = self.manager.enter;
        self.world.log(format_args!("enter {}", self.manager.id));
        suspend(&self.world, times, -self.manager.id).await?;
        match error {
            Some(error) => Err(self.world.raise(Raised::of(error))),
            None => Ok(self),
        }
    }
}

impl AsyncExit for Logs {
    type Target = Self;
    type Error = Raised;
    type Verdict = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: Exit<'_>) -> Result<bool, Raised> {
        // It is a coroutine.
        self.exit(exit).await.map_err(|raised| raised.out_of(false))
    }
}

/// The block of a manager: what it raises is handled while the exit runs.
pub(super) async fn block<'a>(frame: &'a Frame<'_, '_>, body: &'a Block, scope: Scope<'a>) -> Ran {
    let ran = run_block(frame, body, scope).await;
    if let Err(raised) = &ran {
        frame.handled.push(raised.clone());
    }
    ran
}

/// What the manager's error is; the block's own goes on as it is.
pub(super) fn settle<E>(
    result: Result<Option<Flow>, Error<Raised, E>>,
    error: impl FnOnce(E) -> Raised,
) -> Ran {
    match result {
        // Its error was swallowed.
        Ok(None) => Ok(Flow::Next),
        Ok(Some(flow)) => Ok(flow),
        Err(Error::Block(raised)) => Err(raised),
        Err(Error::Enter(its) | Error::Exit { error: its, .. }) => Err(error(its)),
        Err(_) => unreachable!("there are no others"),
    }
}

pub(super) async fn with(frame: &Frame<'_, '_>, manager: Manager, body: &Block, scope: &Scope<'_>) -> Ran {
    let world = frame.world();
    let handling = frame.handled.len();
    let work = transparent(world, block(frame, body, scope.clone()));
    let result =
        opaque(world, async_with_send(Logs::new(world, manager), async move |_: &mut Logs| work.await)).await;
    frame.handled.truncate(handling);
    settle(result, |raised| raised)
}

pub(super) async fn with_aclosing(
    frame: &Frame<'_, '_>,
    generator: Arc<Generator>,
    variable: usize,
    body: &Block,
    scope: &Scope<'_>,
) -> Ran {
    let world = frame.world();
    let handling = frame.handled.len();
    let work = transparent(world, async {
        let ran = run_for(frame, &generator, variable, (body, None), scope).await;
        if let Err(raised) = &ran {
            frame.handled.push(raised.clone());
        }
        ran
    });
    let closes = Closes(Arc::clone(&generator));
    let result =
        opaque(world, async_with_send(aclosing(closes), async move |_: &mut Closes| work.await)).await;
    frame.handled.truncate(handling);
    settle(result.map(Some), |raised| raised)
}

/// As a managed generator is closed, and with its errors as Python has them.
struct Closes(Arc<Generator>);

impl AsyncClose for Closes {
    type Error = Raised;

    async fn aclose(&mut self) -> Result<(), Raised> {
        self.0.awaitable(Operation::Aclose).await.map(drop)
    }
}

/// What the function of an `asynccontextmanager` yields through.
pub(super) struct YieldOnceOf<'g> {
    once: Mutex<Option<YieldOnce<'g, Value>>>,
    /// What the block has raised: in Python that is thrown in at the yield.
    of_block: Arc<Mutex<Option<Raised>>>,
}

impl YieldOnceOf<'_> {
    pub(super) async fn yield_(&self, world: &World, value: Value) -> Result<(), Raised> {
        let once = self.once.lock().unwrap().take();
        let Some(once) = once else {
            world.exclude(Rule::YieldsTwice);
            return Err(Raised::bare(Kind::GeneratorExit));
        };
        let (_, outcome) = once.yield_(value).await;
        match outcome {
            Outcome::Ok => Ok(()),
            outcome if outcome.is::<Raised>() => {
                Err(self.of_block.lock().unwrap().clone().expect("it is kept before the block is left"))
            }
            _ => Err(Raised::bare(Kind::GeneratorExit)),
        }
    }
}

pub(super) async fn with_function(
    frame: &Frame<'_, '_>,
    function: usize,
    body: &Block,
    scope: &Scope<'_>,
) -> Ran {
    let world = frame.world();
    let handling = frame.handled.len();
    let of_block = Arc::new(Mutex::new(None));
    let (of_function, its) = (Arc::clone(world), Arc::clone(&of_block));
    let manager = asynccontextmanager(async move |y: YieldOnce<'_, Value>| {
        // In Python it is a generator, with hooks.
        let number = of_function.next_generator();
        of_function.log(format_args!("hook first g{function}.{number}"));
        let of_block = Arc::clone(&its);
        let mouth = Mouth::Manager(YieldOnceOf { once: Mutex::new(Some(y)), of_block: its });
        let returned = run_function(&of_function, &mouth, function).await;
        let Mouth::Manager(YieldOnceOf { once, .. }) = &mouth else { unreachable!("it is one") };
        let has_yielded = once.lock().unwrap().is_none();
        let of_block = of_block.lock().unwrap().clone();
        match (returned, of_block) {
            (Ok(_), _) if !has_yielded => {
                of_function.exclude(Rule::YieldsNever);
                Err(Raised::with(Kind::Runtime, "acm-noyield"))
            }
            // Caught.
            (Ok(_), of_block) => Ok(of_block.is_some()),
            // Let go on.
            (Err(raised), Some(of_block)) if is_same(&raised, &of_block) => Ok(false),
            (Err(raised), _) => Err(raised),
        }
    });
    let work = transparent(world, async move {
        let ran = block(frame, body, scope.clone()).await;
        if let Err(raised) = &ran {
            *of_block.lock().unwrap() = Some(raised.clone());
        }
        ran
    });
    let body = async move |target: &mut Value| {
        frame.world().log(format_args!("as {}", text(*target)));
        work.await
    };
    let mut dropped = Unfinished(Some(world));
    let result = opaque(world, async_with_send(manager, body)).await;
    dropped.0 = None;
    frame.handled.truncate(handling);
    settle(result, |raised| raised)
}

/// Dropped before it has come to its end.
struct Unfinished<'a>(Option<&'a World>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(world) = self.0 {
            world.exclude(Rule::ManagerDropped);
        }
    }
}

/// What came out is what was thrown in, or what PEP 479 has made of that.
fn is_same(raised: &Raised, of_block: &Raised) -> bool {
    let is_converted =
        || raised.kind() == Kind::Runtime && raised.cause().is_some_and(|cause| cause.is(of_block));
    raised.is(of_block) || of_block.kind().is_stop() && is_converted()
}
