use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::{Future, Promise};

/// The handle of a task: a [`Future`] whose result is that of an async block which runs by itself.
///
/// Cancelled, the block is dropped at its next step: Python raises `CancelledError` in it there, which it might catch.
pub type Task<T, E> = Future<T, E>;

/// Starts a task on the current tokio runtime: Python's `asyncio.create_task`.
///
/// It runs whether its handle is awaited or not, and whether that is kept or not. tokio's own
/// [`spawn`](tokio::spawn) is the better answer where callbacks and [`result`](Future::result) are not needed: one
/// allocation less.
///
/// # Panics
///
/// Where no runtime is.
///
/// # Examples
///
/// See [`Future`].
pub fn create_task<T, E, F>(work: F) -> Task<T, E>
where
    F: std::future::Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (run, task) = Run::new(work);
    drop(tokio::spawn(run));
    task
}

/// The work of a task, and whom it reports to.
#[pin_project]
pub(super) struct Run<F, T, E> {
    /// None when it is over.
    #[pin]
    work: Option<F>,
    promise: Option<Promise<T, E>>,
}

impl<F, T, E> Run<F, T, E> {
    pub(super) fn new(work: F) -> (Self, Task<T, E>) {
        let (promise, task) = Promise::of_task();
        (Self { work: Some(work), promise: Some(promise) }, task)
    }
}

impl<F, T, E> std::future::Future for Run<F, T, E>
where
    F: std::future::Future<Output = Result<T, E>>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(promise) = this.promise.as_mut() else { return Poll::Ready(()) };
        // Asked before it began, it does not begin; asked while it is polled, it ends where it awaits.
        let mut ended = None;
        if !promise.is_asked_to_end(cx) {
            match caught(|| this.work.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx))) {
                Ok(Poll::Pending) if !promise.is_asked_to_end(cx) => return Poll::Pending,
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(result)) => ended = Some(Ok(result)),
                Err(payload) => ended = Some(Err(payload)),
            }
        }
        // Before anybody is told that it is over. Of two panics, the first is told.
        if let (Err(payload), None | Some(Ok(_))) = (caught(|| this.work.set(None)), &ended) {
            ended = Some(Err(payload));
        }
        // Dropped without, it is cancelled.
        if let (Some(promise), Some(ended)) = (this.promise.take(), ended) {
            promise.complete(ended);
        }
        Poll::Ready(())
    }
}

fn caught<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(f))
}
