use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use crate::panic::ignore_panic;
use crate::tasks::future_state::register_waker;

/// A child of a group, before it is polled for the first time.
pub(super) type Child<'env, E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send + 'env>>;

/// A handle of a group whose children are polled in place, passed to the body of [`in_place`](super::in_place()).
///
/// Clones are handles of the same group. A child that adds more children owns a clone.
///
/// `'env` is the lifetime of what the children may borrow: everything that is declared before the call of `in_place`.
pub struct InPlaceGroup<'env, E>(Arc<Mutex<Inbox<'env, E>>>);

/// The requests of the handles to the future of the group.
struct Inbox<'env, E> {
    spawned: Vec<Child<'env, E>>,
    stage: Stage,
    /// `true` during a poll of the group's future, which then finds the requests itself.
    is_polled: bool,
    /// The waker of the group's future, for a handle that is used elsewhere.
    waiter: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Children can be added.
    Open,
    /// [`InPlaceGroup::cancel`] was called, and the children were not dropped yet.
    CancelRequested,
    /// The children were dropped, or are about to be. Further children are refused.
    Closed,
}

impl<'env, E> InPlaceGroup<'env, E> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Inbox {
            spawned: Vec::new(),
            stage: Stage::Open,
            is_polled: false,
            waiter: None,
        })))
    }

    /// Adds a child. The future of the group polls it whenever the child is woken.
    ///
    /// The child returns a value through a variable that it borrows. If the child fails, the other children and the body
    /// are dropped.
    ///
    /// If the group is cancelling its children or has ended, `work` is dropped.
    #[doc(alias = "create_task")]
    pub fn spawn<F>(&self, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'env,
    {
        let mut inbox = self.lock();
        if inbox.stage != Stage::Open {
            // The destructor of the work is user code, and runs without the lock.
            drop(inbox);
            drop(work);
            return;
        }
        inbox.spawned.push(Box::pin(work));
        wake(inbox);
    }

    /// Drops all children without an error. The body continues, and further children are refused.
    ///
    /// The exits of the scopes in the children continue as [cleanups](crate::cleanup), for which the group waits. A child
    /// that calls this method is dropped at its next await.
    #[doc(alias("abort_all", "cancel_scope"))]
    pub fn cancel(&self) {
        let mut inbox = self.lock();
        if inbox.stage == Stage::Open {
            inbox.stage = Stage::CancelRequested;
            wake(inbox);
        }
    }

    /// Called before the children and the body are polled.
    pub(super) fn begin_poll(&self) {
        self.lock().is_polled = true;
    }

    /// Called before the group's future returns `Pending`. Returns `false` if there are new requests.
    pub(super) fn end_poll(&self, cx: &Context<'_>) -> bool {
        let mut inbox = self.lock();
        let is_idle = inbox.spawned.is_empty() && inbox.stage != Stage::CancelRequested;
        inbox.is_polled = !is_idle;
        // Without another handle, or if children are refused, no further request can come. The last handle may have left a
        // request.
        let needs_waker = is_idle && inbox.stage == Stage::Open && Arc::strong_count(&self.0) > 1;
        let replaced = if needs_waker { register_waker(&mut inbox.waiter, cx) } else { None };
        drop(inbox);
        drop(replaced);
        is_idle
    }

    /// Moves the new children to `spawned`, which is empty.
    pub(super) fn take_spawned(&self, spawned: &mut Vec<Child<'env, E>>) -> Stage {
        let mut inbox = self.lock();
        mem::swap(&mut inbox.spawned, spawned);
        inbox.stage
    }

    /// Refuses further children. Returns those that were not taken.
    pub(super) fn close(&self) -> Vec<Child<'env, E>> {
        let mut inbox = self.lock();
        inbox.stage = Stage::Closed;
        let spawned = mem::take(&mut inbox.spawned);
        // A handle that outlives the group must not keep the task that has polled the group.
        let waiter = inbox.waiter.take();
        drop(inbox);
        ignore_panic(|| drop(waiter));
        spawned
    }

    /// Locks the requests. While they are locked, the only user code that runs is the clone of a waker.
    fn lock(&self) -> MutexGuard<'_, Inbox<'env, E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the future of the group, unless it is being polled.
fn wake<E>(mut inbox: MutexGuard<'_, Inbox<'_, E>>) {
    let waiter = if inbox.is_polled { None } else { inbox.waiter.take() };
    drop(inbox);
    if let Some(waiter) = waiter {
        ignore_panic(|| waiter.wake());
    }
}

impl<E> Clone for InPlaceGroup<'_, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E> fmt::Debug for InPlaceGroup<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlaceGroup").finish_non_exhaustive()
    }
}
