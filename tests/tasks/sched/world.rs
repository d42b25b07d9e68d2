//! What the tasks of a program share, and its trace.

use std::collections::VecDeque;
use std::fmt::Display;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as Lock, Notify, Semaphore, oneshot, watch};
use tokio::time::Instant;
use withal::tasks::AbortHandle;

use super::Rule;
use super::order::Order;
use super::raised::Raised;

pub(super) struct World {
    began: Instant,
    pub(super) order: Order,
    state: Mutex<State>,
    /// How many tasks are over.
    pub(super) over: watch::Sender<usize>,
    pub(super) events: [Event; 2],
    pub(super) queues: [Queue; 2],
    pub(super) locks: [Arc<Lock<()>>; 2],
    pub(super) semaphores: [Arc<Semaphore>; 2],
    pub(super) condition: Condition,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    names: usize,
    /// In the order in which they were made.
    tasks: Vec<Made>,
    excluded: Option<Rule>,
}

/// A task that was made.
pub(super) struct Made {
    pub(super) name: Arc<str>,
    pub(super) abort_handle: AbortHandle,
    pub(super) end: End,
}

/// What a task has come to; none while it runs, and when it was cancelled.
pub(super) type End = Arc<Mutex<Option<Result<(), Raised>>>>;

pub(super) struct Queue {
    pub(super) put: UnboundedSender<usize>,
    pub(super) get: Lock<UnboundedReceiver<usize>>,
}

/// A flag, and those that wait for it, who are woken in the order in which they came. A `watch` would do, and wakes them in an
/// order of its own: another one each time.
#[derive(Default)]
pub(super) struct Event {
    is_set: AtomicBool,
    set: Notify,
}

impl Event {
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.set.notify_waiters();
    }

    pub(super) async fn wait(&self) {
        let mut notified = pin!(self.set.notified());
        // In the queue before the flag is looked at.
        notified.as_mut().enable();
        if !self.is_set.load(Ordering::Acquire) {
            notified.await;
        }
    }
}

/// asyncio's: a lock, and those that wait to be notified. tokio has none, since a `watch` does what it is for.
#[derive(Default)]
pub(super) struct Condition {
    pub(super) lock: Arc<Lock<()>>,
    waiters: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl Condition {
    pub(super) fn waiter(&self) -> oneshot::Receiver<()> {
        let (notify, notified) = oneshot::channel();
        self.waiters.lock().unwrap().push_back(notify);
        notified
    }

    pub(super) fn notify(&self, mut count: usize) {
        let mut waiters = self.waiters.lock().unwrap();
        while count > 0 {
            let Some(waiter) = waiters.pop_front() else { break };
            // One that is gone does not count.
            count -= usize::from(waiter.send(()).is_ok());
        }
    }
}

impl World {
    pub(super) fn new(order: Order) -> Self {
        let queue = || {
            let (put, get) = unbounded_channel();
            Queue { put, get: Lock::new(get) }
        };
        Self {
            began: Instant::now(),
            order,
            state: Mutex::default(),
            over: watch::Sender::new(0),
            events: Default::default(),
            queues: [queue(), queue()],
            locks: Default::default(),
            semaphores: [(); 2].map(|()| Arc::new(Semaphore::new(2))),
            condition: Condition::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn log(&self, who: &str, what: impl Display) {
        let line = format!("{} {who} {what}", self.began.elapsed().as_secs());
        self.state().trace.push(line);
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    pub(super) fn exclude(&self, rule: Rule) {
        self.state().excluded.get_or_insert(rule);
    }

    pub(super) fn excluded(&self) -> Option<Rule> {
        self.state().excluded
    }

    pub(super) fn next_name(&self) -> Arc<str> {
        let mut state = self.state();
        state.names += 1;
        format!("t{}", state.names).into()
    }

    pub(super) fn names(&self) -> usize {
        self.state().names
    }

    pub(super) fn made(&self, made: Made) {
        self.state().tasks.push(made);
    }

    pub(super) fn task(&self, index: usize) -> Option<(Arc<str>, AbortHandle)> {
        self.state().tasks.get(index).map(|made| (Arc::clone(&made.name), made.abort_handle.clone()))
    }

    pub(super) fn task_named(&self, name: &str) -> AbortHandle {
        let state = self.state();
        state.tasks.iter().find(|made| *made.name == *name).expect("it was made").abort_handle.clone()
    }

    /// Those that are not over.
    pub(super) fn live(&self) -> Vec<(Arc<str>, AbortHandle)> {
        let state = self.state();
        let live = state.tasks.iter().filter(|made| !made.abort_handle.done());
        live.map(|made| (Arc::clone(&made.name), made.abort_handle.clone())).collect()
    }

    /// Each task, and what has become of it.
    pub(super) fn ends(&self) -> Vec<String> {
        let end = |made: &Made| match &*made.end.lock().unwrap() {
            _ if !made.abort_handle.done() => "alive".to_owned(),
            None => "cancelled".to_owned(),
            Some(Ok(())) => "ok".to_owned(),
            Some(Err(error)) => error.to_string(),
        };
        self.state().tasks.iter().map(|made| format!("{} {}", made.name, end(made))).collect()
    }
}
