//! The context managers of a program.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use withal::context::{
    AsyncClose, AsyncContextManager, AsyncGuard, Detach, Error, ExitReason, aclosing, async_with_send,
};

use super::adapters::{HandledExceptions, framed, opaque, transparent};
use super::frame::Frame;
use super::generators::{Generator, Managed, Object, Pinned, outcome};
use super::loops::{For, over_managed, over_pinned};
use super::program::{Block, ExitAction, Manager, Operation};
use super::raised::Raised;
use super::rules::{Cutoff, Rule};
use super::statements::{Flow, RunResult, Scope, run_block};
use super::suspend::suspend;
use super::world::World;

/// A manager that logs its enter and its exit.
pub(super) struct LoggingManager {
    manager: Manager,
    world: Arc<World>,
}

impl LoggingManager {
    pub(super) fn new(world: &Arc<World>, manager: Manager) -> Self {
        Self { manager, world: Arc::clone(world) }
    }

    /// Runs the exit, and returns `true` to suppress the error.
    pub(super) async fn exit(&self, exit: ExitReason<'_>) -> Result<bool, Raised> {
        let raised = match exit {
            ExitReason::Error(error) => {
                Some(error.downcast_ref::<Raised>().expect("every error is a `Raised`").clone())
            }
            _ => None,
        };
        let (world, id) = (&self.world, self.manager.id);
        let seen = raised.as_ref().map_or_else(|| "-".to_owned(), Raised::chain);
        raised.as_ref().inspect(|raised| world.check_shown(raised));
        world.log(format_args!("exit {id} {seen}"));
        let handled = Arc::<HandledExceptions>::default();
        framed(world, &handled, async {
            suspend(world, self.manager.exit, -id).await?;
            match self.manager.exit_action {
                ExitAction::None => Ok(false),
                ExitAction::Suppress => Ok(true),
                ExitAction::SuppressKind(catches) => {
                    Ok(raised.is_some_and(|raised| raised.is_caught_by(catches)))
                }
                ExitAction::Same => raised.map_or(Ok(false), |raised| Err(world.raise(raised))),
                ExitAction::Raise(error) => Err(world.raise(Raised::of(error))),
            }
        })
        .await
    }
}

impl AsyncContextManager for LoggingManager {
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

impl AsyncGuard for LoggingManager {
    type Target = Self;
    type Error = Raised;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, Raised> {
        // The exit is a coroutine, so PEP 479 applies.
        self.exit(exit).await.map_err(|raised| raised.out_of(false))
    }
}

/// Runs the block of a manager. Its exception counts as handled during the exit.
pub(super) async fn block<'a>(frame: &'a Frame<'_, '_>, body: &'a Block, scope: Scope<'a>) -> RunResult {
    let ran = run_block(frame, body, scope).await;
    if let Err(raised) = &ran {
        frame.handled.push(raised.clone());
    }
    ran
}

/// Converts the result of `async_with_send`: `error` converts an error of the manager, that of the block stays as it
/// is.
pub(super) fn into_run_result<E>(
    result: Result<Option<Flow>, Error<Raised, E>>,
    error: impl FnOnce(E) -> Raised,
) -> RunResult {
    match result {
        // The exit has suppressed the error.
        Ok(None) => Ok(Flow::Next),
        Ok(Some(flow)) => Ok(flow),
        Err(Error::Block(raised)) => Err(raised),
        Err(Error::Enter(manager_error) | Error::Exit { error: manager_error, .. }) => {
            Err(error(manager_error))
        }
        Err(_) => unreachable!("no other error exists"),
    }
}

pub(super) async fn with(
    frame: &Frame<'_, '_>,
    manager: Manager,
    body: &Block,
    scope: &Scope<'_>,
) -> RunResult {
    let world = frame.world();
    let handling = frame.handled.len();
    let work = transparent(world, block(frame, body, scope.clone()));
    let result = opaque(
        world,
        async_with_send(LoggingManager::new(world, manager), async move |_: &mut LoggingManager| work.await),
    )
    .await;
    frame.handled.truncate(handling);
    into_run_result(result, |raised| raised)
}

pub(super) async fn with_aclosing(
    frame: &Frame<'_, '_>,
    generator: &Generator<()>,
    parts: For<'_>,
    scope: &Scope<'_>,
) -> RunResult {
    let (world, identity) = (frame.world(), &generator.identity);
    let handling = frame.handled.len();
    // The result of the block, kept for the case that the close of the generator fails.
    let mut block_result = Ok(Flow::Next);
    let recorded = &mut block_result;
    let closed = match &generator.object {
        Object::Managed(managed) => {
            let work = async move |managed: &mut Managed<()>| {
                let run = over_managed(frame, managed, identity, parts, scope).boxed();
                transparent(world, record_result(frame, recorded, run)).await
            };
            opaque(world, async_with_send(aclosing(managed.clone()), work)).await
        }
        Object::Pinned(pinned) => {
            let pinned = pinned.lock().await.take().expect("the generator is new");
            // A pinned generator that is dropped in the block has no finalizer: its close is detached.
            let mut unfinished = UnfinishedGuard(Some(world));
            let work = async move |ClosingPinned(pinned): &mut ClosingPinned| {
                let run = over_pinned(frame, pinned, identity, parts, scope).boxed();
                transparent(world, record_result(frame, recorded, run)).await
            };
            let closed = opaque(world, async_with_send(aclosing(ClosingPinned(pinned)), work)).await;
            unfinished.0 = None;
            closed
        }
    };
    let ran = match closed {
        Ok(()) | Err(Error::Block(())) => block_result,
        Err(Error::Enter(error) | Error::Exit { error, .. }) => {
            if matches!(error, withal::generator::Error::IgnoredExit) {
                // The generator is dropped now, which Python treats as closed.
                world.exclude(Rule::ClosedBefore);
            }
            outcome(world, Operation::Aclose, Err(error)).and(block_result)
        }
        Err(_) => unreachable!("no other error exists"),
    };
    frame.handled.truncate(handling);
    ran
}

/// Records the result of the block. Its exception counts as handled while the generator is closed.
async fn record_result(
    frame: &Frame<'_, '_>,
    block_result: &mut RunResult,
    run: BoxFuture<'_, RunResult>,
) -> Result<(), ()> {
    *block_result = run.await;
    let Err(raised) = block_result else { return Ok(()) };
    frame.handled.push(raised.clone());
    Err(())
}

struct UnfinishedGuard<'a>(Option<&'a World>);

impl Drop for UnfinishedGuard<'_> {
    fn drop(&mut self) {
        self.0.inspect(|world| world.cut_off(Cutoff::ModeLimit));
    }
}

/// A newtype: for the long type, the compiler cannot prove that the closure accepts any lifetime.
struct ClosingPinned(Pinned<()>);

impl AsyncClose for ClosingPinned {
    type Error = <Pinned<()> as AsyncClose>::Error;

    async fn close(&mut self) -> Result<(), Self::Error> {
        AsyncClose::close(&mut self.0).await
    }
}
