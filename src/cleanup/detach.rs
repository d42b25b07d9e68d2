use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;

use super::drain::PendingGuard;
use super::metrics::{Counter, increment};
use super::observe::{AbandonReason, CleanupEvent, notify_observers};
use super::timeout::{mark_cleanup, timeout};
use super::tracking_scope::{self, ChildCleanups, with_children};
use crate::panic::{catch_unwind, ignore_panic};

const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(30);

/// A builder for a cleanup with a name, a grace period or a runtime other than the defaults of [`detach`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup::{self, Cleanup};
///
/// Cleanup::new(async { Err("no such lease") })
///     .name("lease")
///     .grace_period(Duration::from_secs(2))
///     .detach();
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a cleanup does nothing unless it is detached"]
pub struct Cleanup<F> {
    work: F,
    name: &'static str,
    grace_period: Duration,
    runtime: Option<Handle>,
    fallback: Option<Handle>,
    children: ChildCleanups,
}

/// Spawns `work` on the current runtime as a cleanup: a task that [`drain`](super::drain()) waits for.
///
/// The cleanup has the defaults of [`Cleanup::new`]. `detach` can be called in a destructor: it neither blocks nor
/// panics. Outside of a runtime, it drops the work and notifies the [observers](super::observe()).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup;
///
/// struct Lease(u32);
///
/// impl Drop for Lease {
///     fn drop(&mut self) {
///         cleanup::detach(release(self.0));
///     }
/// }
///
/// async fn release(id: u32) -> Result<(), std::io::Error> {
///     // .. a request to the server ..
/// #   let _ = id;
///     Ok(())
/// }
///
/// drop(Lease(7));
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "spawn", alias = "defer", alias = "finally", alias = "async drop")]
pub fn detach<F, E>(work: F)
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Send + 'static,
{
    Cleanup::new(work).detach();
}

impl<F> Cleanup<F> {
    /// Creates a cleanup that runs `work`.
    ///
    /// # Defaults
    ///
    /// - The name is that of the type of `work`.
    /// - The grace period is 30 seconds.
    /// - The runtime is the one that [`detach`](Self::detach) is called on.
    pub fn new(work: F) -> Self {
        Self {
            work,
            name: type_name::<F>(),
            grace_period: DEFAULT_GRACE_PERIOD,
            runtime: None,
            fallback: None,
            children: ChildCleanups::default(),
        }
    }

    /// Sets the name, which [observers](super::observe()) receive with every [event](CleanupEvent) of this cleanup.
    pub fn name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Sets the grace period: the time that the cleanup may take.
    ///
    /// The grace period is wall-clock time, and starts when the work is first polled. A cleanup that exceeds it is
    /// dropped, and reported as [abandoned](CleanupEvent::Abandoned).
    #[doc(alias = "timeout", alias = "deadline")]
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }

    /// Sets the runtime that the cleanup is spawned on, regardless of where [`detach`](Self::detach) is called.
    pub fn on_runtime(self, runtime: Handle) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// Sets the runtime that the cleanup is spawned on if [`detach`](Self::detach) is called outside of a runtime.
    pub fn fallback_runtime(self, runtime: impl Into<Option<Handle>>) -> Self {
        Self { fallback: runtime.into(), ..self }
    }

    /// Delays the cleanup, and its grace period, until `children` have finished.
    pub(crate) fn wait_for_children(self, children: ChildCleanups) -> Self {
        Self { children, ..self }
    }

    /// Spawns the cleanup on its runtime.
    ///
    /// If the cleanup is detached inside the block of a [scope](crate::context), the exit of that scope waits until the
    /// cleanup has finished. A block that runs on one runtime does not wait for a cleanup on another: that could
    /// deadlock, because the thread that waits may be the one that drives the other runtime.
    pub fn detach<E>(self)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Send + 'static,
    {
        let Self { work, name, grace_period, runtime, fallback, children } = self;
        increment(Counter::Detached);
        if let Some(runtime) = runtime.or_else(|| Handle::try_current().ok()).or(fallback) {
            // Count the cleanup as pending before its task exists, so that no `drain` misses it.
            let completion =
                CompletionGuard { name, is_finished: false, _pending: PendingGuard::new(runtime.id()) };
            let task = runtime.spawn(run(Job { work, children, grace_period, completion }));
            tracking_scope::track(task, runtime.id());
        } else {
            // The destructor of the work may panic, and `detach` may be called by a destructor.
            ignore_panic(|| drop(work));
            // The children of this cleanup are still running: the enclosing scope waits for them instead.
            children.reparent();
            record(Some(&CleanupEvent::Abandoned { name, reason: AbandonReason::NoRuntime }));
        }
    }
}

