use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use super::WeakGenerator;
use crate::cleanup::{Cleanup, DrainTimeout, drain};

/// Those that have begun, with the runtime that they were first iterated on.
static LIVE: Mutex<Live> = Mutex::new(Live { generators: Vec::new(), sweep_at: 0 });

struct Live {
    generators: Vec<(Id, WeakGenerator)>,
    /// How many there may be before those that are gone are swept out: twice what was left, so that an addition costs no
    /// more than twice its own.
    sweep_at: usize,
}

const FEW: usize = 32;

impl Live {
    fn add(&mut self, home: Id, generator: WeakGenerator) {
        if self.generators.len() >= self.sweep_at {
            self.generators.retain(|(_, generator)| generator.is_alive());
            self.sweep_at = FEW.max(2 * self.generators.len());
        }
        self.generators.push((home, generator));
    }

    /// Those of a runtime. They stay: one that cannot be closed now may be later.
    fn of(&self, runtime: Id) -> Vec<WeakGenerator> {
        let ours =
            self.generators.iter().filter(|(home, generator)| *home == runtime && generator.is_alive());
        ours.map(|(_, generator)| generator.clone()).collect()
    }
}

/// Nothing panics while they are locked, and no generator is dropped there: what is dropped are weak handles.
fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where no runtime is, there will be none to close it.
pub(super) fn add(generator: &WeakGenerator) {
    let Ok(runtime) = Handle::try_current() else { return };
    live().add(runtime.id(), generator.clone());
}

/// Closes the managed generators that have begun on this runtime and have not ended, those that somebody still holds,
/// too, and waits for all cleanups: asyncio's `loop.shutdown_asyncgens()`, for the end of a program.
///
/// They are closed side by side, as [cleanups](crate::cleanup): each has its grace, and the observers are told of those
/// that fail. One that is in the middle of an operation cannot be closed, and fails with
/// [`Error::Running`](super::Error::Running): let the tasks end first, or call this once more. It is about generators with the default
/// [`Hooks`](super::Hooks); one that was dropped unfinished needs no more than [`drain`].
///
/// # Errors
///
/// [`DrainTimeout`] when some are still under way after `most`, by the wall clock. They go on.
///
/// # Cancel safety
///
/// Cancel safe: what was polled once has told them all.
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
pub async fn shutdown_asyncgens(most: Duration) -> Result<(), DrainTimeout> {
    if let Ok(runtime) = Handle::try_current() {
        // Not while they are locked: a generator may be dropped here, and observers be told.
        let mut ours = live().of(runtime.id());
        // To look at one is to hold it, for a moment.
        ours.retain(|generator| generator.is_alive() && !generator.is_being_closed());
        for generator in ours {
            Cleanup::new(generator.aclose()).name("async generator").detach();
        }
    }
    drain(most).await
}
