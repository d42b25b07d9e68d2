use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::aborting::{Aborting, Failure};
use super::child::Child;
use super::members::Members;
use super::{ErrorGroup, FailedInGroup, TaskGroupError};
use crate::panic::ignore_panic;
use crate::tasks::future_state::wait;
use crate::tasks::task::Run;
use crate::tasks::{AbortHandle, Promise, TaskHandle};

/// What a group, its tasks, and those that make more have in common.
pub(super) struct Group<E> {
    state: Mutex<State<E>>,
    /// Written while the state is locked, and read at the end of each task without.
    is_aborting: AtomicBool,
    /// Else there is no block that could see too much, and there may never be one.
    is_entered: AtomicBool,
}

struct State<E> {
    members: Members,
    /// None is what most have, and takes less.
    aborting: Option<Box<Aborting<E>>>,
    stage: Stage,
    /// Of whoever waits, which is one: the block for the first failure, then the exit for the last task.
    waiter: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The block may be under way, if it was entered.
    Block,
    Exit,
    Over,
}

impl<E> Group<E> {
    pub(super) fn new() -> Self {
        let state = State { members: Members::default(), aborting: None, stage: Stage::Block, waiter: None };
        Self {
            state: Mutex::new(state),
            is_aborting: AtomicBool::new(false),
            is_entered: AtomicBool::new(false),
        }
    }

    /// Nothing panics while it is locked, and nobody else's code runs but the clone of a waker.
    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.state().members.count()
    }

    fn add(&self, abort_handle: AbortHandle) -> Result<usize, TaskGroupError> {
        let mut state = self.state();
        if state.stage == Stage::Over {
            Err(TaskGroupError::Finished)
        } else if state.aborting.is_some() {
            Err(TaskGroupError::ShuttingDown)
        } else {
            Ok(state.members.add(abort_handle))
        }
    }

    /// The block begins.
    #[inline]
    pub(super) fn enter(&self) {
        self.is_entered.store(true, Ordering::Release);
    }

    /// Whether it cancels its tasks: then what a task says has to wait for the block, by [`say_late`](Self::say_late).
    #[inline]
    pub(super) fn is_aborting(&self) -> bool {
        self.is_aborting.load(Ordering::Acquire)
    }

    /// A task is over, and has said so.
    #[inline]
    pub(super) fn leave(&self, place: usize) {
        let mut state = self.state();
        let _removed = state.members.remove(place);
        let is_last = state.stage == Stage::Exit && state.members.is_empty();
        let waiter = if is_last { state.waiter.take() } else { None };
        drop(state);
        if let Some(waiter) = waiter {
            ignore_panic(|| waiter.wake());
        }
    }

    /// A task has failed: the others are cancelled, and the block is interrupted.
    #[cold]
    pub(super) fn failed(&self, place: usize, failure: Failure<E>) {
        let mut state = self.state();
        let to_cancel = self.start_to_abort(&mut state, Some(place));
        state.aborting.get_or_insert_default().add(failure);
        let waiter = if state.stage == Stage::Block { state.waiter.take() } else { None };
        drop(state);
        cancel(to_cancel);
        if let Some(waiter) = waiter {
            ignore_panic(|| waiter.wake());
        }
    }

    /// Keeps what a task says until the block is gone.
    #[cold]
    pub(super) fn say_late(&self, say: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let is_block = state.stage == Stage::Block && self.is_entered.load(Ordering::Acquire);
        match &mut state.aborting {
            Some(aborting) if is_block => aborting.say_late(Box::new(say)),
            _ => {
                drop(state);
                ignore_panic(say);
            }
        }
    }

    #[cold]
    pub(super) fn abort(&self) {
        let to_cancel = self.start_to_abort(&mut self.state(), None);
        cancel(to_cancel);
    }

    /// Those that are to be cancelled, which is all but one.
    fn start_to_abort(&self, state: &mut State<E>, but: Option<usize>) -> Vec<AbortHandle> {
        if state.aborting.is_some() {
            return Vec::new();
        }
        state.aborting = Some(Box::default());
        self.is_aborting.store(true, Ordering::Release);
        state.members.abort_handles(but)
    }

    /// Nobody waits any more for those that are left.
    #[cold]
    pub(super) fn abandon(&self) {
        self.abort();
        self.end_block();
    }

    /// The block is gone; exits inside of it may be under way, and await tasks of the group.
    pub(super) fn end_block(&self) {
        drop(self.exit());
    }

    /// The block is gone, and what was kept is said.
    #[inline]
    fn exit(&self) -> MutexGuard<'_, State<E>> {
        let mut state = self.state();
        if state.stage == Stage::Block {
            state.stage = Stage::Exit;
            if state.aborting.is_some() {
                return self.say_all(state);
            }
        }
        state
    }

    #[cold]
    fn say_all<'a>(&'a self, mut state: MutexGuard<'a, State<E>>) -> MutexGuard<'a, State<E>> {
        let late = state.aborting.as_mut().map(|aborting| aborting.take_late());
        drop(state);
        // Destructors of values that nobody wants may panic, and ours is one that calls them.
        late.into_iter().flatten().for_each(ignore_panic);
        self.state()
    }

    /// Ready when a task has failed.
    pub(super) fn poll_failed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.aborting.as_ref().is_some_and(|aborting| aborting.has_failed()) {
            return Poll::Ready(());
        }
        let before = wait(&mut state.waiter, cx);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// For when the block is gone: ready when no task is left, those that tasks make meanwhile among them. Then it is over.
    pub(super) fn poll_over(&self, cx: &Context<'_>) -> Poll<Result<(), ErrorGroup<E>>> {
        let mut state = self.exit();
        if state.members.count() > 0 {
            let before = wait(&mut state.waiter, cx);
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        state.stage = Stage::Over;
        let aborting = state.aborting.take();
        drop(state);
        Poll::Ready(aborting.map_or(Ok(()), |aborting| aborting.outcome()))
    }
}

fn cancel(tasks: Vec<AbortHandle>) {
    for task in tasks {
        // It may be the last that has to do with the task, and then its value is dropped: it keeps no other from it.
        ignore_panic(|| {
            task.cancel();
            drop(task);
        });
    }
}

/// A task that is none.
pub(super) struct Refused<T> {
    pub(super) error: TaskGroupError,
    pub(super) task: TaskHandle<T, FailedInGroup>,
    pub(super) promise: Promise<T, FailedInGroup>,
}

/// Makes a task of a group, on the current runtime.
pub(super) fn create_task<T, E, F>(
    group: &Arc<Group<E>>,
    work: F,
) -> Result<TaskHandle<T, FailedInGroup>, Refused<T>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (promise, task) = Promise::of_task();
    match group.add(task.abort_handle()) {
        Ok(place) => {
            let child = Child::new(promise, Arc::clone(group), place);
            drop(tokio::spawn(Run::new(work, child)));
            Ok(task)
        }
        Err(error) => Err(Refused { error, task, promise }),
    }
}
