use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use crate::panic::{KeptPayload, Payload, catch_panic};

/// A task that is aborted when this handle is dropped.
pub(super) struct Task<T>(JoinHandle<T>);

/// The reason why a task has no output.
pub(super) enum TaskError {
    /// It panicked with this payload.
    Panicked(Payload),
    /// Its runtime shut down.
    RuntimeShutdown,
}

/// A future that has been polled once.
pub(super) enum Spawned<F: Future> {
    /// It completed in that poll.
    Ready(F::Output),
    /// It continues on a task.
    Task(Task<F::Output>),
    /// It continues when the caller polls it: there is no runtime to spawn on.
    Inline(F),
    /// It panicked with this payload.
    Panicked(KeptPayload),
}

/// Polls `future` once, then spawns it.
///
/// The first poll sends the request at once. A spawned task might not be polled for a long time, if the consumer keeps
/// its thread busy; then fetching would not overlap with processing.
pub(super) fn poll_then_spawn<F>(mut future: F) -> Spawned<F>
where
    F: Future<Output: Send> + Unpin + Send + 'static,
{
    // A no-op waker suffices: the task registers its own waker at its first poll, soon after this one. With the
    // consumer's waker, the consumer would be woken without need. A panic is kept until its page is due.
    let mut cx = Context::from_waker(Waker::noop());
    match catch_panic(|| Pin::new(&mut future).poll(&mut cx)) {
        Err(payload) => Spawned::Panicked(KeptPayload::new(payload)),
        Ok(Poll::Ready(output)) => Spawned::Ready(output),
        Ok(Poll::Pending) => match Handle::try_current() {
            Ok(runtime) => Spawned::Task(spawn(&runtime, future)),
            Err(_) => Spawned::Inline(future),
        },
    }
}

fn spawn<F>(runtime: &Handle, future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = Task(runtime.spawn(future));
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
        // A worker keeps its last spawned task in its LIFO slot, from which no other worker steals. If the consumer
        // keeps this worker busy, the task would stay there. A second task displaces it into the queue that others
        // steal from.
        drop(runtime.spawn(async {}));
    }
    task
}

impl<T> Task<T> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(output) => Ok(output),
            Err(error) => Err(error.try_into_panic().map_or(TaskError::RuntimeShutdown, TaskError::Panicked)),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
