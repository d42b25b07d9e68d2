//! The exit stacks of a program.

use std::any::Any;
use std::sync::Arc;

use withal::context::{AsyncExitStack, AsyncGuard, ExitErrors, ExitReason, async_with_send};

use super::adapters::{HandledExceptions, framed, opaque, transparent};
use super::frame::{Frame, OwnedStack, StackVariable};
use super::managers::{LoggingManager, block, into_run_result};
use super::program::{Block, Error, OnStack};
use super::raised::Raised;
use super::statements::{RunResult, Scope};
use super::suspend::suspend;
use super::world::World;

pub(super) async fn with_stack(frame: &Frame<'_, '_>, body: &Block, scope: &Scope<'_>) -> RunResult {
    let world = frame.world();
    let handling = frame.handled.len();
    let depth = scope.stack.map_or(0, |(_, depth)| depth) + 1;
    frame.locals().stack = StackVariable::Block(depth);
    let caught = scope.caught.clone();
    let work = async move |stack: &mut AsyncExitStack| {
        let scope = Scope { caught, stack: Some((&*stack, depth)) };
        transparent(frame.world(), block(frame, body, scope)).await
    };
    let result = opaque(world, async_with_send(AsyncExitStack::new(), work)).await;
    frame.handled.truncate(handling);
    let before = {
        let mut locals = frame.locals();
        // The variable still holds the stack, although it is closed.
        match locals.stack {
            StackVariable::Block(stack_depth) if stack_depth == depth => {
                std::mem::replace(&mut locals.stack, StackVariable::Owned(OwnedStack::closed(world)))
            }
            _ => StackVariable::Unset,
        }
    };
    drop(before);
    into_run_result(result, raised)
}

/// The last error, whose contexts are the earlier ones.
fn raised(errors: ExitErrors) -> Raised {
    let as_raised =
        |error: Box<dyn Any + Send>| *error.downcast::<Raised>().expect("every error is a `Raised`");
    let errors: Vec<_> = errors.into_vec().into_iter().map(as_raised).collect();
    // The exit of a stack is a coroutine, so PEP 479 applies.
    errors.into_iter().next().expect("at least one error").out_of(false)
}

pub(super) async fn on_stack(frame: &Frame<'_, '_>, what: &OnStack, scope: &Scope<'_>) -> Result<(), Raised> {
    let world = frame.world();
    let own = match &frame.locals().stack {
        StackVariable::Owned(own) => Some(Arc::clone(own)),
        _ => None,
    };
    let stack = match (&own, scope.stack) {
        (Some(own), _) => {
            own.fill(!matches!(what, OnStack::PopAll | OnStack::Aclose));
            &own.stack
        }
        (None, Some((stack, _))) => stack,
        (None, None) => unreachable!("validated: inside a stack"),
    };
    match what {
        OnStack::Enter(manager) => {
            opaque(world, stack.enter_async_context(LoggingManager::new(world, *manager))).await.map(drop)?;
        }
        OnStack::PushAsyncExit(manager) => {
            let mut logs = LoggingManager::new(world, *manager);
            stack.push_async_exit(async move |exit: ExitReason<'_>| logs.aexit(exit).await);
        }
        OnStack::Push(manager) => {
            let logs = LoggingManager::new(world, *manager);
            stack.push_async_exit(async move |exit: ExitReason<'_>| logs.exit(exit).await);
        }
        OnStack::AsyncCallback(id, times, error) => {
            let (world, id, times, error) = (Arc::clone(world), *id, *times, *error);
            stack.push_async_callback(async move || {
                let handled = Arc::<HandledExceptions>::default();
                framed(&world, &handled, async {
                    world.log(format_args!("cb {id}"));
                    suspend(&world, times, -id).await?;
                    called(&world, error)
                })
                .await
            });
        }
        OnStack::Callback(id, error) => {
            let (world, id, error) = (Arc::clone(world), *id, *error);
            stack.callback(move || {
                world.log(format_args!("cb {id}"));
                called(&world, error)
            });
        }
        OnStack::PopAll => {
            let popped = StackVariable::Owned(OwnedStack::popped(world, stack.pop_all()));
            let before = std::mem::replace(&mut frame.locals().stack, popped);
            drop(before);
        }
        OnStack::Aclose => opaque(world, stack.pop_all().aclose()).await.map_err(raised)?,
    }
    Ok(())
}

fn called(world: &World, error: Option<Error>) -> Result<(), Raised> {
    error.map_or(Ok(()), |error| Err(world.raise(Raised::of(error))))
}
