//! The shutdown of an event loop: `shutdown_asyncgens`.

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

use super::driver::{MAX_SENDS, log_step, run_steps};
use super::generators::{AnyGenerator, Outcome, outcome};
use super::program::{Operation, Value};
use super::raised::Raised;
use super::rules::{Cutoff, Rule};
use super::slot::{StepOutcome, polled_close, waiting};
use super::world::{BoxClose, Iterated, Mode, World};

/// Closes one generator after the other, by the handles that the crate passed to the first hook, as an event loop
/// would. Returns the number of generators that had not ended.
pub(super) fn shutdown(world: &Arc<World>) -> usize {
    let live = world.live();
    let open = live.iter().filter_map(Iterated::generator).count();
    for iterated in live {
        if let Iterated::Manager(manager) = &iterated {
            if manager.strong_count() > 0 {
                // Python closes the generator of the manager.
                world.exclude(Rule::ManagerDropped);
            }
        }
        let Some(generator) = iterated.generator() else { continue };
        if world.mode == Mode::Pinned && generator.state().is_none() {
            // A loop in the body of another generator owns it until that loop ends; Python's loop has dropped it
            // before its `else`.
            world.cut_off(Cutoff::ModeLimit);
            return open;
        }
        announce(world, &generator);
        let mut close: BoxClose = match iterated {
            Iterated::Generator(_, Some(hooked)) => hooked.aclose().boxed(),
            // Its first operation was never polled.
            _ => generator.boxed_close(),
        };
        run_steps(world, || {
            world.step(None, None);
            polled_close(world, &mut close)
        });
    }
    open
}

fn announce(world: &World, generator: &Arc<dyn AnyGenerator>) {
    let identity = generator.identity();
    world.log(format_args!("close {}", identity.name));
    identity.exclude_if_wedged();
    identity.start_close(generator.state());
}

/// Has the crate close the generators. It does so concurrently, which makes no difference for a single one.
pub(super) fn shutdown_by_the_crate(world: &Arc<World>, runtime: &Runtime) -> usize {
    let open: Vec<_> = world.live().iter().filter_map(Iterated::generator).collect();
    for generator in &open {
        announce(world, generator);
    }
    let open = open.len();
    let failed = Arc::<Mutex<Option<Raised>>>::default();
    let (of_observer, to_failed) = (Arc::clone(world), Arc::clone(&failed));
    let here = thread::current().id();
    let observer = cleanup::observe(move |event| match event {
        // Observers are notified of all cleanups in the process, including those of other tests.
        _ if thread::current().id() != here => {}
        CleanupEvent::Failed { error, .. } => {
            *to_failed.lock().unwrap() = failure(&of_observer, *error).err();
        }
        // A line that appears in no trace of `CPython`.
        other => of_observer.log(format_args!("{other:?}")),
    });
    runtime.block_on(async {
        let mut shutdown = pin!(shutdown_asyncgens(Duration::from_secs(60)));
        for _ in 0..MAX_SENDS {
            world.step(None, None);
            let mut is_done = poll!(shutdown.as_mut()).is_ready();
            while !is_done && world.suspended().is_none() {
                yield_now().await;
                is_done = poll!(shutdown.as_mut()).is_ready();
            }
            if is_done {
                break;
            }
            log_step(world, waiting(world));
        }
    });
    drop(observer);
    if open == 0 {
        return 0;
    }
    let failed = failed.lock().unwrap().take();
    log_step(world, StepOutcome::Done(failed.map_or(Ok(None), Err)));
    open
}

/// Converts an error to the outcome of Python's `aclose`.
fn failure(world: &World, error: &(dyn Any + Send)) -> Outcome {
    match (error.downcast_ref::<Error<Value, Raised>>(), error.downcast_ref::<Error<(), Raised>>()) {
        (Some(error), _) => outcome(world, Operation::Aclose, Err(copied(error))),
        (_, Some(error)) => outcome(world, Operation::Aclose, Err(copied(error))),
        (None, None) => unreachable!("an error of a generator of this test"),
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
