use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::abort_state::{AbortState, Failure};
use super::errors::{FailedInGroup, TaskGroupError};
use super::failures::Failures;
use super::group_span::GroupSpan;
use super::members::Members;
use crate::as_error::ErrorView;
use crate::panic::{KeptPayload, ignore_panic};
use crate::tasks::abort_handle::AbortHandle;
use crate::tasks::error::{Error, TaskResult};
use crate::tasks::future_state::register_waker;
use crate::tasks::promise::Promise;
use crate::tasks::task::TaskOutput;

/// The state that a group shares with its tasks and spawners.
pub(super) struct GroupState<E> {
    inner: Mutex<Inner<E>>,
    /// `true` once the group cancels its tasks. Stored under the lock, with Release; loaded at the end of each task
    /// without the lock, with Acquire, so that such a task sees the failure that came before. A task that misses a
    /// concurrent store counts as finished before the abort. The task whose failure starts the abort stores the flag
    /// itself, so it always sees the flag.
    is_aborting: AtomicBool,
    /// `true` once the block was entered: without a block, nothing has to be deferred. Stored before the block starts,
    /// and loaded when a task ends while the group aborts. A task that misses a concurrent store counts as ended before
    /// the block was entered. The flag publishes nothing, so Relaxed suffices.
    is_entered: AtomicBool,
}

struct Inner<E> {
    members: Members,
    /// The number of tasks that were added, at most `u32::MAX`.
    added: u32,
    /// Finds the causes of the errors.
    view: ErrorView<E>,
    /// Boxed, since most groups never abort.
    abort: Option<Box<AbortState<E>>>,
    stage: Stage,
    /// The waker of the block, which waits for a failure, and later of the exit, which waits for the end of the last
    /// task.
    waiter: Option<Waker>,
    /// `true` if a cancelled group interrupts its block: see [`CancellableTaskGroup`](super::CancellableTaskGroup).
    is_cancellable: bool,
    /// `true` if the group was dropped before its exit has waited for the tasks.
    is_unjoined: bool,
    /// Reports the failures of such a group. Stored when the first task is added, where the type of the errors has the
    /// bounds.
    report: Option<Report<E>>,
    /// Open from the enter of the group to its end.
    span: GroupSpan,
}

type Report<E> = fn(Failures<E>);

impl<E> Inner<E> {
    /// Returns `true` if the group interrupts its block, because a task has failed or the group was cancelled.
    fn interrupts_block(&self) -> bool {
        self.abort.as_ref().is_some_and(|abort| abort.has_failed() || self.is_cancellable)
    }

    /// Takes the failures so far and their reporter, if the exit will not return them. The group stays aborting.
    fn take_unjoined(&mut self) -> Option<(Report<E>, Failures<E>)> {
        let report = self.report.filter(|_| self.is_unjoined)?;
        let failures = self.abort.replace(Box::default())?.into_failures(self.added, self.view)?;
        Some((report, failures))
    }

    /// Takes the waker of the block, if the group is to interrupt it. After the block, the waiter is the exit, which
    /// waits for the last task.
    fn take_block_waker(&mut self) -> Option<Waker> {
        if self.stage == Stage::Block && self.interrupts_block() { self.waiter.take() } else { None }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The block has not ended. It may not have been entered yet.
    Block,
    /// The block has ended, and the exit waits for the tasks.
    Joining,
    /// The exit has returned, and no task can be added.
    Finished,
}

impl<E> GroupState<E> {
    pub(super) fn new(view: ErrorView<E>) -> Self {
        let inner = Inner {
            members: Members::default(),
            added: 0,
            view,
            abort: None,
            stage: Stage::Block,
            waiter: None,
            is_cancellable: false,
            is_unjoined: false,
            report: None,
            span: GroupSpan::default(),
        };
        Self {
            inner: Mutex::new(inner),
            is_aborting: AtomicBool::new(false),
            is_entered: AtomicBool::new(false),
        }
    }

    /// Locks the state. While it is locked nothing panics, and the only user code that runs is the clone of a waker.
    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().members.len()
    }

    /// Adds a task. Returns its index, and the span in which it runs.
    pub(super) fn add(
        &self,
        abort_handle: AbortHandle,
        report: Report<E>,
    ) -> Result<(usize, GroupSpan), TaskGroupError> {
        let mut inner = self.lock();
        if inner.stage == Stage::Finished {
            Err(TaskGroupError::Finished)
        } else if inner.abort.is_some() {
            Err(TaskGroupError::ShuttingDown)
        } else {
            inner.added = inner.added.saturating_add(1);
            inner.report = Some(report);
            Ok((inner.members.add(abort_handle), inner.span.clone()))
        }
    }

