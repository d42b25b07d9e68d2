use std::future::Future;
use std::time::{Duration, Instant};

use super::drain::{DrainTimeout, drain, pending};
use super::timeout::timeout;

/// Shuts a program down gracefully: awaits `stop`, then [`drain`]s the cleanups that the stopped work has detached.
///
/// `stop` is a future that stops the work and waits until it has ended: `tasks.shutdown()` of a
/// [`JoinSet`](tokio::task::JoinSet), an abort and a join, or a message and a join. The join must precede the drain: a
/// task detaches its cleanups when it is dropped, and only detached cleanups can be drained.
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
pub async fn shutdown(stop: impl Future, grace_period: Duration) -> Result<(), DrainTimeout> {
    let started = Instant::now();
    if timeout(stop, grace_period).await.is_none() {
        return Err(DrainTimeout { pending: pending() });
    }
    drain(grace_period.saturating_sub(started.elapsed())).await
}
