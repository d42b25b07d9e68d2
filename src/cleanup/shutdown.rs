use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project::pin_project;

use super::drain::{DrainTimeout, drain, pending};
use super::timeout::{Timeout, timeout};

/// Shuts a program down gracefully: awaits `stop`, then [`drain`]s the cleanups that the stopped work has detached.
///
/// `stop` is a future that stops the work and waits until it has ended: `tasks.shutdown()` of a
/// [`JoinSet`](tokio::task::JoinSet), an abort and a join, or a message and a join. The join must precede the drain: a
/// task detaches its cleanups when it is dropped, and only detached cleanups can be drained.
///
/// To end several components in order, each within its own time, use [`GracefulShutdown`](super::GracefulShutdown).
///
/// `grace_period` limits `stop` and the drain together, in wall-clock time.
///
/// # Errors
///
/// [`DrainTimeout`] if the work has not stopped within the grace period, or if cleanups are still pending after it. The
/// cleanups continue to run.
///
/// # Cancel safety
///
/// `shutdown` is as cancel safe as `stop`. Dropping `shutdown` does not stop the cleanups, which are tasks.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use tokio::task::JoinSet;
/// use withal::cleanup;
///
/// let mut tasks = JoinSet::new();
/// tasks.spawn(std::future::pending::<()>());
/// // .. until Ctrl-C ..
/// cleanup::shutdown(tasks.shutdown(), Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "graceful shutdown", alias = "ctrl_c")]
pub fn shutdown<F: Future>(
    stop: F,
    grace_period: Duration,
) -> impl Future<Output = Result<(), DrainTimeout>> + use<F> {
    // Boxed, so that a large future is not copied into the one that is returned.
    let stop = Box::pin(stop);
    Shutdown { step: Step::Stop(timeout(stop, grace_period)), started: None, grace_period, drain }
}

/// The future that [`shutdown`] returns. Written by hand, because an async function stores its argument twice.
#[pin_project]
struct Shutdown<F, D> {
    #[pin]
    step: Step<F, D>,
    /// Set at the first poll.
    started: Option<Instant>,
    grace_period: Duration,
    drain: fn(Duration) -> D,
}

#[pin_project(project = StepProjection)]
enum Step<F, D> {
    Stop(#[pin] Timeout<F>),
    Drain(#[pin] D),
}

impl<F: Future, D: Future<Output = Result<(), DrainTimeout>>> Future for Shutdown<F, D> {
    type Output = Result<(), DrainTimeout>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let started = *this.started.get_or_insert_with(Instant::now);
        loop {
            match this.step.as_mut().project() {
                StepProjection::Stop(stop) => match stop.poll(cx) {
                    Poll::Ready(Some(_)) => {
                        let rest = this.grace_period.saturating_sub(started.elapsed());
                        this.step.set(Step::Drain((this.drain)(rest)));
                    }
                    Poll::Ready(None) => return Poll::Ready(Err(DrainTimeout { pending: pending() })),
                    Poll::Pending => return Poll::Pending,
                },
                StepProjection::Drain(drain) => return drain.poll(cx),
            }
        }
    }
}
