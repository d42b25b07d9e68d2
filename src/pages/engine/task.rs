use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

use crate::panic::{Payload, catch_panic};

/// Work on a task of its own, aborted when this is dropped.
pub(super) struct Task<T>(JoinHandle<T>);

/// Why a task gave no result.
pub(super) enum Lost {
    /// It panicked, with this payload.
    Panic(Payload),
    /// Its runtime shut down.
    Shutdown,
}

/// Work that was begun.
pub(super) enum Begun<F: Future> {
    /// It was done at once.
    Done(F::Output),
    /// It goes on, on a task.
    Away(Task<F::Output>),
    /// It goes on when it is polled: there is no runtime to spawn on.
    Here(F),
    /// It panicked, with this payload.
    Panic(Payload),
}

/// Polls `work` once and then spawns it.
///
/// The one poll is what makes reading ahead overlap: the request leaves here and now, however long the consumer keeps
/// its thread busy before the runtime comes to poll the task.
pub(super) fn begin<F>(mut work: F) -> Begun<F>
where
    F: Future<Output: Send> + Unpin + Send + 'static,
{
    // No waker: the task's own first poll, soon after, registers the one that counts; the consumer's would be woken for
    // nothing. A panic is kept for the page it belongs to.
    let mut cx = Context::from_waker(Waker::noop());
    match catch_panic(|| Pin::new(&mut work).poll(&mut cx)) {
        Err(payload) => Begun::Panic(payload),
        Ok(Poll::Ready(output)) => Begun::Done(output),
        Ok(Poll::Pending) => match Handle::try_current() {
            Ok(runtime) => Begun::Away(spawn(&runtime, work)),
            Err(_) => Begun::Here(work),
        },
    }
}

fn spawn<F>(runtime: &Handle, work: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = Task(runtime.spawn(work));
    if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
        // A worker keeps what it spawned last in a slot from which no other worker takes work; a consumer that keeps
        // this worker busy would hold the fetch up after its first step. Another task moves ours out of the slot.
        drop(runtime.spawn(async {}));
    }
    task
}

impl<T> Task<T> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Lost>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(output) => Ok(output),
            Err(error) => Err(error.try_into_panic().map_or(Lost::Shutdown, Lost::Panic)),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
