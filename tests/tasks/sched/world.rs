//! The state that the tasks of a program share, and its trace.

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
    started: Instant,
    pub(super) order: Order,
    state: Mutex<State>,
    /// The number of tasks that have ended.
    pub(super) ended: watch::Sender<usize>,
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
    /// In the order of creation.
    tasks: Vec<CreatedTask>,
    excluded: Option<Rule>,
}

/// A task that was task.
pub(super) struct CreatedTask {
    pub(super) name: Arc<str>,
    pub(super) abort_handle: AbortHandle,
    pub(super) end: End,
}

/// The result of a task. `None` while it runs, and if it was cancelled.
pub(super) type End = Arc<Mutex<Option<Result<(), Raised>>>>;

pub(super) struct Queue {
    pub(super) put: UnboundedSender<usize>,
    pub(super) get: Lock<UnboundedReceiver<usize>>,
}

/// A flag whose waiting tasks are woken in order of arrival. A `watch` would wake them in an unspecified order.
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
        // Enqueue before the flag is read, so that no notification is missed.
        notified.as_mut().enable();
        if !self.is_set.load(Ordering::Acquire) {
            notified.await;
        }
    }
}

/// asyncio's `Condition`: a lock, and tasks that wait for a notification. tokio has none, since a `watch` serves its purpose.
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
            // A waiter that was dropped does not count.
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
            started: Instant::now(),
            order,
            state: Mutex::default(),
            ended: watch::Sender::new(0),
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

    pub(super) fn log(&self, task: &str, event: impl Display) {
        let line = format!("{} {task} {event}", self.started.elapsed().as_secs());
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

    pub(super) fn add(&self, task: CreatedTask) {
        self.state().tasks.push(task);
    }

    pub(super) fn task(&self, index: usize) -> Option<(Arc<str>, AbortHandle)> {
        self.state().tasks.get(index).map(|task| (Arc::clone(&task.name), task.abort_handle.clone()))
    }

    pub(super) fn task_named(&self, name: &str) -> AbortHandle {
        let state = self.state();
        state
            .tasks
            .iter()
            .find(|task| *task.name == *name)
            .expect("the task should exist")
            .abort_handle
            .clone()
    }

    /// Returns the tasks that have not ended.
    pub(super) fn live(&self) -> Vec<(Arc<str>, AbortHandle)> {
        let state = self.state();
        let live = state.tasks.iter().filter(|task| !task.abort_handle.done());
        live.map(|task| (Arc::clone(&task.name), task.abort_handle.clone())).collect()
    }

    /// Returns each task with its result.
    pub(super) fn ends(&self) -> Vec<String> {
        let end = |task: &CreatedTask| match &*task.end.lock().unwrap() {
            _ if !task.abort_handle.done() => "alive".to_owned(),
            None => "cancelled".to_owned(),
            Some(Ok(())) => "ok".to_owned(),
            Some(Err(error)) => error.to_string(),
        };
        self.state().tasks.iter().map(|task| format!("{} {}", task.name, end(task))).collect()
    }
}
