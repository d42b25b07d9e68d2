use std::future::Future;
use std::process::{ExitCode, Termination};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::drain::drain;
use super::report::report_error;
use super::timeout::timeout;
use crate::panic::{KeptPayload, catch_panic, catch_unwind};

/// Runs the main future of a program, and then [`drain`]s the cleanups that it has left: Python's `asyncio.run` ends
/// in the same way.
///
/// The output of `main` is anything that `fn main` can return, such as `()` or a `Result`. It becomes the exit code of
/// the program: an error is printed as by `fn main`, before the cleanups are drained. If `main` panics, the cleanups
/// are drained, and the panic resumes.
///
/// If cleanups are still pending after `grace_period`, their number is [reported](super#reports), and the exit code is
/// [`FAILURE`](ExitCode::FAILURE). The runtime drops them when it shuts down, and each is reported as
/// [abandoned](super::AbandonReason::RuntimeShutdown).
///
/// `run_main` waits for cleanups, not for tasks. Tasks that are still running when `main` completes are dropped by the
/// runtime, when it is too late for their cleanups: stop them before, with [`shutdown`](super::shutdown()), a
/// [`TaskGroup`](crate::tasks::TaskGroup), or in order with a [`GracefulShutdown`](super::GracefulShutdown).
///
/// # Panics
///
/// Panics if `main` panics.
///
/// # Cancel safety
///
/// As cancel safe as `main`. Dropping `run_main` does not stop the cleanups, which are tasks.
///
/// # Examples
///
/// ```
/// use std::process::ExitCode;
/// use std::time::Duration;
/// use withal::cleanup;
///
/// async fn app() -> Result<(), std::io::Error> {
///     cleanup::detach(async {
///         tokio::task::yield_now().await; // release a lease
///         Ok::<(), std::io::Error>(())
///     });
///     Ok(())
/// }
///
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     cleanup::run_main(app(), Duration::from_secs(10)).await
/// }
/// ```
///
/// With a runtime that is built by hand:
///
/// ```
/// # use std::process::ExitCode;
/// # use std::time::Duration;
/// # use withal::cleanup;
/// # async fn app() {}
/// fn main() -> std::io::Result<ExitCode> {
///     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
///     Ok(runtime.block_on(cleanup::run_main(app(), Duration::from_secs(10))))
/// }
/// ```
///
/// To end on Ctrl-C, drop the work: the scopes in it are exited.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use std::time::Duration;
/// # use withal::cleanup;
/// # async fn app() -> std::io::Result<()> { Ok(()) }
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     let main = async {
///         tokio::select! {
///             result = app() => result,
///             interrupted = tokio::signal::ctrl_c() => interrupted,
///         }
///     };
///     cleanup::run_main(main, Duration::from_secs(10)).await
/// }
/// ```
#[doc(alias = "asyncio.run", alias = "block_on", alias = "exit status", alias = "graceful shutdown")]
pub fn run_main<F>(main: F, grace_period: Duration) -> impl Future<Output = ExitCode> + use<F>
where
    F: Future<Output: Termination>,
{
    // Boxed, so that a large future is not copied into the one that is returned.
    let main = Box::pin(main);
    async move {
        // The main future has been dropped when this returns: its destructors have detached their cleanups.
        let output = catch_unwind(main).await;
        let exit_code = output.and_then(|output| catch_panic(|| output.report())).map_err(KeptPayload::new);
        let ended = Instant::now();
        let _: Option<()> = timeout(Box::pin(drop_cancelled_tasks()), grace_period).await;
        let drained = drain(grace_period.saturating_sub(ended.elapsed())).await;
        if let Err(error) = &drained {
            report_error(error);
        }
        match exit_code {
            Ok(exit_code) if exit_code == ExitCode::SUCCESS && drained.is_err() => ExitCode::FAILURE,
            Ok(exit_code) => exit_code,
            Err(payload) => payload.resume(),
        }
    }
}

/// Waits until the runtime has dropped the tasks that were cancelled just before: it does so in the order in which tasks
/// are scheduled, and only then are their cleanups detached. It never completes while all threads of the runtime are
/// blocked.
pub(super) async fn drop_cancelled_tasks() {
    let Ok(runtime) = Handle::try_current() else { return };
    // Another worker may still be dropping a task when the first of these has completed.
    for _ in 0..8 {
        // The error of a runtime that shuts down is that of `drain`, too.
        drop(runtime.spawn(tokio::task::yield_now()).await);
    }
}
