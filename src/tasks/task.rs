use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::{Promise, TaskHandle};
use crate::cleanup::{ChildCleanups, TrackingScope};
use crate::panic::{Payload, catch_panic};

/// Starts a task on the current tokio runtime: Python's `asyncio.create_task`.
///
/// Work is fallible: it gives a `Result`. Such as cannot fail ends with `Ok::<_, Infallible>(value)`, such as fails in several
/// ways is of [`BoxError`](super::BoxError), and then `task.await?` passes the error itself on.
///
/// It runs whether its handle is awaited or not, and whether that is kept or not. tokio's own
/// [`spawn`](tokio::spawn) is the better answer where callbacks and [`result`](TaskHandle::result) are not needed: one
/// allocation less. So is a [`TaskGroup`](super::TaskGroup), where it is not to outlive the block that it is made in.
///
/// # Panics
///
/// Where no runtime is.
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
pub fn create_task<T, E, F>(work: F) -> TaskHandle<T, E>
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
pub(super) type Ended<R> = Option<Result<R, Payload>>;

/// Whom the work of a task reports to, which returns an `R`; dropped without a report, its runtime is gone.
pub(super) trait Report<R> {
    /// Whether it was asked to end.
    fn is_asked(&self) -> bool;

    /// The same, where it awaits something, and from now on is to be woken when it is asked.
    fn suspend(&self, cx: &Context<'_>) -> bool;

    fn report(&mut self, ended: Ended<R>);

    /// Whether that is to be told in the next turn, when others may have ended in the same way.
    fn lingers(&self, _returned: Option<&R>) -> bool {
        false
    }
}

/// The work of a task.
///
/// tokio moves it until it has its place, and writes that over when it has ended: so it is small.
#[pin_project]
pub(super) struct Run<F, R, P> {
    #[pin]
    state: State<F, R>,
    /// What was detached inside, and has to be over before the task is.
    inner: ChildCleanups,
    report: P,
}

#[pin_project(project = StateProj)]
enum State<F, R> {
    Working(#[pin] F),
    /// How, is not told yet. Few come here, hence the box.
    Ended(Box<Ended<R>>),
    Over,
}

impl<F, R, P> Run<F, R, P> {
    pub(super) fn new(work: F, report: P) -> Self {
        Self { state: State::Working(work), inner: ChildCleanups::default(), report }
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
        loop {
            match this.state.as_mut().project() {
                StateProj::Working(_) => {
                    let extent = TrackingScope::open(this.inner);
                    let ended = ready!(step(this.state.as_mut(), this.report, cx));
                    drop(extent);
                    let returned = ended.as_ref().and_then(|ended| ended.as_ref().ok());
                    let lingers = this.report.lingers(returned);
                    if this.inner.is_empty() && !lingers {
                        this.report.report(ended);
                        return Poll::Ready(());
                    }
                    this.state.set(State::Ended(Box::new(ended)));
                    if lingers {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                StateProj::Ended(ended) => {
                    ready!(pin!(this.inner.wait()).poll(cx));
                    this.report.report(ended.take());
                    this.state.set(State::Over);
                }
                StateProj::Over => return Poll::Ready(()),
            }
        }
    }
}

/// Ready when the work has ended, and is gone: before anybody is told so.
#[inline]
fn step<F, P>(
    mut state: Pin<&mut State<F, F::Output>>,
    report: &P,
    cx: &mut Context<'_>,
) -> Poll<Ended<F::Output>>
where
    F: std::future::Future,
    P: Report<F::Output>,
{
    let polled = catch_panic(|| match state.as_mut().project() {
        // Asked before it began, it does not begin; asked while it is polled, it ends where it awaits.
        StateProj::Working(work) if !report.is_asked() => {
            let polled = work.poll(cx);
            if polled.is_ready() {
                state.set(State::Over);
            }
            polled
        }
        _ => Poll::Pending,
    });
    match polled {
        Ok(Poll::Ready(output)) => Poll::Ready(Some(Ok(output))),
        Ok(Poll::Pending) if !report.suspend(cx) => Poll::Pending,
        Ok(Poll::Pending) => Poll::Ready(catch_panic(|| state.set(State::Over)).err().map(Err)),
        Err(payload) => {
            // Of two panics, the first is told.
            drop(catch_panic(|| state.set(State::Over)));
            Poll::Ready(Some(Err(payload)))
        }
    }
}

impl<T, E> Report<Result<T, E>> for Promise<T, E> {
    fn is_asked(&self) -> bool {
        Promise::is_asked(self)
    }

    fn suspend(&self, cx: &Context<'_>) -> bool {
        Promise::suspend(self, cx)
    }

    fn report(&mut self, ended: Ended<Result<T, E>>) {
        // Dropped without, it is cancelled.
        if let Some(ended) = ended {
            self.complete(ended);
        }
    }
}
