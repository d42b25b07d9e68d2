use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::promise::Promise;
use super::task_handle::TaskHandle;
use crate::cleanup::{ChildCleanups, TrackingScope};
use crate::panic::{Payload, catch_panic, ignore_panic};

/// Starts a task on the current tokio runtime: Python's `asyncio.create_task`.
///
/// The output of `work` is a `Result`. Work that cannot fail ends with `Ok::<_, Infallible>(value)`. Work that fails in
/// several ways uses [`BoxError`](super::BoxError) as its error; then `task.await?` returns the original error.
///
/// The task runs even if its handle is dropped or never awaited. Its error is then
/// [reported](crate::cleanup#reports), with the location of this call. If you need neither callbacks nor
/// [`result`](TaskHandle::result), tokio's [`spawn`](tokio::spawn) costs one allocation less. If the task must not
/// outlive the block that starts it, use a [`TaskGroup`](super::TaskGroup).
///
/// # Panics
///
/// Panics if it is called outside of a tokio runtime.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::convert::Infallible;
/// use withal::tasks::{BoxError, create_task};
///
/// let answer = create_task(async { Ok::<_, Infallible>(42) });
/// let seven = create_task(async { Ok::<_, BoxError>("7".parse::<u32>()?) });
/// assert_eq!(answer.await? + seven.await?, 49);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "spawn")]
#[doc(alias = "ensure_future")]
#[track_caller]
pub fn create_task<T, E, F>(work: F) -> TaskHandle<T, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    box_large!(F, work => spawn(work))
}

#[track_caller]
fn spawn<T, E, F>(work: F) -> TaskHandle<T, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Debug + Send + 'static,
{
    let (promise, task) = Promise::for_task();
    drop(tokio::spawn(Harness::new(work, promise)));
    task
}

/// The number of bytes above which work is boxed before it becomes a task. tokio boxes a task above the same sizes, but only
/// after several moves, each of which may copy it to the stack.
pub(super) const MAX_INLINE: usize = if cfg!(debug_assertions) { 2048 } else { 16_384 };

/// Calls a function with work of the type `F`, which is boxed first if it is large.
///
/// This is a macro, used where the work enters the crate, because a debug build copies the work to the stack for each
/// function that it is moved through.
macro_rules! box_large {
    ($F:ty, $work:ident => $call:expr) => {
        if const { size_of::<$F>() > $crate::tasks::task::MAX_INLINE } {
            let $work = ::std::boxed::Box::pin($work);
            $call
        } else {
            $call
        }
    };
}
pub(super) use box_large;

/// The output of a task: its return value, its panic, or `None` if it was cancelled.
pub(super) type TaskOutput<R> = Option<Result<R, Payload>>;

/// The receiver of a task's output, and the source of requests to cancel it.
///
/// If it is dropped before [`complete`](Self::complete) was called, the runtime of the task has shut down.
pub(super) trait Completion<R> {
    /// Returns `true` if the task is to end at its next await.
    fn is_cancel_requested(&self) -> bool;

