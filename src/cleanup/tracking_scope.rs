//! Tracking of the cleanups that are detached inside of a scope: the exit of the scope waits for them.
//!
//! A scope opens a [`TrackingScope`] around each poll of its block. [`detach`](super::detach()) registers the cleanup
//! with the innermost open scope of the thread. When the poll returns, the cleanups move into the scope's
//! [`ChildCleanups`].
//!
//! Nearly all polls detach nothing. For them, a scope costs a read and a write of one thread-local integer when it
//! opens, and the same when it closes.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem::{self, ManuallyDrop};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

thread_local! {
    /// The number of scopes that are open on this thread, in the lower 32 bits, and the length of [`TRACKED`], in the
    /// upper 32 bits.
    ///
    /// If the value is unchanged since a scope was opened, the scope has nothing to collect.
    static STATE: Cell<u64> = const { Cell::new(0) };
    /// The cleanups that were detached in the open scopes, each with the depth of its scope, in ascending order of
    /// depth.
    static TRACKED: RefCell<Vec<(u64, TrackedCleanup)>> = const { RefCell::new(Vec::new()) };
}

const DEPTH_MASK: u64 = u32::MAX as u64;

/// The task of a cleanup, and its runtime.
#[derive(Debug)]
struct TrackedCleanup {
    task: JoinHandle<()>,
    runtime: Id,
}

/// The cleanups that were detached inside of a scope or of another cleanup.
///
/// Most scopes have none, so that an empty value and its destructor must cost next to nothing. The list is therefore
/// boxed, and the destructor is written by hand, with its work out of line.
#[derive(Debug, Default)]
pub struct ChildCleanups(ManuallyDrop<Option<Box<ChildList>>>);

#[derive(Debug, Default)]
struct ChildList {
    cleanups: Vec<TrackedCleanup>,
    /// The length at which the finished cleanups are removed.
    sweep_at: usize,
}

impl ChildList {
    /// Adds a cleanup. Finished cleanups are removed from time to time, because a long block may detach any number of
    /// cleanups in sequence.
    fn push(&mut self, cleanup: TrackedCleanup) {
        if self.cleanups.len() >= self.sweep_at {
            self.cleanups.retain(|cleanup| !cleanup.task.is_finished());
            self.sweep_at = 2 * self.cleanups.len().max(8);
        }
        self.cleanups.push(cleanup);
    }
}

impl ChildCleanups {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Waits until all cleanups have finished, with any outcome. Cancel safe: the unfinished cleanups remain.
    pub(crate) async fn wait(&mut self) {
        let Some(children) = &mut *self.0 else { return };
        while let Some(cleanup) = children.cleanups.last_mut() {
            // The cleanup itself has reported its outcome to the observers.
            drop((&mut cleanup.task).await);
            // Removed only after it has finished: a wait that is dropped loses no cleanup.
            children.cleanups.pop();
        }
    }

    /// Moves the cleanups to the enclosing scope, because their own scope cannot wait for them.
    pub(crate) fn reparent(mut self) {
        for TrackedCleanup { task, runtime } in
            self.0.take().into_iter().flat_map(|children| children.cleanups)
        {
            track(task, runtime);
        }
    }
}

impl Drop for ChildCleanups {
    #[inline]
    fn drop(&mut self) {
        if let Some(children) = self.0.take() {
            drop_handles(children);
        }
    }
}

/// Drops the handles of the tasks. The tasks continue to run.
#[cold]
fn drop_handles(children: Box<ChildList>) {
    drop(children);
}

/// A guard that collects the cleanups that are detached on this thread, and adds them to `children` when it is dropped.
///
/// It is held during one poll, or during the drop, of the code that detaches the cleanups, and never across an `await`.
pub(crate) struct TrackingScope<'a> {
    /// [`STATE`] before this scope was opened.
    outer: u64,
    children: &'a mut ChildCleanups,
}

impl<'a> TrackingScope<'a> {
    #[inline]
    pub(crate) fn open(children: &'a mut ChildCleanups) -> Self {
        let outer = STATE.get();
        STATE.set(outer + 1);
        Self { outer, children }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        let outer_depth = self.outer & DEPTH_MASK;
        // `None` while the thread ends, or if the scope is dropped outside of a runtime.
        let here = Handle::try_current().ok().map(|runtime| runtime.id());
        let remaining = TRACKED.with_borrow_mut(|tracked| {
            // The inner scopes have collected their cleanups. The entries that are deeper than the outer scope are
            // therefore those of this scope, and come last.
            let ours = tracked.partition_point(|(depth, _)| *depth <= outer_depth);
            if ours < tracked.len() {
                for (_, cleanup) in tracked.drain(ours..) {
                    // A cleanup on another runtime may need this very thread to make progress.
                    if here.is_none_or(|here| here == cleanup.runtime) {
                        self.children.0.get_or_insert_default().push(cleanup);
                    }
                }
            }
            tracked.len() as u64
        });
        STATE.set(outer_depth | remaining << 32);
    }
}

impl Drop for TrackingScope<'_> {
    #[inline]
    fn drop(&mut self) {
        if STATE.get() == self.outer + 1 {
            STATE.set(self.outer);
        } else {
            self.collect();
        }
    }
}

/// Registers a cleanup with the innermost scope that is open on this thread, if there is one.
pub(super) fn track(task: JoinHandle<()>, runtime: Id) {
    let state = STATE.get();
    let depth = state & DEPTH_MASK;
    let cleanup = TrackedCleanup { task, runtime };
    // This fails while the thread ends, when no scope can wait any more.
    if depth > 0 && TRACKED.try_with(|tracked| tracked.borrow_mut().push((depth, cleanup))).is_ok() {
        STATE.set(state + (1 << 32));
    }
}

/// Awaits `work`, and then all cleanups that were detached inside of it.
///
/// If the future is dropped early, or the work panics, the cleanups are moved to the enclosing scope.
pub(crate) async fn with_children<F: Future>(work: F) -> F::Output {
    let mut tracked = pin!(WithChildren { work: Some(work), children: ChildCleanups::default() });
    let output = poll_fn(|cx| tracked.as_mut().poll_work(cx)).await;
    tracked.as_mut().project().children.wait().await;
    output
}

/// A future and the cleanups that are detached while it is polled or dropped.
#[pin_project(PinnedDrop)]
struct WithChildren<F> {
    /// `None` once it has completed.
    #[pin]
    work: Option<F>,
    children: ChildCleanups,
}

impl<F: Future> WithChildren<F> {
    fn poll_work(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _scope = TrackingScope::open(this.children);
        let work = this.work.as_mut().as_pin_mut().expect("work polled after completion");
        let polled = work.poll(cx);
        if polled.is_ready() {
            // Dropped while the scope is open: a destructor may detach a cleanup as well.
            this.work.set(None);
        }
        polled
    }
}

#[pinned_drop]
impl<F> PinnedDrop for WithChildren<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.work.is_some() {
            // The scope closes at the end of this block, so that `children` is complete before it is moved.
            let _scope = TrackingScope::open(this.children);
            this.work.set(None);
        }
        mem::take(this.children).reparent();
    }
}
