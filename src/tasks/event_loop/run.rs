use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::{LocalSet, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use super::callback_error::{self, CallbackError};
use super::error::LoopError;
use super::inner::Inner;
use super::ready_queue::Entry;
use crate::panic::{catch_unwind, ignore_panic};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Inner>>> = const { RefCell::new(None) };
}

/// The loop that is running on this thread.
pub(super) fn current() -> Option<Rc<Inner>> {
    // The variable cannot be read while the thread is ending; no loop is running then.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Marks a loop as the running one of this thread, until it is dropped.
struct RunGuard<'a> {
    inner: &'a Inner,
    /// Taken out of the loop for the run.
    local: LocalSet,
}

impl<'a> RunGuard<'a> {
    fn new(inner: &'a Rc<Inner>) -> Result<Self, LoopError> {
        check_can_run(inner)?;
        inner.is_running.set(true);
        CURRENT.set(Some(Rc::clone(inner)));
        Ok(Self { inner, local: inner.local.take().unwrap_or_default() })
    }
}

fn check_can_run(inner: &Inner) -> Result<(), LoopError> {
    if inner.is_running.get() {
        return Err(LoopError::AlreadyRunning);
    }
    if Handle::try_current().is_ok() {
        return Err(LoopError::NestedLoop);
    }
    Ok(())
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        drop(self.inner.local.replace(Some(std::mem::take(&mut self.local))));
        self.inner.is_running.set(false);
        self.inner.is_stopping.set(false);
        drop(CURRENT.take());
    }
}

pub(super) fn run_forever(inner: &Rc<Inner>) -> Result<(), LoopError> {
    let runtime = inner.runtime().ok_or(LoopError::Closed)?;
    let running = RunGuard::new(inner)?;
    let mut timer = None;
    // Each poll runs one loop iteration, so that tokio's driver and tasks run in between. tokio's cooperative budget is
    // disabled: all tasks of the loop would share one budget, which would change their order.
    let run = unconstrained(poll_fn(|cx| run_once(inner, &mut timer, cx)));
    runtime.block_on(running.local.run_until(run));
    Ok(())
}

/// Runs one loop iteration, as asyncio's `_run_once` does. Ready when the loop is to stop.
fn run_once(inner: &Inner, timer: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    // Queue the callbacks that are due.
    let now = Instant::now();
    loop {
        // Bound first: the borrow must end before the push, which calls a waker.
        let due = inner.callbacks.borrow_mut().make_next_ready(now);
        let Some(id) = due else { break };
        // The push cannot fail: a running loop is never closed.
        let _ = inner.ready.push(Entry::Callback(id));
    }

    // Run the entries that are ready now. Entries that are added meanwhile are left for the next loop iteration.
    for _ in 0..inner.ready.len() {
        let Some(entry) = inner.ready.pop() else { break };
        dispatch(inner, entry);
    }
    if inner.is_stopping.get() {
        return Poll::Ready(());
    }

    // If an entry is ready for the next loop iteration, start that iteration.
    if !inner.ready.register_if_empty(cx.waker()) {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }

    // Otherwise, wait for an entry or for the next scheduled callback.
    let next_due = inner.callbacks.borrow().next_due();
    if let Some(next_due) = next_due {
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(next_due)));
        if timer.deadline() != next_due {
            timer.as_mut().reset(next_due);
        }
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
    Poll::Pending
}

/// Runs an entry. No error and no panic ends the run of the loop, not even a panic in a destructor of the entry.
fn dispatch(inner: &Inner, entry: Entry) {
    if let Err(error) = callback_error::catch(|| run_entry(inner, entry)) {
        inner.call_exception_handler(&error);
        ignore_panic(|| drop(error));
    }
}

fn run_entry(inner: &Inner, entry: Entry) -> Result<(), CallbackError> {
    match entry {
        // There is no callback if it was cancelled while its number was in the queue.
        Entry::Callback(id) => inner.take_callback(id, None).map_or(Ok(()), |callback| callback()),
        Entry::Remote(callback) => callback(),
        Entry::Task(id) => {
            // Bound first: the borrow must end before the poll, which may spawn tasks. There is no task if it woke
            // itself in its last poll.
            let task = inner.tasks.borrow_mut().take(id);
            if let Some(mut task) = task {
                if task.poll().is_pending() {
                    inner.tasks.borrow_mut().put_back(task);
                }
            }
            Ok(())
        }
    }
}

pub(super) fn run_until_complete<F>(inner: &Rc<Inner>, future: F) -> Result<F::Output, LoopError>
where
    F: Future<Output: 'static> + 'static,
{
    // Checked before the task is spawned: a run that is refused leaves no task behind.
    inner.check_open()?;
    check_can_run(inner)?;

    let output = Rc::new(Cell::new(None));
    let is_awaited = Rc::new(Cell::new(true));
    let (task_output, task_is_awaited) = (Rc::clone(&output), Rc::clone(&is_awaited));
    // The task and its callback hold no clone of the loop, but look up the running one: if the loop is stopped first, a
    // clone in them would keep the loop from being closed when its last handle is dropped.
    let task = async move {
        task_output.set(Some(catch_unwind(future).await));
        let stop = move || {
            // If the loop was stopped before the task completed, the task must not stop a later run.
            if task_is_awaited.get() {
                if let Some(inner) = current() {
                    inner.is_stopping.set(true);
                }
            }
            Ok(())
        };
        // Stop by a callback, as asyncio does: what became ready during the last poll of the future runs first.
        if let Some(inner) = current() {
            let _ = inner.call_soon(Box::new(stop));
        }
    };
    inner.spawn(task)?;
    let ran = run_forever(inner);
    is_awaited.set(false);
    ran?;
    match output.take() {
        Some(Ok(output)) => Ok(output),
        Some(Err(payload)) => resume_unwind(payload),
        None => Err(LoopError::Stopped),
    }
}
