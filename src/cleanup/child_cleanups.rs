use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream as _;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::Handle;

use super::tracked_cleanup::{InPlaceCleanup, SpawnedCleanup, TrackedCleanup, track};

/// The cleanups that were detached inside of a scope or of another cleanup.
///
/// Most scopes have none, so that an empty value and its destructor must cost next to nothing. The list is therefore
/// boxed, and the destructor is written by hand, with its work out of line.
#[derive(Debug, Default)]
pub struct ChildCleanups(ManuallyDrop<Option<Box<ChildList>>>);

#[derive(Debug, Default)]
struct ChildList {
    spawned: Vec<SpawnedCleanup>,
    /// The length at which the finished cleanups are removed.
    sweep_at: usize,
    /// `None` in most lists, because an empty one allocates.
    in_place: Option<FuturesUnordered<InPlaceCleanup>>,
}

impl ChildList {
    /// Adds a cleanup. Finished cleanups are removed from time to time, because a long block may detach any number of
    /// cleanups in sequence.
    fn push(&mut self, cleanup: TrackedCleanup) {
        match cleanup {
            TrackedCleanup::InPlace(cleanup) => self.in_place.get_or_insert_default().push(cleanup),
            TrackedCleanup::Spawned(cleanup) => {
                if self.spawned.len() >= self.sweep_at {
                    self.spawned.retain(|cleanup| !cleanup.task.is_finished());
                    self.sweep_at = 2 * self.spawned.len().max(8);
                }
                self.spawned.push(cleanup);
            }
        }
    }

    fn drop_local(&mut self) {
        let Some(all) = self.in_place.take() else { return };
        let (mut local, mut others) = (Vec::new(), Vec::new());
        for mut cleanup in all {
            if cleanup.is_local() {
                local.push(cleanup);
            } else {
                cleanup.drop_local_children();
                others.push(cleanup);
            }
        }
        if !others.is_empty() {
            self.in_place = Some(others.into_iter().collect());
        }
        drop(local);
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Poll the cleanups that run in place. They are polled before the tasks, which run regardless.
        if let Some(in_place) = &mut self.in_place {
            while ready!(Pin::new(&mut *in_place).poll_next(cx)).is_some() {}
        }
        let here = Handle::try_current().ok().map(|runtime| runtime.id());
        while let Some(cleanup) = self.spawned.last_mut() {
            // The scope may have moved here from another runtime, which may not be driven any more.
            if here == Some(cleanup.runtime) {
                // The cleanup itself has reported its outcome to the observers.
                drop(ready!(Pin::new(&mut cleanup.task).poll(cx)));
            }
            // Removed only after it has finished: a wait that is dropped loses no cleanup.
            self.spawned.pop();
        }
        Poll::Ready(())
    }
}

impl ChildCleanups {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn push(&mut self, cleanup: TrackedCleanup) {
        self.0.get_or_insert_default().push(cleanup);
    }

    /// Ready when all cleanups have finished, with any outcome. The value is empty then.
    #[inline]
    pub(crate) fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_empty() { Poll::Ready(()) } else { self.poll_children(cx) }
    }

    #[cold]
    fn poll_children(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.0.as_mut().map_or(Poll::Ready(()), |children| children.poll_wait(cx));
        if polled.is_ready() {
            drop(self.0.take());
        }
        polled
    }

    /// Drops the cleanups that must stay on this thread, because a task is about to own the others.
    #[inline]
    pub(super) fn drop_local(&mut self) {
        if let Some(children) = &mut *self.0 {
            children.drop_local();
        }
    }

    /// Moves the cleanups to the enclosing scope, because their own scope cannot wait for them.
    #[inline]
    pub(crate) fn reparent(self) {
        if !self.is_empty() {
            self.reparent_all();
        }
    }

    #[cold]
    fn reparent_all(mut self) {
        let Some(children) = self.0.take() else { return };
        let ChildList { spawned, in_place, .. } = *children;
        spawned.into_iter().map(TrackedCleanup::Spawned).for_each(track);
        in_place.into_iter().flatten().for_each(InPlaceCleanup::detach);
    }
}

impl Drop for ChildCleanups {
    #[inline]
    fn drop(&mut self) {
        if let Some(children) = self.0.take() {
            drop_children(children);
        }
    }
}

/// Drops the handles of the tasks, which continue to run, and spawns the cleanups that ran in place.
#[cold]
fn drop_children(children: Box<ChildList>) {
    drop(children);
}