/// The state of a cleanup's task. The fields are declared in the order in which they have to be dropped if the runtime
/// drops the task before its first poll.
struct Job<F> {
    work: F,
    children: ChildCleanups,
    grace_period: Duration,
    completion: CompletionGuard,
}

/// Records the outcome of a cleanup exactly once: on drop as abandoned, unless it has [finished](Self::finish).
struct CompletionGuard {
    name: &'static str,
    is_finished: bool,
    /// Dropped after the observers were notified, so that `drain` does not return before.
    _pending: PendingGuard,
}

impl CompletionGuard {
    /// Records the outcome: `None` is success.
    fn finish(mut self, event: Option<&CleanupEvent<'_>>) {
        self.is_finished = true;
        record(event);
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if !self.is_finished {
            record(Some(&CleanupEvent::Abandoned {
                name: self.name,
                reason: AbandonReason::RuntimeShutdown,
            }));
        }
    }
}

/// Counts the outcome of a cleanup, and notifies the observers of an event. `None` is success.
fn record(event: Option<&CleanupEvent<'_>>) {
    increment(match event {
        None => Counter::Completed,
        Some(CleanupEvent::Failed { .. }) => Counter::Failed,
        Some(CleanupEvent::Panicked { .. }) => Counter::Panicked,
        Some(CleanupEvent::Abandoned { .. }) => Counter::Abandoned,
    });
    if let Some(event) = event {
        notify_observers(event);
    }
}

/// The task of a cleanup.
async fn run<F, E>(job: Job<F>)
where
    F: Future<Output = Result<(), E>>,
    E: Send + 'static,
{
    // Locals are dropped in reverse order. If the runtime drops this task, the work is dropped before the completion
    // guard, which notifies the observers.
    let Job { completion, grace_period, mut children, work } = job;
    let name = completion.name;
    // The grace period starts after this wait.
    children.wait().await;
    // `catch_unwind` drops the work before the outcome is recorded, and catches a panic of its destructor as well.
    let outcome = with_children(catch_unwind(timeout(mark_cleanup(work), grace_period))).await;
    match &outcome {
        Ok(Some(Ok(()))) => completion.finish(None),
        Ok(Some(Err(error))) => {
            completion.finish(Some(&CleanupEvent::Failed { name, error: peel_box(error) }));
        }
        // The timeout has dropped the work.
        Ok(None) => {
            let reason = AbandonReason::TimedOut;
            completion.finish(Some(&CleanupEvent::Abandoned { name, reason }));
        }
        Err(payload) => completion.finish(Some(&CleanupEvent::Panicked { name, payload: &**payload })),
    }
}

/// Returns the error in the box if `E` is a `Box<dyn Any + Send>`, so that observers can downcast to its type.
fn peel_box<E: Send + 'static>(error: &E) -> &(dyn Any + Send) {
    let any: &(dyn Any + Send) = error;
    any.downcast_ref::<Box<dyn Any + Send>>().map_or(any, |boxed| &**boxed)
}

impl<F> fmt::Debug for Cleanup<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("name", &self.name)
            .field("grace_period", &self.grace_period)
            .finish_non_exhaustive()
    }
}
