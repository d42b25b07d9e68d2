use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::runtime::Handle;

use super::child_cleanups::ChildCleanups;
use super::job::{CleanupOutput, CompletionGuard, Job};
use super::local_future::LocalFuture;
use super::metrics::{Counter, increment};
use super::name::Name;
use super::tracked_cleanup::{
    InPlaceCleanup, SpawnedCleanup, TrackedCleanup, is_in_place, is_in_scope, is_single_threaded, track,
};
use crate::panic::ignore_panic;

/// The grace period of a cleanup, and of an exit, that does not choose one.
pub(crate) const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(30);

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
    /// Boxed before anything copies it: each call of a builder method copies the builder, in a debug build several
    /// times, and the work may be as large as the stack.
    work: Pin<Box<F>>,
    options: CleanupOptions,
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
    E: Debug + Send + 'static,
{
    CleanupOptions::new(Name::of_type::<F>()).detach(Box::pin(work));
}

impl<F> Cleanup<F> {
    /// Creates a cleanup that runs `work`.
    ///
    /// # Defaults
    ///
    /// - The name is the path of the type of `work`.
    /// - The grace period is 30 seconds.
    /// - The runtime is the one that [`detach`](Self::detach) is called on.
    pub fn new(work: F) -> Self {
        Self { work: Box::pin(work), options: CleanupOptions::new(Name::of_type::<F>()) }
    }

    /// Sets the name, which [observers](super::observe()) receive with every [event](super::CleanupEvent) of this cleanup.
    pub fn name(mut self, name: &'static str) -> Self {
        self.options.name = Name::chosen(name);
        self
    }

    /// Sets the grace period: the time that the cleanup may take.
    ///
    /// The grace period is wall-clock time, and starts when the work is first polled. A cleanup that exceeds it is
    /// dropped, and reported as [abandoned](super::CleanupEvent::Abandoned).
    #[doc(alias = "timeout", alias = "deadline")]
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { options: self.options.grace_period(grace_period), ..self }
    }

    /// Sets the runtime that the cleanup is spawned on, regardless of where [`detach`](Self::detach) is called.
    pub fn on_runtime(mut self, runtime: Handle) -> Self {
        self.options.runtime = Some(runtime);
        self
    }

    /// Sets the runtime that the cleanup is spawned on if [`detach`](Self::detach) is called outside of a runtime.
    pub fn fallback_runtime(self, runtime: impl Into<Option<Handle>>) -> Self {
        Self { options: self.options.fallback_runtime(runtime.into()), ..self }
    }

    /// Polls the cleanup in the scope that drops its interrupted block: see [`CleanupOptions::in_place`].
    pub(crate) fn in_place(self) -> Self {
        Self { options: self.options.in_place(), ..self }
    }

    /// Spawns the cleanup on its runtime.
    ///
    /// If the cleanup is detached inside the block of a [scope](crate::context), the exit of that scope waits until the
    /// cleanup has finished. A block that runs on one runtime does not wait for a cleanup on another, and a block that
    /// runs outside of a runtime waits for none: that could deadlock, because the thread that waits may be the one that
    /// drives the other runtime.
    ///
    /// The cleanup is a task also if the scope has interrupted its block, and drops it: only the exits of the scopes in
    /// that block run in the task of the scope.
    pub fn detach<E>(self)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Debug + Send + 'static,
    {
        self.options.detach(self.work);
    }
}

/// The settings of a cleanup. In contrast to [`Cleanup`], it does not box the work.
pub(crate) struct CleanupOptions {
    name: Name,
    grace_period: Duration,
    runtime: Option<Handle>,
    fallback: Option<Handle>,
    children: ChildCleanups,
    nested: ChildCleanups,
    in_place: bool,
    is_local: bool,
}