    /// Records that the block starts.
    #[inline]
    pub(super) fn enter(&self) {
        let span = GroupSpan::open();
        if span.is_open() {
            self.lock().span = span;
        }
        self.is_entered.store(true, Ordering::Relaxed);
    }

    /// Closes the span, with the outcome of the group.
    #[inline]
    fn close_span(mut inner: MutexGuard<'_, Inner<E>>) {
        if inner.span.is_open() {
            let span = mem::take(&mut inner.span);
            let (tasks, failed) = (inner.added, inner.abort.as_ref().map_or(0, |abort| abort.failed()));
            let is_cancelled = inner.abort.is_some();
            // A subscriber is user code.
            drop(inner);
            ignore_panic(|| {
                span.record(tasks, failed, is_cancelled);
                drop(span);
            });
        }
    }

    /// Records that the group interrupts its block when it is cancelled.
    pub(super) fn make_cancellable(&self) {
        self.lock().is_cancellable = true;
    }

    /// Ends the task at `index`: records its failure, completes its handle, and removes it from the group.
    ///
    /// Always inlined: one caller is the frequent end of a task, and the other is cold.
    #[inline(always)]
    pub(super) fn finish_child<T: Send + 'static>(
        &self,
        index: usize,
        mut promise: Promise<T, FailedInGroup>,
        output: TaskOutput<Result<T, E>>,
    ) {
        // They hold a value whose handle was dropped. It is dropped last, after the task has left the group, because its
        // destructor is user code, which may use the group.
        let state;
        let _unobserved;
        // The task leaves the group when this guard is dropped. Then the group may finish, so the handle must be
        // complete before. It is a guard because completing the handle may panic.
        let _leave = LeaveGuard { group: self, index };
        let result = match output {
            Some(Ok(Ok(value))) => Ok(value),
            None => Err(Error::Cancelled),
            Some(Ok(Err(error))) => self.fail(index, Failure::Error(error)),
            Some(Err(payload)) => self.fail(index, Failure::Panic(KeptPayload::new(payload))),
        };
        if self.is_aborting.load(Ordering::Acquire) {
            self.defer(move || drop(promise.complete(result)));
        } else {
            state = promise.into_state();
            match &state {
                // The frequent case of a handle that was dropped at once takes no lock.
                Some(state) if state.is_unobserved() => _unobserved = result,
                Some(state) => drop(state.complete(result)),
                None => {}
            }
        }
    }

    /// Records a failure, cancels the other tasks, and interrupts the block. Returns the result for the handle of the
    /// failed task.
    #[cold]
    fn fail<T>(&self, index: usize, failure: Failure<E>) -> TaskResult<T, FailedInGroup> {
        let mut inner = self.lock();
        // Called before the failure is added: it takes an existing abort state for an abort that has begun.
        let to_cancel = self.begin_abort(&mut inner, Some(index));
        inner.abort.get_or_insert_default().add(failure);
        let waiter = inner.take_block_waker();
        let unjoined = inner.take_unjoined();
        drop(inner);
        if let Some((report, failures)) = unjoined {
            report(failures);
        }
        cancel_all(to_cancel);
        if let Some(waiter) = waiter {
            ignore_panic(|| waiter.wake());
        }
        Err(Error::Raised(FailedInGroup))
    }

    /// Runs `complete` when the block has ended, or at once if there is no block or it has ended already.
    ///
    /// Used for the handles of tasks that end while the block is about to be interrupted. If they were completed
    /// earlier, the block would see that its task has ended, but could not see the error. A block that is not
    /// interrupted, because its group was merely cancelled, may await its tasks.
    #[cold]
    pub(super) fn defer(&self, complete: impl FnOnce() + Send + 'static) {
        let mut inner = self.lock();
        let is_in_block = inner.stage == Stage::Block && self.is_entered.load(Ordering::Relaxed);
        let is_interrupted = is_in_block && inner.interrupts_block();
        match &mut inner.abort {
            Some(abort) if is_interrupted => abort.deferred.push(Box::new(complete)),
            // No block can see the handle too early.
            _ => {
                drop(inner);
                ignore_panic(complete);
            }
        }
    }

    #[inline]
    fn remove(&self, index: usize) {
        let mut inner = self.lock();
        // Dropped on return, after the unlock and the wake.
        let _removed = inner.members.remove(index);
        // Before the exit, the waiter is the block, which is interrupted by failures only.
        let is_last = inner.stage == Stage::Joining && inner.members.is_empty();
        let waiter = if is_last { inner.waiter.take() } else { None };
        drop(inner);
        if let Some(waiter) = waiter {
            ignore_panic(|| waiter.wake());
        }
    }

    /// Cancels all tasks, and refuses further ones.
    #[cold]
    pub(super) fn cancel(&self) {
        let mut inner = self.lock();
        if inner.stage == Stage::Finished {
            return;
        }
        let to_cancel = self.begin_abort(&mut inner, None);
        let waiter = inner.take_block_waker();
        // To cancel a task is to wake it, and a waker is user code.
        drop(inner);
        cancel_all(to_cancel);
        if let Some(waiter) = waiter {
            ignore_panic(|| waiter.wake());
        }
    }

    /// Returns the tasks to cancel: all but `except`, or none if the group is aborting already.
    fn begin_abort(&self, inner: &mut Inner<E>, except: Option<usize>) -> Vec<AbortHandle> {
        if inner.abort.is_some() {
            return Vec::new();
        }
        inner.abort = Some(Box::default());
        self.is_aborting.store(true, Ordering::Release);
        inner.members.abort_handles(except)
    }

    /// Cancels all tasks, for a group whose exit will not wait for them. The failures so far are reported, and so are the
    /// later ones, each when its task ends.
    #[cold]
    pub(super) fn abort_unjoined(&self) {
        self.cancel();
        self.end_block();
        let mut inner = self.lock();
        inner.is_unjoined = true;
        let failures = inner.take_unjoined();
        drop(inner);
        if let Some((report, failures)) = failures {
            report(failures);
        }
        Self::close_span(self.lock());
    }

    /// Records that the block has ended. Exits inside the block may still be running, and may await tasks of the group.
    pub(super) fn end_block(&self) {
        drop(self.begin_joining());
    }

    /// Records that the block has ended, and runs the completions that were deferred until then.
    #[inline]
    fn begin_joining(&self) -> MutexGuard<'_, Inner<E>> {
        let mut inner = self.lock();
        if inner.stage == Stage::Block {
            // Changed before the lock is released: a completion that comes later runs at once instead of being
            // deferred.
            inner.stage = Stage::Joining;
            if let Some(abort) = &mut inner.abort {
                abort.panicked_in_block = !abort.panics.is_empty();
                return self.run_deferred(inner);
            }
        }
        inner
    }

    #[cold]
    fn run_deferred<'a>(&'a self, mut inner: MutexGuard<'a, Inner<E>>) -> MutexGuard<'a, Inner<E>> {
        let deferred = inner.abort.as_mut().map(|abort| mem::take(&mut abort.deferred));
        drop(inner);
        // Values whose handles were dropped are dropped here, and their destructors may panic. This function may itself
        // run in a destructor, where a second panic would abort the process.
        deferred.into_iter().flatten().for_each(ignore_panic);
        self.lock()
    }

    /// Ready when the group interrupts its block.
    pub(super) fn poll_interrupted(&self, cx: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.interrupts_block() {
            return Poll::Ready(());
        }
        let replaced = register_waker(&mut inner.waiter, cx);
        drop(inner);
        drop(replaced);
        Poll::Pending
    }

    /// Ready when the group has no task left, including tasks that were added meanwhile. Then the group is finished.
    ///
    /// Polled only after the block has ended.
    pub(super) fn poll_join(&self, cx: &Context<'_>) -> Poll<()> {
        // A block that was never suspended has not recorded its end yet.
        let mut inner = self.begin_joining();
        if !inner.members.is_empty() {
            let replaced = register_waker(&mut inner.waiter, cx);
            drop(inner);
            drop(replaced);
            return Poll::Pending;
        }
        // The last task has ended: finish the group, and refuse further tasks.
        inner.stage = Stage::Finished;
        Self::close_span(inner);
        Poll::Ready(())
    }

    /// Returns the failures of a group that has finished.
    #[inline]
    pub(super) fn take_failures(&self) -> Option<Box<Failures<E>>> {
        if self.is_aborting.load(Ordering::Acquire) { self.take_abort_failures() } else { None }
    }

    #[cold]
    #[inline(never)]
    fn take_abort_failures(&self) -> Option<Box<Failures<E>>> {
        let mut inner = self.lock();
        let (abort, tasks, view) = (inner.abort.take(), inner.added, inner.view);
        drop(inner);
        abort?.into_failures(tasks, view).map(Box::new)
    }
}

/// Removes a task from its group when it is dropped.
struct LeaveGuard<'a, E> {
    group: &'a GroupState<E>,
    index: usize,
}

impl<E> Drop for LeaveGuard<'_, E> {
    #[inline]
    fn drop(&mut self) {
        self.group.remove(self.index);
    }
}

fn cancel_all(tasks: Vec<AbortHandle>) {
    for task in tasks {
        // `task` may be the last reference to the task's value. A panic in the destructor of the value must not keep
        // the next task from being cancelled.
        ignore_panic(|| {
            task.cancel();
            drop(task);
        });
    }
}
