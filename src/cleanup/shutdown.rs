use std::time::{Duration, Instant};

use super::drain::{DrainTimeout, drain, pending};
use super::timeout::within;

/// Ends a program in good order: stops the work, waits for it, then [`drain`]s the cleanups that it left.
///
/// `stop` is what stops the work and waits for it: `tasks.shutdown()` of a [`JoinSet`](tokio::task::JoinSet), or an
/// abort and a join, or a message and a join. A cleanup can be waited for only once it is detached, and a task detaches
/// its cleanups as it is dropped: so the join has to come before.
///
/// The two together take `grace` at most, by the wall clock.
///
/// # Errors
///
/// [`DrainTimeout`] when the work had not stopped by then, or cleanups are still under way, which go on.
///
/// # Cancel safety
///
/// Cancel safe as far as `stop` is: the cleanups are tasks of their own.
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
/// // until Ctrl-C, say
/// cleanup::shutdown(tasks.shutdown(), Duration::from_secs(10)).await?;
/// # Ok(())
/// # }
/// ```
pub async fn shutdown(stop: impl Future, grace: Duration) -> Result<(), DrainTimeout> {
    let begin = Instant::now();
    if within(stop, grace).await.is_none() {
        return Err(DrainTimeout { pending: pending() });
    }
    drain(grace.saturating_sub(begin.elapsed())).await
}