impl CleanupOptions {
    #[inline]
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            grace_period: DEFAULT_GRACE_PERIOD,
            runtime: None,
            fallback: None,
            children: ChildCleanups::default(),
            nested: ChildCleanups::default(),
            in_place: false,
            is_local: false,
        }
    }

    #[inline]
    pub(crate) fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }

    /// Spawns the cleanup on this runtime instead of the current one.
    pub(crate) fn runtime(self, runtime: Option<Handle>) -> Self {
        Self { runtime, ..self }
    }

    #[inline]
    pub(crate) fn fallback_runtime(self, fallback: Option<Handle>) -> Self {
        Self { fallback, ..self }
    }

    /// Delays the cleanup, and its grace period, until `children` have finished.
    #[inline]
    pub(crate) fn wait_for_children(self, children: ChildCleanups) -> Self {
        Self { children, ..self }
    }

    /// Adds cleanups that were detached inside of the work before: the cleanup finishes after them.
    #[inline]
    pub(crate) fn nested(self, nested: ChildCleanups) -> Self {
        Self { nested, ..self }
    }

    /// Moves the cleanup to the scope that drops its interrupted block, if there is one, instead of spawning it.
    ///
    /// This is for the exits of scopes. Other cleanups are spawned, because the destructor that detaches them may block
    /// until they have finished.
    #[inline]
    pub(crate) fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// As [`detach`](Self::detach), for work that is not `Send`. The work stays on this thread: only a current-thread
    /// runtime may spawn it. On other threads, an enclosing scope runs it; without a scope, it is abandoned.
    pub(crate) fn detach_local<O>(self, work: impl Future<Output = O> + 'static)
    where
        O: CleanupOutput + Send + 'static,
    {
        Self { is_local: true, ..self }.detach(LocalFuture::new(work));
    }

    /// Spawns `work`, or moves it to the scope that drops the current block [in place](Self::in_place).
    ///
    /// Large work must be boxed: the job copies it.
    pub(crate) fn detach<F>(self, work: F)
    where
        F: Future<Output: CleanupOutput + Send> + Send + 'static,
    {
        let Self { name, grace_period, runtime, fallback, mut children, mut nested, in_place, is_local } =
            self;
        increment(Counter::Detached);
        let mut is_in_place = in_place && runtime.is_none() && is_in_place();
        let mut runtime = runtime.or_else(|| Handle::try_current().ok()).or(fallback);
        // Count the cleanup as pending before its task exists, so that no `drain` misses it.
        let mut completion = CompletionGuard::new(name, runtime.as_ref().map(Handle::id));
        if is_local && !is_in_place && !runtime.as_ref().is_some_and(is_single_threaded) {
            // No task may own it, so an enclosing scope of this thread runs it, if there is one.
            is_in_place = is_in_scope();
            if !is_in_place {
                completion.set_not_send();
                runtime = None;
            }
        }
        if is_in_place {
            let span = completion.open_span();
            let job = span.wrap(Job::new(work, grace_period, children, nested, completion));
            track(TrackedCleanup::InPlace(InPlaceCleanup::new(job, runtime, is_local)));
        } else if let Some(runtime) = runtime {
            if !is_single_threaded(&runtime) {
                children.drop_local();
                nested.drop_local();
            }
            let span = completion.open_span();
            let job = Job::new(work, grace_period, children, nested, completion);
            let task = runtime.spawn(span.wrap(job));
            track(TrackedCleanup::Spawned(SpawnedCleanup { task, runtime: runtime.id() }));
        } else {
            // The destructor of the work may panic, and `detach` may be called by a destructor.
            ignore_panic(|| drop(work));
            // The children of this cleanup are still running: the enclosing scope waits for them instead.
            children.reparent();
            nested.reparent();
            // Records that the cleanup is abandoned.
            drop(completion);
        }
    }
}

impl<F> fmt::Debug for Cleanup<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("name", &self.options.name.get())
            .field("grace_period", &self.options.grace_period)
            .finish_non_exhaustive()
    }
}
