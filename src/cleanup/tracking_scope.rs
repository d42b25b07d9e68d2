use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem::{self, ManuallyDrop};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use tokio::runtime::{Handle, Id};
use tokio::task::JoinHandle;

thread_local! {
    /// How many extents are open on this thread, one in another; and in the upper half, how many cleanups are noted down.
    /// Where nothing is detached, this is all that is read and written.
    static OPEN: Cell<u64> = const { Cell::new(0) };
    /// What was detached in the extents that are open, and how deep.
    static DETACHED: RefCell<Vec<(u64, Noted)>> = const { RefCell::new(Vec::new()) };
}

const DEPTH: u64 = u32::MAX as u64;

/// Cleanups that were detached inside of something, which has to wait for them.
///
/// Where there are none, it costs nothing, nor does dropping it: hence the box, and the destructor by hand.
#[derive(Debug, Default)]
pub struct ChildCleanups(ManuallyDrop<Option<Cleanups>>);

type Cleanups = Box<List>;

#[derive(Debug, Default)]
struct List {
    noted: Vec<Noted>,
    /// The length at which those that are over are let go.
    sweep_at: usize,
}

/// A cleanup, and the runtime that it is on.
#[derive(Debug)]
struct Noted {
    task: JoinHandle<()>,
    runtime: Id,
}

impl List {
    /// A block that goes on for long may have any number detached inside of it, one after the other.
    fn push(&mut self, noted: Noted) {
        if self.noted.len() >= self.sweep_at {
            self.noted.retain(|noted| !noted.task.is_finished());
            self.sweep_at = 2 * self.noted.len().max(8);
        }
        self.noted.push(noted);
    }
}

impl ChildCleanups {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Waits until they are over, whichever way. Cancel safe: those that are not stay.
    pub(crate) async fn wait(&mut self) {
        let Some(cleanups) = &mut *self.0 else { return };
        while let Some(cleanup) = cleanups.noted.last_mut() {
            // What became of it was told to the observers.
            drop((&mut cleanup.task).await);
            cleanups.noted.pop();
        }
    }

    /// Leaves them to the extent around this one: who cannot wait itself.
    pub(crate) fn reparent(mut self) {
        for Noted { task, runtime } in self.0.take().into_iter().flat_map(|cleanups| cleanups.noted) {
            note(task, runtime);
        }
    }
}

impl Drop for ChildCleanups {
    #[inline]
    fn drop(&mut self) {
        if let Some(cleanups) = self.0.take() {
            forget_about(cleanups);
        }
    }
}

/// They go on by themselves.
#[cold]
fn forget_about(cleanups: Cleanups) {
    drop(cleanups);
}

/// While it is open, what is detached on this thread is noted down, for `inner` to have it when it closes.
///
/// One poll, or the drop, of what the cleanups are to be inside of: never open across an `await`.
pub(crate) struct TrackingScope<'a> {
    /// `OPEN` as it was before.
    around: u64,
    inner: &'a mut ChildCleanups,
}

impl<'a> TrackingScope<'a> {
    #[inline]
    pub(crate) fn open(inner: &'a mut ChildCleanups) -> Self {
        let around = OPEN.get();
        OPEN.set(around + 1);
        Self { around, inner }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        let depth = self.around & DEPTH;
        // None as its thread ends, or where the scope is dropped on no runtime.
        let here = Handle::try_current().ok().map(|runtime| runtime.id());
        let left = DETACHED.with_borrow_mut(|detached| {
            // The extents inside of this one have taken theirs: what is deeper is at the end.
            let ours = detached.partition_point(|(at, _)| *at <= depth);
            if ours < detached.len() {
                for (_, noted) in detached.drain(ours..) {
                    // One on another runtime may wait for this thread to drive that.
                    if here.is_none_or(|here| here == noted.runtime) {
                        self.inner.0.get_or_insert_default().push(noted);
                    }
                }
            }
            detached.len() as u64
        });
        OPEN.set(depth | left << 32);
    }
}

impl Drop for TrackingScope<'_> {
    #[inline]
    fn drop(&mut self) {
        if OPEN.get() == self.around + 1 {
            OPEN.set(self.around);
        } else {
            self.collect();
        }
    }
}

/// Work and what is detached as it is polled, or dropped.
#[pin_project(PinnedDrop)]
struct Enclosed<F> {
    /// None when it is over.
    #[pin]
    work: Option<F>,
    inner: ChildCleanups,
}

impl<F: Future> Enclosed<F> {
    fn poll_work(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _extent = TrackingScope::open(this.inner);
        let work = this.work.as_mut().as_pin_mut().expect("it is polled until it is ready");
        let polled = work.poll(cx);
        if polled.is_ready() {
            this.work.set(None);
        }
        polled
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Enclosed<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.work.is_some() {
            let _extent = TrackingScope::open(this.inner);
            this.work.set(None);
        }
        mem::take(this.inner).reparent();
    }
}

/// The output of `work`, when all that was detached inside of it is over, too.
///
/// Dropped in the middle, or where the work panics, what was detached is left to the extent around this one.
pub(crate) async fn with_children<F: Future>(work: F) -> F::Output {
    let mut enclosed = pin!(Enclosed { work: Some(work), inner: ChildCleanups::default() });
    let output = poll_fn(|cx| enclosed.as_mut().poll_work(cx)).await;
    enclosed.as_mut().project().inner.wait().await;
    output
}

/// Notes down a cleanup for the extent that is open on this thread, if there is one.
pub(super) fn note(task: JoinHandle<()>, runtime: Id) {
    let open = OPEN.get();
    let depth = open & DEPTH;
    // An error is that of a thread which is at its end, where nobody is left to wait.
    let noted = Noted { task, runtime };
    if depth > 0 && DETACHED.try_with(|detached| detached.borrow_mut().push((depth, noted))).is_ok() {
        OPEN.set(open + (1 << 32));
    }
}
