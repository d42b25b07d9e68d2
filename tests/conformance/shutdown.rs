//! The end of an event loop: `shutdown_asyncgens`.

use std::any::Any;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::poll;
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use withal::cleanup::{self, CleanupEvent};
use withal::generator::{Error, shutdown_asyncgens};

use super::driver::{CAP, run_steps, tell};
use super::generators::{Live, Outcome, outcome};
use super::program::{Operation, Value};
use super::raised::Raised;
use super::rules::{Rule, Until};
use super::slot::{Stepped, polled_close, waiting};
use super::world::{Begun, Closes, Way, World};

/// Closes one generator after the other, by the handles that the crate's first hook gave: as an event loop of one's own
/// would. Gives how many there were before.
pub(super) fn shutdown(world: &Arc<World>) -> usize {
    let live = world.live();
    let left = live.iter().filter_map(Begun::generator).count();
    for begun in live {
        if let Begun::Manager(manager) = &begun {
            if manager.strong_count() > 0 {
                // Python closes its generator.
                world.exclude(Rule::ManagerDropped);
            }
        }
        let Some(generator) = begun.generator() else { continue };
        if world.way == Way::Pinned && generator.state().is_none() {
            // A loop has it, in the body of another; to its end, where Python's has dropped it before its `else`.
            world.leave(Until::OfThisWay);
            return left;
        }
        announce(world, &generator);
        let mut close: Closes = match begun {
            Begun::Generator(_, Some(hooked)) => hooked.aclose().boxed(),
            // Its first operation was never polled.
            _ => generator.closes(),
        };
        run_steps(world, || {
            world.step(None, None);
            polled_close(world, &mut close)
        });
    }
    left
}

fn announce(world: &World, generator: &Arc<dyn Live>) {
    let identity = generator.identity();
    world.log(format_args!("close {}", identity.name));
    identity.exclude_if_wedged();
    identity.tell(generator.state());
}

/// The crate closes them side by side: with one generator alone that is the same.
pub(super) fn shutdown_by_the_crate(world: &Arc<World>, runtime: &Runtime) -> usize {
    let left: Vec<_> = world.live().iter().filter_map(Begun::generator).collect();
    for generator in &left {
        announce(world, generator);
    }
    let left = left.len();
    let failed = Arc::<Mutex<Option<Raised>>>::default();
    let (of_observer, to_failed) = (Arc::clone(world), Arc::clone(&failed));
    let here = thread::current().id();
    let observer = cleanup::observe(move |event| match event {
        // Observers are told of all cleanups of the process, and other tests have theirs.
        _ if thread::current().id() != here => {}
        CleanupEvent::Failed { error, .. } => {
            *to_failed.lock().unwrap() = failure(&of_observer, *error).err();
        }
        // A line that no trace of `CPython` has.
        other => of_observer.log(format_args!("{other:?}")),
    });
    runtime.block_on(async {
        let mut shutdown = pin!(shutdown_asyncgens(Duration::from_secs(60)));
        for _ in 0..CAP {
            world.step(None, None);
            let mut is_over = poll!(shutdown.as_mut()).is_ready();
            while !is_over && world.suspended().is_none() {
                yield_now().await;
                is_over = poll!(shutdown.as_mut()).is_ready();
            }
            if is_over {
                break;
            }
            tell(world, waiting(world));
        }
    });
    drop(observer);
    if left == 0 {
        return 0;
    }
    let failed = failed.lock().unwrap().take();
    tell(world, Stepped::Over(failed.map_or(Ok(None), Err)));
    left
}

/// What Python's `aclose` would say.
fn failure(world: &World, error: &(dyn Any + Send)) -> Outcome {
    match (error.downcast_ref::<Error<Value, Raised>>(), error.downcast_ref::<Error<(), Raised>>()) {
        (Some(error), _) => outcome(world, Operation::Aclose, Err(copied(error))),
        (_, Some(error)) => outcome(world, Operation::Aclose, Err(copied(error))),
        (None, None) => unreachable!("it is that of the generators here"),
    }
}

fn copied<S>(error: &Error<S, Raised>) -> Error<S, Raised> {
    match error {
        Error::Raised(raised) => Error::Raised(raised.clone()),
        Error::IgnoredExit => Error::IgnoredExit,
        Error::GeneratorExit => Error::GeneratorExit,
        Error::Running(_) => Error::Running(None),
        other => panic!("{other}"),
    }
}
