use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::error::ExecutorError;
use crate::panic::{drop_all, ignore_panic};

/// A job: its work, together with the promise of its result. Dropping the job cancels it.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The jobs that wait for a thread, and the numbers of threads and of idle threads.
pub(super) struct JobQueue {
    state: Mutex<State>,
    /// Notified when a job is added, when the executor is shut down, and when a thread has ended.
    changed: Condvar,
    /// The number of threads. A `watch`, so that a shutdown can also be awaited.
    workers: watch::Sender<usize>,
    max_workers: usize,
}

struct State {
    jobs: VecDeque<Job>,
    /// The number of threads that wait for a job.
    idle: usize,
    is_shut_down: bool,
}

/// The result of a [`push`](JobQueue::push).
#[derive(PartialEq)]
pub(super) enum Pushed {
    /// A running thread will run the job.
    Queued,
    /// No thread is idle: the caller has to start one more thread, which is counted already.
    SpawnWorker,
}

impl JobQueue {
    pub(super) fn new(max_workers: usize) -> Self {
        let state = State { jobs: VecDeque::new(), idle: 0, is_shut_down: false };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            workers: watch::Sender::new(0),
            max_workers,
        }
    }

    /// Never poisoned: nothing panics while the state is locked, and no user code runs.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn max_workers(&self) -> usize {
        self.max_workers
    }

    pub(super) fn push(&self, job: Job) -> Result<Pushed, ExecutorError> {
        let mut state = self.state();
        if state.is_shut_down {
            // Unlock first: the job is dropped on return, and its destructor may use the executor.
            drop(state);
            return Err(ExecutorError::Shutdown);
        }
        state.jobs.push_back(job);
        // A thread counts as idle until it has woken, so each idle thread accounts for one job in the queue.
        if state.jobs.len() <= state.idle {
            // This wakes a worker: other threads wait only after the shutdown, when no job is accepted.
            self.changed.notify_one();
            return Ok(Pushed::Queued);
        }
        // Counted before it is started: concurrent pushes respect the maximum, and a shutdown waits for the thread.
        let is_one_more = self.workers.send_if_modified(|workers| {
            let is_one_more = *workers < self.max_workers;
            *workers += usize::from(is_one_more);
            is_one_more
        });
        Ok(if is_one_more { Pushed::SpawnWorker } else { Pushed::Queued })
    }

    /// Uncounts a thread that could not be started. If no other thread is left to run the queued jobs, returns the
    /// jobs, including those that were queued for this thread meanwhile.
    pub(super) fn worker_failed(&self) -> VecDeque<Job> {
        let mut state = self.state();
        self.decrement();
        let jobs = if *self.workers.borrow() == 0 { mem::take(&mut state.jobs) } else { VecDeque::new() };
        drop(state);
        self.notify_exit();
        jobs
    }

    /// Uncounts a thread, without a notification.
    fn decrement(&self) {
        self.workers.send_if_modified(|workers| {
            *workers -= 1;
            false
        });
    }

    /// Notifies all tasks and threads that wait for the number of threads to decrease. The state must not be locked,
    /// because wakers are called.
    fn notify_exit(&self) {
        ignore_panic(|| self.workers.send_modify(|_| ()));
        // A thread that reads the old number does so while it holds the lock. Once the lock is free, that thread waits
        // on the condition variable, and is notified.
        drop(self.state());
        self.changed.notify_all();
    }

    /// Runs jobs on this thread, until the executor is shut down and no job is left.
    pub(super) fn run_worker(&self) {
        // Declared before `state`, so that it is dropped after `state`: its destructor locks the state.
        let _count = WorkerCount(self);
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // The job catches the panics of its work. What may panic here are destructors: that of work that was
                // cancelled, and that of a result whose handle was dropped.
                ignore_panic(job);
                state = self.state();
            } else if state.is_shut_down {
                break;
            } else {
                state.idle += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// Blocks until at most `workers` threads are left.
    pub(super) fn wait_for_workers(&self, workers: usize) {
        let mut state = self.state();
        while *self.workers.borrow() > workers {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn shut_down(&self) {
        // Set under the lock: a worker that has read the old value is waiting by now, and is notified.
        self.state().is_shut_down = true;
        self.changed.notify_all();
    }

    /// Drops the jobs that have not started, which cancels them.
    pub(super) fn cancel_pending(&self) {
        // Take the jobs out first, so that the lock is free when they are dropped: destructors may use the executor.
        let jobs = mem::take(&mut self.state().jobs);
        drop_all(jobs);
    }

    /// Returns the number of threads that wait for a job.
    pub(super) fn idle(&self) -> usize {
        self.state().idle
    }

    /// Returns a receiver of the number of threads.
    pub(super) fn workers(&self) -> watch::Receiver<usize> {
        self.workers.subscribe()
    }
}

/// Uncounts a thread when it ends, even by a panic: a shutdown waits for every thread that is counted.
struct WorkerCount<'a>(&'a JobQueue);

impl Drop for WorkerCount<'_> {
    fn drop(&mut self) {
        self.0.decrement();
        self.0.notify_exit();
    }
}
