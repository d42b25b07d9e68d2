//! The managers of a program.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use withal::context::{
    AsyncClose, AsyncContextManager, AsyncGuard, Detach, Error, ExitReason, aclosing, async_with_send,
};

use super::around::{Handled, framed, opaque, transparent};
use super::frame::Frame;
use super::generators::{Generator, Managed, Object, Pinned, outcome};
use super::leaf::suspend;
use super::loops::{For, over_managed, over_pinned};
use super::program::{Block, Manager, Operation, Verdict};
use super::raised::Raised;
use super::rules::{Rule, Until};
use super::statements::{Flow, Ran, Scope, run_block};
use super::world::World;

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
    pub(super) async fn exit(&self, exit: ExitReason<'_>) -> Result<bool, Raised> {
        let raised = match exit {
            ExitReason::Error(error) => {
                Some(error.downcast_ref::<Raised>().expect("all raise these").clone())
            }
            _ => None,
        };
        let (world, id) = (&self.world, self.manager.id);
        let seen = raised.as_ref().map_or_else(|| "-".to_owned(), Raised::chain);
        raised.as_ref().inspect(|raised| world.shows(raised));
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
    type Guard = Self;

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

impl AsyncGuard for Logs {
    type Target = Self;
    type Error = Raised;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, Raised> {
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
    generator: &Generator<()>,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> Ran {
    let (world, identity) = (frame.world(), &generator.identity);
    let handling = frame.handled.len();
    // How the block was left, also where the close of the generator fails.
    let mut left = Ok(Flow::Next);
    let to_left = &mut left;
    let closed = match &generator.object {
        Object::Managed(managed) => {
            let work = async move |managed: &mut Managed<()>| {
                let run = over_managed(frame, managed, identity, parts, scope).boxed();
                transparent(world, left_by(frame, to_left, run)).await
            };
            opaque(world, async_with_send(aclosing(managed.clone()), work)).await
        }
        Object::Pinned(pinned) => {
            let pinned = pinned.lock().await.take().expect("it is a new one");
            // Dropped in the block, it has no finalizer: its close is detached.
            let mut unfinished = Unfinished(Some(world));
            let work = async move |OfLoop(pinned): &mut OfLoop| {
                let run = over_pinned(frame, pinned, identity, parts, scope).boxed();
                transparent(world, left_by(frame, to_left, run)).await
            };
            let closed = opaque(world, async_with_send(aclosing(OfLoop(pinned)), work)).await;
            unfinished.0 = None;
            closed
        }
    };
    let ran = match closed {
        Ok(()) | Err(Error::Block(())) => left,
        Err(Error::Enter(error) | Error::Exit { error, .. }) => {
            if matches!(error, withal::generator::Error::IgnoredExit) {
                // It is dropped now: Python takes it for closed.
                world.exclude(Rule::ClosedBefore);
            }
            outcome(world, Operation::Aclose, Err(error)).and(left)
        }
        Err(_) => unreachable!("there are no others"),
    };
    frame.handled.truncate(handling);
    ran
}

/// Keeps it in mind, and what it raises is handled while the generator is closed.
async fn left_by(frame: &Frame<'_, '_>, left: &mut Ran, run: BoxFuture<'_, Ran>) -> Result<(), ()> {
    *left = run.await;
    let Err(raised) = left else { return Ok(()) };
    frame.handled.push(raised.clone());
    Err(())
}

struct Unfinished<'a>(Option<&'a World>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.inspect(|world| world.leave(Until::OfThisWay));
    }
}

/// With a name of its own: the compiler cannot show that a closure takes the long one for any lifetime.
struct OfLoop(Pinned<()>);

impl AsyncClose for OfLoop {
    type Error = <Pinned<()> as AsyncClose>::Error;

    async fn close(&mut self) -> Result<(), Self::Error> {
        AsyncClose::close(&mut self.0).await
    }
}