    /// Registers the task to be woken when its cancellation is requested. Returns `true` if it was requested already.
    fn register_cancel_waker(&self, cx: &Context<'_>) -> bool;

    fn complete(&mut self, output: TaskOutput<R>);

    /// Returns `true` if the output is to be delivered only at the next step of the task. Other tasks may fail until
    /// then.
    fn defers_report(&self, _returned: Option<&R>) -> bool {
        false
    }
}

/// A task: its work, and the receiver of its output.
///
/// tokio moves this future into the allocation of the task, and overwrites it there at the end, so it must be small.
#[pin_project]
pub(super) struct Harness<F, R, C> {
    #[pin]
    stage: Stage<F, R>,
    /// The cleanups that the work has detached. The task ends only after they have ended.
    children: ChildCleanups,
    completion: C,
}

#[pin_project(project = StageProj)]
enum Stage<F, R> {
    Running(#[pin] F),
    /// The work has ended, and its output was not delivered yet. Boxed, since few tasks reach this stage.
    Finished(Box<TaskOutput<R>>),
    Consumed,
}

impl<F, R, C> Harness<F, R, C> {
    pub(super) fn new(work: F, completion: C) -> Self {
        Self { stage: Stage::Running(work), children: ChildCleanups::default(), completion }
    }
}

impl<F, C> Future for Harness<F, F::Output, C>
where
    F: Future,
    C: Completion<F::Output>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProj::Running(_) => {
                    // Poll the work, and record the cleanups that it detaches.
                    let scope = TrackingScope::open(this.children);
                    let output = ready!(poll_work(this.stage.as_mut(), this.completion, cx));
                    // Closing the scope moves the cleanups into `children`, which is checked below.
                    drop(scope);
                    // Most tasks have nothing to wait for: deliver the output at once.
                    let returned = output.as_ref().and_then(|output| output.as_ref().ok());
                    let is_deferred = this.completion.defers_report(returned);
                    if this.children.is_empty() && !is_deferred {
                        this.completion.complete(output);
                        return Poll::Ready(());
                    }
                    // Keep it until the cleanups have finished, or until the next step.
                    this.stage.set(Stage::Finished(Box::new(output)));
                    if is_deferred {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                StageProj::Finished(output) => {
                    // The output is ready: wait for the cleanups that the work has detached, then deliver it.
                    ready!(this.children.poll_wait(cx));
                    deliver(this.completion, output.take());
                    this.stage.set(Stage::Consumed);
                }
                StageProj::Consumed => return Poll::Ready(()),
            }
        }
    }
}

/// Delivers an output late. Out of line, so that the delivery of all others is part of the poll.
#[cold]
#[inline(never)]
fn deliver<R>(completion: &mut impl Completion<R>, output: TaskOutput<R>) {
    completion.complete(output);
}

/// Polls the work, unless the task is to be cancelled. Ready when the work has ended and was dropped, so that its
/// destructors have run before the output is delivered.
#[inline]
fn poll_work<F, C>(
    mut stage: Pin<&mut Stage<F, F::Output>>,
    completion: &C,
    cx: &mut Context<'_>,
) -> Poll<TaskOutput<F::Output>>
where
    F: Future,
    C: Completion<F::Output>,
{
    let polled = catch_panic(|| match stage.as_mut().project() {
        // A task that is cancelled before its first step never starts. A task that is cancelled during a step ends at
        // the await that suspends it.
        StageProj::Running(work) if !completion.is_cancel_requested() => {
            let polled = work.poll(cx);
            // Dropped here, where a panic of its destructor is caught and the cleanups that it detaches are recorded.
            if polled.is_ready() {
                stage.set(Stage::Consumed);
            }
            polled
        }
        _ => Poll::Pending,
    });
    match polled {
        Ok(Poll::Ready(returned)) => Poll::Ready(Some(Ok(returned))),
        // A request that came during the poll is found by the registration.
        Ok(Poll::Pending) if !completion.register_cancel_waker(cx) => Poll::Pending,
        // The task is cancelled. A panic in a destructor is a panic of the task.
        Ok(Poll::Pending) => Poll::Ready(catch_panic(|| stage.set(Stage::Consumed)).err().map(Err)),
        Err(payload) => {
            // Of two panics, the first is reported.
            ignore_panic(|| stage.set(Stage::Consumed));
            Poll::Ready(Some(Err(payload)))
        }
    }
}

impl<T, E> Completion<Result<T, E>> for Promise<T, E> {
    fn is_cancel_requested(&self) -> bool {
        Promise::is_cancel_requested(self)
    }

    fn register_cancel_waker(&self, cx: &Context<'_>) -> bool {
        Promise::register_cancel_waker(self, cx)
    }

    fn complete(&mut self, output: TaskOutput<Result<T, E>>) {
        // Without an output, the drop of the promise cancels the handle.
        if let Some(output) = output {
            self.complete_with_output(output);
        }
    }
}
