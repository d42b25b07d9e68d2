use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::{LocalSet, unconstrained};
use tokio::time::{Instant, Sleep, sleep_until};

use super::inner::Inner;
use super::ready_queue::Entry;
use super::{CallbackError, EventLoop, LoopError, callback_error};
use crate::panic::{catch_unwind, ignore_panic};

thread_local! {
    static CURRENT: RefCell<Option<EventLoop>> = const { RefCell::new(None) };
}

pub(super) fn current() -> Option<EventLoop> {
    // Gone as its thread ends, when no loop runs there.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// While it is there, the loop runs.
struct Running<'a> {
    event_loop: &'a EventLoop,
    /// Nobody else takes it: the loop runs once at a time.
    local: LocalSet,
}

impl<'a> Running<'a> {
    fn new(event_loop: &'a EventLoop) -> Result<Self, LoopError> {
        check(event_loop)?;
        let inner = event_loop.inner();
        inner.is_running.set(true);
        CURRENT.set(Some(event_loop.clone()));
        Ok(Self { event_loop, local: inner.local.take().unwrap_or_default() })
    }
}

/// Whether it may run.
fn check(event_loop: &EventLoop) -> Result<(), LoopError> {
    if event_loop.is_running() {
        return Err(LoopError::AlreadyRunning);
    }
    if Handle::try_current().is_ok() {
        return Err(LoopError::NestedLoop);
    }
    Ok(())
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let inner = self.event_loop.inner();
        drop(inner.local.replace(Some(std::mem::take(&mut self.local))));
        inner.is_running.set(false);
        inner.is_stopping.set(false);
        drop(CURRENT.take());
    }
}

pub(super) fn forever(event_loop: &EventLoop) -> Result<(), LoopError> {
    let inner = event_loop.inner();
    let runtime = inner.runtime().ok_or(LoopError::Closed)?;
    let running = Running::new(event_loop)?;
    let mut sleep = None;
    // One turn a poll, so that tokio has its turn in between. Without tokio's budget: it would be that of all tasks at
    // once, and change their order.
    runtime.block_on(running.local.run_until(unconstrained(poll_fn(|cx| turn(event_loop, &mut sleep, cx)))));
    Ok(())
}

/// asyncio's `_run_once`; ready when the loop is to stop.
fn turn(event_loop: &EventLoop, sleep: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    let inner = event_loop.inner();
    let now = Instant::now();
    loop {
        let due = inner.calls.borrow_mut().due(now);
        let Some(call) = due else { break };
        // It is closed by nobody while it runs.
        let _ = inner.ready.push(Entry::Call(call));
    }
    for _ in 0..inner.ready.len() {
        let Some(entry) = inner.ready.pop() else { break };
        perform(event_loop, entry);
    }
    if inner.is_stopping.get() {
        return Poll::Ready(());
    }
    if !inner.ready.is_empty(cx.waker()) {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    let next = inner.calls.borrow().next_at();
    if let Some(next) = next {
        let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(next)));
        if sleep.deadline() != next {
            sleep.as_mut().reset(next);
        }
        if sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
    Poll::Pending
}

/// Nothing that it does ends the run: not what is called, and not the destructors of what is left of it.
fn perform(event_loop: &EventLoop, entry: Entry) {
    if let Err(exception) = callback_error::caught(|| done(event_loop.inner(), entry)) {
        event_loop.call_exception_handler(&exception);
        ignore_panic(|| drop(exception));
    }
}

fn done(inner: &Inner, entry: Entry) -> Result<(), CallbackError> {
    match entry {
        Entry::Call(call) => inner.take_call(call, None).map_or(Ok(()), |callback| callback()),
        Entry::Sent(callback) => callback(),
        Entry::Step(task) => {
            let task = inner.tasks.borrow_mut().take(task);
            if let Some(mut task) = task {
                if !task.step() {
                    inner.tasks.borrow_mut().put_back(task);
                }
            }
            Ok(())
        }
    }
}

pub(super) fn until_complete<F>(event_loop: &EventLoop, future: F) -> Result<F::Output, LoopError>
where
    F: Future<Output: 'static> + 'static,
{
    // Before the task is made: what is refused leaves nothing behind.
    event_loop.inner().check_open()?;
    check(event_loop)?;
    let (ended, is_awaited) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(true)));
    let (ends, is_to_stop) = (Rc::clone(&ended), Rc::clone(&is_awaited));
    let task = async move {
        let output = catch_unwind(future).await;
        ends.set(Some(output));
        // As a callback, which is what asyncio does: what became ready in the last step comes first.
        // Both find the loop that runs them: left over, they would keep it from being closed by its last handle.
        let stop = move || {
            if is_to_stop.get() { EventLoop::current().map(|event_loop| event_loop.stop()) } else { Ok(()) }
        };
        drop(EventLoop::current().and_then(|event_loop| event_loop.call_soon(stop)));
    };
    event_loop.inner().spawn(task)?;
    let ran = forever(event_loop);
    // Left over, it is to stop no other run.
    is_awaited.set(false);
    ran?;
    match ended.take() {
        Some(Ok(output)) => Ok(output),
        Some(Err(payload)) => resume_unwind(payload),
        None => Err(LoopError::Stopped),
    }
}
