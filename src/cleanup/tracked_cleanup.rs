use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::runtime::{Handle, Id, RuntimeFlavor};
use tokio::task::JoinHandle;

use super::open_scopes::OpenScopes;
use crate::panic::ignore_panic;

thread_local! {
    /// The scopes that are open on this thread. The flag is set while [`TRACKED`] is not empty.
    pub(super) static OPEN: OpenScopes = const { OpenScopes::new() };
    /// The cleanups that were detached in the open scopes, each with the depth of its scope, in ascending order of
    /// depth.
    pub(super) static TRACKED: RefCell<Vec<(usize, TrackedCleanup)>> = const { RefCell::new(Vec::new()) };
    /// The depth of the scope that runs the exits of a dropped block in place, or a depth that is not that of the
    /// innermost scope. A poll inside of a destructor opens a deeper scope, and is not affected.
    pub(super) static IN_PLACE: Cell<usize> = const { Cell::new(0) };
}

/// Returns `true` if the exit of a scope that is detached now runs in place.
#[inline]
pub(super) fn is_in_place() -> bool {
    let depth = OPEN.with(OpenScopes::depth);
    depth > 0 && depth == IN_PLACE.get()
}

/// Returns `true` if a scope is open on this thread.
pub(super) fn is_in_scope() -> bool {
    OPEN.with(OpenScopes::depth) > 0
}

/// Registers a cleanup with the innermost scope that is open on this thread, if there is one.
#[inline]
pub(super) fn track(cleanup: TrackedCleanup) {
    let depth = OPEN.with(OpenScopes::depth);
    if depth > 0 {
        track_at(depth, cleanup);
    }
}

#[inline(never)]
fn track_at(depth: usize, cleanup: TrackedCleanup) {
    // This fails while the thread ends, when no scope can wait any more.
    if TRACKED.try_with(|tracked| tracked.borrow_mut().push((depth, cleanup))).is_ok() {
        OPEN.with(|open| open.set_collected(true));
    }
}

/// A cleanup that a scope waits for.
#[derive(Debug)]
pub(super) enum TrackedCleanup {
    Spawned(SpawnedCleanup),
    InPlace(InPlaceCleanup),
}

/// The task of a cleanup, and its runtime.
#[derive(Debug)]
pub(super) struct SpawnedCleanup {
    pub(super) task: JoinHandle<()>,
    pub(super) runtime: Id,
}

/// An exit that is not a task: the scope that dropped the block it belongs to polls it.
///
/// If it is dropped before it completes, it is spawned. A local one is abandoned instead, unless the runtime is a
/// current-thread runtime.
pub(super) struct InPlaceCleanup {
    /// `None` once it has completed. The mutex, which is never locked, makes the cleanup `Sync`.
    job: Mutex<Option<BoxedJob>>,
    /// The runtime that counts the cleanup as pending.
    runtime: Option<Handle>,
    /// `true` if the work must stay on its thread.
    is_local: bool,
}

type BoxedJob = Pin<Box<dyn InPlaceJob>>;

/// The job of a cleanup that may become a task later.
pub(super) trait InPlaceJob: Future<Output = ()> + Send {
    /// Counts the cleanup as pending on `runtime` instead of the runtime on which it was detached.
    fn move_to(self: Pin<&mut Self>, runtime: Id);

    /// Sets the reason for which the cleanup is abandoned if it is dropped: its work is not `Send`.
    fn set_not_send(self: Pin<&mut Self>);

    /// Drops the cleanups inside of it that must stay on this thread.
    fn drop_local_children(self: Pin<&mut Self>);
}

/// Returns `true` if a task of `runtime` may own a future that stays on the current thread.
pub(super) fn is_single_threaded(runtime: &Handle) -> bool {
    runtime.runtime_flavor() == RuntimeFlavor::CurrentThread
}

impl InPlaceCleanup {
    pub(super) fn new(job: impl InPlaceJob + 'static, runtime: Option<Handle>, is_local: bool) -> Self {
        Self { job: Mutex::new(Some(Box::pin(job))), runtime, is_local }
    }

    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    /// Drops the cleanups inside of this one that must stay on this thread.
    pub(super) fn drop_local_children(&mut self) {
        if let Some(job) = self.job.get_mut().unwrap_or_else(PoisonError::into_inner) {
            job.as_mut().drop_local_children();
        }
    }

    /// Moves the cleanup to the enclosing scope if that drops a block in place as well, and else spawns it.
    pub(super) fn detach(self) {
        if is_in_place() {
            track(TrackedCleanup::InPlace(self));
        }
    }
}

impl Future for InPlaceCleanup {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let job = self.job.get_mut().unwrap_or_else(PoisonError::into_inner);
        let polled = job.as_mut().map_or(Poll::Ready(()), |job| job.as_mut().poll(cx));
        if polled.is_ready() {
            *job = None;
        }
        polled
    }
}

impl Drop for InPlaceCleanup {
    fn drop(&mut self) {
        let job = self.job.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut job) = job else { return };
        // As for any cleanup, the current runtime comes first: the other one may have shut down, or may not be driven
        // any more.
        let counting = self.runtime.take();
        let counted_by = counting.as_ref().map(Handle::id);
        match Handle::try_current().ok().or(counting) {
            Some(runtime) if self.is_local && !is_single_threaded(&runtime) => {
                job.as_mut().set_not_send();
                ignore_panic(|| drop(job));
            }
            Some(runtime) => {
                if !is_single_threaded(&runtime) {
                    job.as_mut().drop_local_children();
                }
                if counted_by != Some(runtime.id()) {
                    job.as_mut().move_to(runtime.id());
                }
                let task = runtime.spawn(job);
                track(TrackedCleanup::Spawned(SpawnedCleanup { task, runtime: runtime.id() }));
            }
            // The job records that it is abandoned. The destructor of its work may panic.
            None => ignore_panic(|| drop(job)),
        }
    }
}

impl fmt::Debug for InPlaceCleanup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlaceCleanup").finish_non_exhaustive()
    }
}
