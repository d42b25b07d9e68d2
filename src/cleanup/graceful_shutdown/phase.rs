use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::shutdown_state::ShutdownState;
use super::step_handle::StepHandle;
use super::step_output::StepOutput;
use super::step_task::{StepId, step_work};

/// A phase of a [`GracefulShutdown`](super::GracefulShutdown), with which components register steps at any time.
///
/// Pass a clone to each component that has work in the phase. All steps of a phase run concurrently, each as a task.
///
/// A step that is registered while its phase is running starts at once, within the rest of the budget. A step that is
/// registered after its phase has ended is not lost: it runs as a [cleanup](crate::cleanup) with its name, and with the
/// budget of the phase as its grace period. `run exits` waits for it, unless that phase has ended as well.
#[derive(Clone)]
pub struct Phase {
    state: Arc<ShutdownState>,
    index: usize,
}

impl Phase {
    pub(super) fn new(state: Arc<ShutdownState>, index: usize) -> Self {
        Self { state, index }
    }

    /// Adds a step that starts when the phase begins, such as the flush of a sink.
    ///
    /// A step that returns an error, panics, or exceeds the budget of its phase is in the
    /// [report](super::ShutdownReport). A step that exceeds the budget is dropped.
    pub fn step<F>(&self, name: impl Into<Cow<'static, str>>, work: F) -> StepHandle
    where
        F: Future<Output: StepOutput> + Send + 'static,
    {
        let id = self.state.register(self.index, name.into(), step_work(work));
        self.handle(id)
    }

    /// Spawns a task now, such as a server, for which the phase waits.
    ///
    /// The task should end when [`begun`](Self::begun) of this phase or an earlier one completes. If it has not ended within
    /// the budget of this phase, it is aborted, and is in the [report](super::ShutdownReport). A step that awaits the
    /// `JoinHandle` of a task does not abort it: a dropped `JoinHandle` leaves its task running.
    ///
    /// If the task returns an error or panics, the shutdown begins: a program whose server has failed ends. If the task
    /// returns `Ok`, the program continues.
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<Cow<'static, str>>, work: F) -> StepHandle
    where
        F: Future<Output: StepOutput> + Send + 'static,
    {
        let runtime = Handle::current();
        let id = self.state.spawn(self.index, name.into(), step_work(work), &runtime);
        self.handle(id)
    }

    /// Waits until the phase begins.
    ///
    /// The future is the argument of a server's `with_graceful_shutdown`, or a branch of a `select!`.
    ///
    /// The future also completes if the [`GracefulShutdown`](super::GracefulShutdown) is dropped.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it only waits.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let mut begun = self.state.subscribe();
        let index = self.index;
        // An error means that the shutdown was dropped.
        async move { drop(begun.wait_for(|begun| *begun > index).await) }
    }

    /// Returns `true` once the phase has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.state.subscribe().borrow() > self.index
    }

    fn handle(&self, id: Option<StepId>) -> StepHandle {
        StepHandle::new(id.map(|id| (Arc::downgrade(&self.state), id)))
    }
}

impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Phase").field(&self.state.name_of(self.index)).finish()
    }
}
