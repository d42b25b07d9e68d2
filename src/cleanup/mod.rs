//! Async cleanup that outlives its owner, since a Rust destructor cannot await.
//!
//! A value that is dropped with async work left to do passes that work to [`detach`]. The work becomes a task of the
//! runtime, and is *pending* until it has finished. A program that ends waits for its pending cleanups with [`drain`],
//! or stops its tasks first and then waits, with [`shutdown`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
//! use std::time::Duration;
//! use withal::cleanup;
//!
//! let observer = cleanup::observe(|event| eprintln!("{event}"));
//! cleanup::detach(async {
//!     tokio::task::yield_now().await; // send a farewell to the server
//!     Ok::<(), std::io::Error>(())
//! });
//! assert_eq!(cleanup::pending(), 1);
//! cleanup::drain(Duration::from_secs(5)).await?;
//! # drop(observer);
//! # Ok(())
//! # }
//! ```
//!
//! # Outcomes
//!
//! | a cleanup that | is reported to [observers](observe()) as |
//! |---|---|
//! | completes | nothing |
//! | returns an error | [`CleanupEvent::Failed`], with the error |
//! | panics | [`CleanupEvent::Panicked`], with the payload |
//! | exceeds its [grace period](Cleanup::grace_period), and is dropped | [`CleanupEvent::Abandoned`], with [`AbandonReason::TimedOut`] |
//! | is detached outside of a runtime, and is dropped | [`CleanupEvent::Abandoned`], with [`AbandonReason::NoRuntime`] |
//! | is dropped because its runtime shuts down | [`CleanupEvent::Abandoned`], with [`AbandonReason::RuntimeShutdown`] |
//!
//! # Guarantees
//!
//! - **Safe in destructors.** [`detach`] neither blocks nor panics: not outside of a runtime, and not while a panic
//!   unwinds.
//! - **Every failure is reported.** A cleanup that does not complete is reported to the observers, exactly once.
//! - **Independent of tokio's timer.** Grace periods and the timeout of [`drain`] also work on a runtime without an
//!   enabled timer. They are kept by one shared thread, which is started when it is first needed. They are wall-clock
//!   time, even while tokio's clock is paused.
//! - **Separate runtimes.** [`pending`] and [`drain`] cover the cleanups of the runtime that they are called on.
//!   [`metrics`] cover the whole process.
//! - **Innermost first.** The exit of a [scope](crate::context) starts after all cleanups that were detached inside the
//!   scope's block have finished. This holds whether the exit is awaited or runs as a cleanup itself. Likewise, a
//!   cleanup finishes after the cleanups that were detached inside of it, and so does an exit that may become a
//!   cleanup. Each grace period starts when its cleanup may start, and limits that cleanup's own work only. A cleanup
//!   is inside a block if it is detached while the block is polled or dropped, which includes the tasks of a
//!   [`LocalSet`](tokio::task::LocalSet) that the block drives. A cleanup on another runtime does not count as inside.
//!
//! # Limitations
//!
//! - A cleanup cannot run after [`mem::forget`](std::mem::forget), after an abort of the process, or on a runtime that
//!   has shut down.
//! - A grace period does not interrupt a cleanup that blocks its thread.

mod detach;
mod drain;
mod metrics;
mod observe;
mod shutdown;
mod timeout;
mod tracking_scope;

pub use self::detach::{Cleanup, detach};
pub use self::drain::{DrainTimeout, drain, pending};
pub use self::metrics::{Metrics, metrics};
pub(crate) use self::observe::notify_observers;
pub use self::observe::{AbandonReason, CleanupEvent, ObserverGuard, observe};
pub use self::shutdown::shutdown;
pub(crate) use self::timeout::timeout_in_cleanup;
pub(crate) use self::tracking_scope::{ChildCleanups, TrackingScope, with_children};
