use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::child::Child;
use super::members::Members;
use super::{ErrorGroup, Grouped, TaskGroupError};
use crate::tasks::task::Run;
use crate::tasks::{Canceller, Promise, Task};

/// What a group, its tasks, and those that make more have in common.
pub(super) struct Group<E> {
    state: Mutex<State<E>>,
}

struct State<E> {
    members: Members,
    errors: Vec<E>,
    panic: Option<Box<dyn Any + Send>>,
    stage: Stage,
    /// The tasks are cancelled.
    is_aborting: bool,
    /// What tasks that ended while the block is about to be interrupted have to say, when it was: before, the block would
    /// see that a task of its is over, and not what with.
    late: Vec<Late>,
    /// Of whoever waits, which is one: the block for the first failure, then the exit for the last task.
    waiter: Option<Waker>,
}

type Late = Box<dyn FnOnce() + Send>;

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The block may be under way.
    Block,
    Exit,
    Over,
}

/// A task that has failed.
pub(super) enum Failure<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

impl<E> Group<E> {
    pub(super) fn new() -> Self {
        let state = State {
            members: Members::default(),
            errors: Vec::new(),
            panic: None,
            stage: Stage::Block,
            is_aborting: false,
            late: Vec::new(),
            waiter: None,
        };
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
        } else if state.is_aborting {
            Err(TaskGroupError::ShuttingDown)
        } else {
            Ok(state.members.add(canceller))
        }
    }

    /// A task is over. Whether what it says to its handle has to wait, by [`say_late`](Self::say_late).
    pub(super) fn over(&self, place: usize, failure: Option<Failure<E>>) -> bool {
        let mut state = self.state();
        state.members.remove(place);
        let is_failure = failure.is_some();
        match failure {
            Some(Failure::Error(error)) => state.errors.push(error),
            // The first is the one that is told.
            Some(Failure::Panic(payload)) if state.panic.is_none() => state.panic = Some(payload),
            _ => {}
        }
        let to_cancel = if is_failure { state.abort() } else { Vec::new() };
        let is_late = state.is_aborting && state.stage == Stage::Block;
        let is_awaited = if state.stage == Stage::Block { is_failure } else { state.members.count() == 0 };
        let waiter = if is_awaited { state.waiter.take() } else { None };
        drop(state);
        cancel(to_cancel);
        waiter.into_iter().for_each(Waker::wake);
        is_late
    }

    /// Keeps what a task says until the block is gone.
    pub(super) fn say_late(&self, say: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.stage == Stage::Block {
            state.late.push(Box::new(say));
        } else {
            drop(state);
            say();
        }
    }

    pub(super) fn abort(&self) {
        let to_cancel = self.state().abort();
        cancel(to_cancel);
    }

    /// Nobody waits any more for those that are left.
    pub(super) fn abandon(&self) {
        if self.state().stage != Stage::Over {
            self.abort();
            self.begin_exit();
        }
    }

    /// The block is gone, and what was kept is said.
    pub(super) fn begin_exit(&self) {
        let mut state = self.state();
        if state.stage == Stage::Block {
            state.stage = Stage::Exit;
        }
        let late = std::mem::take(&mut state.late);
        drop(state);
        for say in late {
            say();
        }
    }

    /// Ready when a task has failed.
    pub(super) fn poll_failed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.panic.is_some() || !state.errors.is_empty() {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }

    /// Ready when no task is left, those that tasks make meanwhile among them. Then it is over.
    pub(super) fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.members.count() == 0 {
            state.stage = Stage::Over;
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }

    /// What has come of it, when no task is left.
    pub(super) fn outcome(&self) -> Result<(), ErrorGroup<E>> {
        let (panic, errors) = {
            let mut state = self.state();
            (state.panic.take(), std::mem::take(&mut state.errors))
        };
        if let Some(payload) = panic {
            resume_unwind(payload);
        }
        ErrorGroup::new(errors).map_or(Ok(()), Err)
    }
}

impl<E> State<E> {
    fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.waiter {
            Some(waiter) => waiter.clone_from(cx.waker()),
            waiter => *waiter = Some(cx.waker().clone()),
        }
    }

    /// Those that are to be cancelled.
    fn abort(&mut self) -> Vec<Canceller> {
        let was_aborting = std::mem::replace(&mut self.is_aborting, true);
        if was_aborting { Vec::new() } else { self.members.cancellers() }
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
