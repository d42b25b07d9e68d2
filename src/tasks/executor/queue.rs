use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::ExecutorError;
use crate::panic::{drop_all, ignore_panic};

/// Work, and the promise of its result; dropped, it is cancelled.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The jobs that wait for a thread, and how many threads wait for a job.
pub(super) struct Queue {
    state: Mutex<State>,
    is_changed: Condvar,
    /// How many threads there are.
    workers: watch::Sender<usize>,
    max_workers: usize,
}

struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    is_shut_down: bool,
}

/// What a new job needs.
#[derive(PartialEq)]
pub(super) enum Need {
    Nothing,
    /// No thread is idle, and there may be one more: it is counted already.
    Worker,
}

impl Queue {
    pub(super) fn new(max_workers: usize) -> Self {
        let state = State { jobs: VecDeque::new(), idle: 0, is_shut_down: false };
        Self {
            state: Mutex::new(state),
            is_changed: Condvar::new(),
            workers: watch::Sender::new(0),
            max_workers,
        }
    }

    /// Nothing panics while it is locked, and nobody else's code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn max_workers(&self) -> usize {
        self.max_workers
    }

    pub(super) fn push(&self, job: Job) -> Result<Need, ExecutorError> {
        let mut state = self.state();
        if state.is_shut_down {
            drop(state);
            return Err(ExecutorError::Shutdown);
        }
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.is_changed.notify_one();
            return Ok(Need::Nothing);
        }
        let is_one_more = self.workers.send_if_modified(|workers| {
            let is_one_more = *workers < self.max_workers;
            *workers += usize::from(is_one_more);
            is_one_more
        });
        Ok(if is_one_more { Need::Worker } else { Need::Nothing })
    }

    /// The thread that was to be one more is none. Where there is no other, nobody would take the jobs: they come back,
    /// those too that were left to this thread by whoever submitted them meanwhile.
    pub(super) fn worker_failed(&self) -> VecDeque<Job> {
        let mut state = self.state();
        self.count_one_less();
        let jobs =
            if *self.workers.borrow() == 0 { std::mem::take(&mut state.jobs) } else { VecDeque::new() };
        drop(state);
        self.tell_of_less();
        jobs
    }

    fn count_one_less(&self) {
        self.workers.send_if_modified(|workers| {
            *workers -= 1;
            false
        });
    }

    /// A shutdown may wait for that. Not while it is locked: whoever awaits it is woken.
    fn tell_of_less(&self) {
        ignore_panic(|| self.workers.send_modify(|_| ()));
        // Whoever has counted it before waits by now, and is told.
        drop(self.state());
        self.is_changed.notify_all();
    }

    /// What a thread does: jobs, until the shutdown, and until none is left then.
    pub(super) fn work(&self) {
        let _worker = Worker(self);
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // What the work panics with comes through its future. This is for destructors: of what it holds, when it
                // was cancelled, and of a result that nobody wants.
                ignore_panic(job);
                state = self.state();
            } else if state.is_shut_down {
                break;
            } else {
                state.idle += 1;
                state = self.is_changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Blocks the thread until there are so few threads left.
    pub(super) fn wait(&self, workers: usize) {
        let mut state = self.state();
        while *self.workers.borrow() > workers {
            state = self.is_changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn shut_down(&self) {
        self.state().is_shut_down = true;
        self.is_changed.notify_all();
    }

    /// Drops the jobs that no thread has begun, which cancels them.
    pub(super) fn cancel(&self) {
        let jobs = std::mem::take(&mut self.state().jobs);
        // Not while it is locked: what the jobs hold may use it.
        drop_all(jobs);
    }

    /// How many threads wait for a job.
    pub(super) fn idle(&self) -> usize {
        self.state().idle
    }

    /// How many threads there are, also later.
    pub(super) fn workers(&self) -> watch::Receiver<usize> {
        self.workers.subscribe()
    }
}

/// A thread that is counted: one that ended uncounted would be waited for without end.
struct Worker<'a>(&'a Queue);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.0.count_one_less();
        self.0.tell_of_less();
    }
}
