//! Managers that are made from functions: `asynccontextmanager`.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use withal::context::{ExitKind, YieldOnce, async_with_send, asynccontextmanager};

use super::adapters::{opaque, transparent};
use super::frame::{Frame, YieldChannel, run_function};
use super::managers::{block, into_run_result};
use super::program::{Block, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::statements::{RunResult, Scope, text};
use super::world::World;

/// The yield point of the function of an `asynccontextmanager`.
pub(super) struct YieldOnceOf<'g> {
    once: Mutex<Option<YieldOnce<'g, Value>>>,
    /// The error of the block, which Python throws in at the yield.
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
            ExitKind::Ok => Ok(()),
            outcome if outcome.is::<Raised>() => {
                Err(self.of_block.lock().unwrap().clone().expect("stored when the block failed"))
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
) -> RunResult {
    let world = frame.world();
    let handling = frame.handled.len();
    let of_block = Arc::new(Mutex::new(None));
    let (shared_world, shared_error) = (Arc::clone(world), Arc::clone(&of_block));
    let manager = asynccontextmanager(async move |y: YieldOnce<'_, Value>| {
        // In Python the function is a generator, with hooks.
        let number = shared_world.next_generator();
        shared_world.log(format_args!("hook first g{function}.{number}"));
        let is_there = Arc::new(());
        shared_world.manager_iterated(number, Arc::downgrade(&is_there));
        let of_block = Arc::clone(&shared_error);
        let channel =
            YieldChannel::Manager(YieldOnceOf { once: Mutex::new(Some(y)), of_block: shared_error });
        let returned = run_function(&shared_world, &channel, function).await;
        drop(is_there);
        let of_block = of_block.lock().unwrap().clone();
        match (returned, of_block) {
            // The function has suppressed the error.
            (Ok(_), of_block) => Ok(of_block.is_some()),
            // The error of the block leaves the function.
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
    let mut dropped = UnfinishedGuard(Some(world));
    let result = opaque(world, AssertUnwindSafe(async_with_send(manager, body)).catch_unwind()).await;
    dropped.0 = None;
    frame.handled.truncate(handling);
    match result {
        Ok(result) => into_run_result(result, |raised| raised),
        Err(panic)
            if panic.downcast_ref()
                == Some(&"asynccontextmanager: the function returned without a yield") =>
        {
            Err(world.raise(Raised::with(Kind::Runtime, "acm-noyield")))
        }
        Err(panic) => resume_unwind(panic),
    }
}

/// Excludes the rest when the block is dropped before it completes.
struct UnfinishedGuard<'a>(Option<&'a World>);

impl Drop for UnfinishedGuard<'_> {
    fn drop(&mut self) {
        if let Some(world) = self.0 {
            world.exclude(Rule::ManagerDropped);
        }
    }
}

/// Returns `true` if the function raised the error of the block, or what PEP 479 makes of that error.
fn is_same(raised: &Raised, of_block: &Raised) -> bool {
    let is_converted =
        || raised.kind() == Kind::Runtime && raised.cause().is_some_and(|cause| cause.is(of_block));
    raised.is(of_block) || of_block.kind().is_stop() && is_converted()
}
