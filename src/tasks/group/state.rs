use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::aborting::{Aborting, Failure};
use super::child::Child;
use super::members::Members;
use super::{ErrorGroup, Grouped, TaskGroupError};
use crate::tasks::shared::wait;
use crate::tasks::task::Run;
use crate::tasks::{Canceller, Promise, Task};

/// What a group, its tasks, and those that make more have in common.
pub(super) struct Group<E> {
    state: Mutex<State<E>>,
}

struct State<E> {
    members: Members,
    /// None is what most have, and takes less.
    aborting: Option<Box<Aborting<E>>>,
    stage: Stage,
    /// Of whoever waits, which is one: the block for the first failure, then the exit for the last task.
    waiter: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Stage {
    /// It was not entered: there is no block that could see too much, and there may never be one.
    New,
    /// The block may be under way.
    Block,
    Exit,
    Over,
}

impl<E> Group<E> {
    pub(super) fn new() -> Self {
        let state = State { members: Members::default(), aborting: None, stage: Stage::New, waiter: None };
        Self { state: Mutex::new(state) }
    }

    /// Nothing panics while it is locked, and nobody else's code runs.
    fn state(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.state().members.count()
    }

    fn add(&self, canceller: Canceller) -> Result<usize, TaskGroupError> {
        let mut state = self.state();
        if state.stage == Stage::Over {
            Err(TaskGroupError::Finished)
        } else if state.aborting.is_some() {
            Err(TaskGroupError::ShuttingDown)
        } else {
            Ok(state.members.add(canceller))
        }
    }

    /// The block begins.
    pub(super) fn enter(&self) {
        self.state().stage = Stage::Block;
    }

    /// A task is over. Whether what it says to its handle has to wait, by [`say_late`](Self::say_late).
    pub(super) fn over(&self, place: usize) -> bool {
        let mut state = self.state();
        let was_last = state.members.remove(place);
        if state.stage == Stage::Block {
            return state.aborting.is_some();
        }
        if was_last {
            let waiter = state.waiter.take();
            drop(state);
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
        false
    }

    /// The same for one that has failed.
    #[cold]
    pub(super) fn failed(&self, place: usize, failure: Failure<E>) -> bool {
        let mut state = self.state();
        let was_last = state.members.remove(place);
        let to_cancel = state.abort();
        state.aborting.get_or_insert_default().add(failure);
        let is_late = state.stage == Stage::Block;
        let waiter = if is_late || was_last { state.waiter.take() } else { None };
        drop(state);
        cancel(to_cancel);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        is_late
    }

    /// Keeps what a task says until the block is gone.
    #[cold]
    pub(super) fn say_late(&self, say: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        let is_block = state.stage == Stage::Block;
        match &mut state.aborting {
            Some(aborting) if is_block => aborting.say_late(Box::new(say)),
            _ => {
                drop(state);
                say();
            }
        }
    }

    #[cold]
    pub(super) fn abort(&self) {
        let to_cancel = self.state().abort();
        cancel(to_cancel);
    }

    /// Nobody waits any more for those that are left.
    #[cold]
    pub(super) fn abandon(&self) {
        self.abort();
        self.leave();
    }

    /// The block is gone; exits inside of it may be under way, and await tasks of the group.
    pub(super) fn leave(&self) {
        drop(self.exit());
    }

    /// The block is gone, and what was kept is said.
    #[inline]
    fn exit(&self) -> MutexGuard<'_, State<E>> {
        let mut state = self.state();
        if state.stage < Stage::Exit {
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
        late.into_iter().flatten().for_each(|say| say());
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

impl<E> State<E> {
    /// Those that are to be cancelled.
    fn abort(&mut self) -> Vec<Canceller> {
        if self.aborting.is_some() {
            return Vec::new();
        }
        self.aborting = Some(Box::default());
        self.members.cancellers()
    }
}

fn cancel(tasks: Vec<Canceller>) {
    for task in tasks {
        task.cancel();
    }
}

/// A task that is none.
pub(super) struct Refused<T> {
    pub(super) error: TaskGroupError,
    pub(super) task: Task<T, Grouped>,
    pub(super) promise: Promise<T, Grouped>,
}

/// Makes a task of a group, on the current runtime.
pub(super) fn create_task<T, E, F>(group: &Arc<Group<E>>, work: F) -> Result<Task<T, Grouped>, Refused<T>>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (promise, task) = Promise::of_task();
    match group.add(task.canceller()) {
        Ok(place) => {
            let child = Child::new(promise, Arc::clone(group), place);
            drop(tokio::spawn(Run::new(work, child)));
            Ok(task)
        }
        Err(error) => Err(Refused { error, task, promise }),
    }
}
