use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use super::pending_close::detach_close;
use super::weak_generator::WeakGenerator;
use crate::cleanup::{DrainTimeout, drain};

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { generators: Vec::new(), sweep_at: 0 });

/// The managed generators that have started, each with the runtime that it was first iterated on.
struct Registry {
    generators: Vec<(Id, WeakGenerator)>,
    /// The length at which the entries of generators that were dropped are removed. It is twice the number of entries
    /// that the last sweep left, so that the amortized cost of an insertion is constant.
    sweep_at: usize,
}

const MIN_SWEEP: usize = 32;

impl Registry {
    fn insert(&mut self, runtime: Id, generator: WeakGenerator) {
        if self.generators.len() >= self.sweep_at {
            self.generators.retain(|(_, generator)| generator.is_alive());
            self.sweep_at = MIN_SWEEP.max(2 * self.generators.len());
        }
        self.generators.push((runtime, generator));
    }

    /// Returns the live generators of a runtime. They stay registered: one that cannot be closed now may be later.
    fn of(&self, runtime: Id) -> Vec<WeakGenerator> {
        self.generators
            .iter()
            .filter(|(id, generator)| *id == runtime && generator.is_alive())
            .map(|(_, generator)| generator.clone())
            .collect()
    }
}

/// Never poisoned: nothing panics while the lock is held. No generator is dropped while the lock is held, because the
/// entries are weak handles.
fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers a generator for [`shutdown_asyncgens`] on the current runtime.
///
/// Does nothing outside a runtime: a runtime that is entered later does not own the generator.
pub(super) fn register(generator: &WeakGenerator) {
    let Ok(runtime) = Handle::try_current() else { return };
    registry().insert(runtime.id(), generator.clone());
}

/// Closes the unfinished managed generators of the current runtime, and waits for all cleanups.
///
/// This is asyncio's `loop.shutdown_asyncgens()`, for the end of a program. It closes each generator that was first
/// iterated on this runtime and has not ended, even if handles to it are left. The generators are closed concurrently,
/// as [cleanups](crate::cleanup): each has its grace period, and failures are reported to the
/// [observers](crate::cleanup::observe).
///
/// A generator in the middle of an operation cannot be closed: its close fails with
/// [`Error::Running`](super::Error::Running). Wait for the tasks that iterate first, or call this function again.
///
/// Only generators with the default [`firstiter`](super::Hooks::firstiter) hook are closed here. A generator that was
/// dropped before its end is being closed already, and [`drain`] is enough to wait for it.
///
/// # Errors
///
/// Returns [`DrainTimeout`] if some cleanups are still in progress after `timeout`, by the wall clock. They continue.
///
/// # Cancel safety
///
/// Cancel safe: the first poll starts all the closes, and they continue after the future is dropped.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::coroutine::State;
/// use withal::generator::{generator, shutdown_asyncgens};
///
/// let numbers = generator(async |mut y| y.yield_(1).await).managed();
/// assert_eq!(numbers.anext().await, Ok(Some(1)));
/// shutdown_asyncgens(Duration::from_secs(5)).await?;
/// assert_eq!(numbers.state(), Some(State::Closed));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "graceful shutdown")]
#[doc(alias = "shutdown")]
pub async fn shutdown_asyncgens(timeout: Duration) -> Result<(), DrainTimeout> {
    if let Ok(runtime) = Handle::try_current() {
        // A copy, so that the lock is free: below, the last handle to a generator may be dropped, and observers may be
        // notified.
        let mut generators = registry().of(runtime.id());
        // `is_being_closed` upgrades the handle for a moment. If that handle becomes the last one, dropping it calls the
        // finalizer hook.
        generators.retain(|generator| generator.is_alive() && !generator.is_being_closed());
        for generator in generators {
            detach_close(generator.close(), None);
        }
    }
    drain(timeout).await
}
