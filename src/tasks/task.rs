use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::{Future, Promise};
use crate::cleanup::{Extent, Inner};

/// The handle of a task: a [`Future`] whose result is that of an async block which runs by itself.
///
/// Cancelled, the block is dropped at its next step: Python raises `CancelledError` in it there, which it might catch. The
/// exits of the scopes in it are awaited, and then it is over.
pub type Task<T, E> = Future<T, E>;

/// Starts a task on the current tokio runtime: Python's `asyncio.create_task`.
///
/// It runs whether its handle is awaited or not, and whether that is kept or not. tokio's own
/// [`spawn`](tokio::spawn) is the better answer where callbacks and [`result`](Future::result) are not needed: one
/// allocation less. So is a [`TaskGroup`](super::TaskGroup), where it is not to outlive the block that it is made in.
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
    let (promise, task) = Promise::of_task();
    drop(tokio::spawn(Run::new(work, promise)));
    task
}

/// How work has ended, which returns an `R`: with that, with a panic, or by being cancelled.
pub(super) type Ended<R> = Option<Result<R, Box<dyn Any + Send>>>;

/// Whom the work of a task reports to, which returns an `R`; dropped without a report, its runtime is gone.
pub(super) trait Report<R> {
    /// Before the first step: who is to be woken when it is asked to end. A task has one waker.
    fn begin(&self, cx: &Context<'_>);

    /// Whether it was asked to end.
    fn is_asked(&self) -> bool;

    fn report(self, ended: Ended<R>);

    /// Whether that is to be told in the next turn, when others may have ended in the same way.
    fn lingers(&self, _returned: Option<&R>) -> bool {
        false
    }
}

/// The work of a task.
#[pin_project]
pub(super) struct Run<F, R, P> {
    /// None when it is over.
    #[pin]
    work: Option<F>,
    has_begun: bool,
    /// What was detached inside, and has to be over before the task is.
    inner: Inner,
    /// How the work has ended.
    ended: Option<Ended<R>>,
    /// None when it has reported.
    report: Option<P>,
}

impl<F, R, P> Run<F, R, P> {
    pub(super) fn new(work: F, report: P) -> Self {
        Self {
            work: Some(work),
            has_begun: false,
            inner: Inner::default(),
            ended: None,
            report: Some(report),
        }
    }
}

impl<F, P> std::future::Future for Run<F, F::Output, P>
where
    F: std::future::Future,
    P: Report<F::Output>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(report) = this.report.as_ref() else { return Poll::Ready(()) };
        if this.ended.is_none() {
            if !std::mem::replace(this.has_begun, true) {
                report.begin(cx);
            }
            let extent = Extent::open(this.inner);
            // Asked before it began, it does not begin; asked while it is polled, it ends where it awaits.
            let mut ended = None;
            if !report.is_asked() {
                match caught(|| this.work.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx))) {
                    Ok(Poll::Pending) if !report.is_asked() => return Poll::Pending,
                    Ok(Poll::Pending) => {}
                    Ok(Poll::Ready(output)) => ended = Some(Ok(output)),
                    Err(payload) => ended = Some(Err(payload)),
                }
            }
            // Before anybody is told that it is over. Of two panics, the first is told.
            if let (Err(payload), None | Some(Ok(_))) = (caught(|| this.work.set(None)), &ended) {
                ended = Some(Err(payload));
            }
            drop(extent);
            let returned = ended.as_ref().and_then(|ended| ended.as_ref().ok());
            let lingers = report.lingers(returned);
            if this.inner.is_empty() && !lingers {
                if let Some(report) = this.report.take() {
                    report.report(ended);
                }
                return Poll::Ready(());
            }
            *this.ended = Some(ended);
            if lingers {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        ready!(pin!(this.inner.wait()).poll(cx));
        if let (Some(report), Some(ended)) = (this.report.take(), this.ended.take()) {
            report.report(ended);
        }
        Poll::Ready(())
    }
}

fn caught<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(f))
}

impl<T, E> Report<Result<T, E>> for Promise<T, E> {
    fn begin(&self, cx: &Context<'_>) {
        Promise::begin(self, cx);
    }

    fn is_asked(&self) -> bool {
        Promise::is_asked(self)
    }

    fn report(self, ended: Ended<Result<T, E>>) {
        // Dropped without, it is cancelled.
        if let Some(ended) = ended {
            self.complete(ended);
        }
    }
}
