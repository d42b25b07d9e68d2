use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;

use super::metrics::{Count, count};
use super::registry::Entry;
use super::timeout::{as_cleanup, within};
use super::tracking_scope::{self, ChildCleanups, with_children};
use super::{AbandonReason, CleanupEvent, observe};
use crate::panic::{catch_unwind, ignore_panic};

const GRACE: Duration = Duration::from_secs(30);

/// A cleanup that is about to be detached: what [`detach`] does, with a name, a grace and a runtime of one's choice.
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
#[must_use = "nothing runs unless it is detached"]
pub struct Cleanup<F> {
    work: F,
    name: &'static str,
    grace: Duration,
    runtime: Option<Handle>,
    home: Option<Handle>,
    inner: ChildCleanups,
}

/// Runs `work` on the current runtime, as a task that outlives whoever detached it: a [`Cleanup`] with no word of its
/// own.
///
/// It neither blocks nor panics. Where no runtime is, the work is lost, and the observers are told.
///
/// # Examples
///
/// See [the section](crate::cleanup).
pub fn detach<F, E>(work: F)
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Send + 'static,
{
    Cleanup::new(work).detach();
}

impl<F> Cleanup<F> {
    /// Named after its type, with a grace of 30 seconds, for the runtime that [`detach`](Self::detach) is called on.
    pub fn new(work: F) -> Self {
        Self {
            work,
            name: type_name::<F>(),
            grace: GRACE,
            runtime: None,
            home: None,
            inner: ChildCleanups::default(),
        }
    }

    /// What the observers are told it is.
    pub fn name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// How long it may take, from its first poll; then it is dropped, and lost. By the wall clock.
    pub fn grace_period(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The runtime to use, whichever [`detach`](Self::detach) is called on.
    pub fn on_runtime(self, runtime: Handle) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// The runtime to use where [`detach`](Self::detach) is called on none.
    pub fn fallback_runtime(self, runtime: impl Into<Option<Handle>>) -> Self {
        Self { home: runtime.into(), ..self }
    }

    /// What has to be over before it begins, its grace included.
    pub(crate) fn wait_for_children(self, inner: ChildCleanups) -> Self {
        Self { inner, ..self }
    }

    /// Hands it over to the runtime.
    ///
    /// Detached inside the body of a [scope](crate::context), it is over before the exit of that scope begins: if it is on
    /// the runtime of the scope. One on another is not waited for, since nobody may be there to drive that.
    pub fn detach<E>(self)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Send + 'static,
    {
        let Self { work, name, grace, runtime, home, inner } = self;
        count(Count::Detached);
        if let Some(runtime) = runtime.or_else(|| Handle::try_current().ok()).or(home) {
            let tracked = Tracked { name, is_over: false, _entry: Entry::new(runtime.id()) };
            let task = runtime.spawn(run(Job { work, inner, grace, tracked }));
            tracking_scope::note(task, runtime.id());
        } else {
            // Its destructor may panic, and ours may be called by one.
            ignore_panic(|| drop(work));
            // What it would have waited for is still under way.
            inner.reparent();
            over(Some(&CleanupEvent::Abandoned { name, reason: AbandonReason::NoRuntime }));
        }
    }
}

/// A cleanup and what it needs, in the order in which it is dropped where it never began.
struct Job<F> {
    work: F,
    inner: ChildCleanups,
    grace: Duration,
    tracked: Tracked,
}

/// What is left of it when its runtime drops it.
struct Tracked {
    name: &'static str,
    is_over: bool,
    /// Dropped after the observers were told.
    _entry: Entry,
}

impl Tracked {
    fn over(mut self, event: Option<&CleanupEvent<'_>>) {
        self.is_over = true;
        over(event);
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if !self.is_over {
            over(Some(&CleanupEvent::Abandoned { name: self.name, reason: AbandonReason::RuntimeShutdown }));
        }
    }
}

/// Counts a cleanup that is over, and tells the observers unless it is done.
fn over(event: Option<&CleanupEvent<'_>>) {
    count(match event {
        None => Count::Completed,
        Some(CleanupEvent::Failed { .. }) => Count::Failed,
        Some(CleanupEvent::Panicked { .. }) => Count::Panicked,
        Some(CleanupEvent::Abandoned { .. }) => Count::Abandoned,
    });
    if let Some(event) = event {
        observe::notify_observers(event);
    }
}

async fn run<F, E>(job: Job<F>)
where
    F: Future<Output = Result<(), E>>,
    E: Send + 'static,
{
    // In this order, so that the work is dropped before anybody is told that it is lost.
    let Job { tracked, grace, mut inner, work } = job;
    let name = tracked.name;
    inner.wait().await;
    // Dropped before anybody is told that it is over; a panic of its destructor is caught, too.
    let outcome = with_children(catch_unwind(within(as_cleanup(work), grace))).await;
    match &outcome {
        Ok(Some(Ok(()))) => tracked.over(None),
        Ok(Some(Err(error))) => tracked.over(Some(&CleanupEvent::Failed { name, error: unboxed(error) })),
        Ok(None) => tracked.over(Some(&CleanupEvent::Abandoned { name, reason: AbandonReason::TimedOut })),
        Err(payload) => tracked.over(Some(&CleanupEvent::Panicked { name, payload: &**payload })),
    }
}

/// An error that is erased already is told as what it is.
fn unboxed<E: Send + 'static>(error: &E) -> &(dyn Any + Send) {
    let any: &(dyn Any + Send) = error;
    any.downcast_ref::<Box<dyn Any + Send>>().map_or(any, |boxed| &**boxed)
}

impl<F> fmt::Debug for Cleanup<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("name", &self.name)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
