use std::cell::{Cell, RefCell};

use tokio::task::JoinHandle;

thread_local! {
    /// How many extents are open on this thread, one in another.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Whether anything is in `DETACHED`: all that is asked where nothing was detached.
    static ANY: Cell<bool> = const { Cell::new(false) };
    /// What was detached in the extents that are open, and how deep.
    static DETACHED: RefCell<Vec<(usize, JoinHandle<()>)>> = const { RefCell::new(Vec::new()) };
}

/// Cleanups that were detached inside of something, which has to wait for them.
///
/// Where there are none, it costs nothing.
#[derive(Debug, Default)]
pub struct Inner(Vec<JoinHandle<()>>);

impl Inner {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until they are over, whichever way. Cancel safe: those that are not stay.
    pub(crate) async fn wait(&mut self) {
        while let Some(cleanup) = self.0.last_mut() {
            // What became of it was told to the observers.
            drop(cleanup.await);
            self.0.pop();
        }
    }

    /// Leaves them to the extent around this one: who cannot wait itself.
    pub(crate) fn hand_on(self) {
        for cleanup in self.0 {
            note(cleanup);
        }
    }
}

/// While it is open, what is detached on this thread is noted down, for `inner` to have it when it closes.
///
/// One poll, or the drop, of what the cleanups are to be inside of: never open across an `await`.
pub(crate) struct Extent<'a> {
    depth: usize,
    inner: &'a mut Inner,
}

impl<'a> Extent<'a> {
    #[inline]
    pub(crate) fn open(inner: &'a mut Inner) -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        Self { depth, inner }
    }

    #[cold]
    fn collect(&mut self) {
        DETACHED.with_borrow_mut(|detached| {
            // The extents inside of this one have taken theirs: what is deeper is at the end.
            let ours = detached.partition_point(|(depth, _)| *depth <= self.depth);
            self.inner.0.extend(detached.drain(ours..).map(|(_, cleanup)| cleanup));
            ANY.set(!detached.is_empty());
        });
    }
}

impl Drop for Extent<'_> {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(self.depth);
        if ANY.get() {
            self.collect();
        }
    }
}

/// Notes down a cleanup for the extent that is open on this thread, if there is one.
pub(super) fn note(cleanup: JoinHandle<()>) {
    let depth = DEPTH.get();
    if depth > 0 {
        // An error is that of a thread which is at its end, where nobody is left to wait.
        let noted = DETACHED.try_with(|detached| detached.borrow_mut().push((depth, cleanup)));
        ANY.set(noted.is_ok());
    }
}
