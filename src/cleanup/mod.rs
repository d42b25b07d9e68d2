//! Cleanups: work that outlives its owner, since Rust's destructors cannot await.
//!
//! What is dropped before it could close itself hands the rest to [`detach`]: it becomes a task of the runtime, counted
//! until it is done. A program that is about to end waits for them with [`drain`], or stops its work and waits for both
//! with [`shutdown`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
//! use std::time::Duration;
//! use withal::cleanup;
//!
//! let observer = cleanup::observe(|event| eprintln!("{event}"));
//! cleanup::detach(async {
//!     tokio::task::yield_now().await; // say goodbye to the server
//!     Ok::<(), std::io::Error>(())
//! });
//! assert_eq!(cleanup::pending(), 1);
//! cleanup::drain(Duration::from_secs(5)).await?;
//! # drop(observer);
//! # Ok(())
//! # }
//! ```
//!
//! # What becomes of a cleanup
//!
//! | it | [`observe`] tells of |
//! |---|---|
//! | is done | nothing |
//! | fails | [`CleanupEvent::Failed`], with the error |
//! | panics | [`CleanupEvent::Panicked`], with the payload |
//! | takes longer than its [`grace_period`](Cleanup::grace_period) | [`CleanupEvent::Abandoned`], [`AbandonReason::TimedOut`]; it is dropped |
//! | is detached where no runtime is | [`CleanupEvent::Abandoned`], [`AbandonReason::NoRuntime`]; it is dropped |
//! | is on a runtime that shuts down | [`CleanupEvent::Abandoned`], [`AbandonReason::RuntimeShutdown`]; it is dropped |
//!
//! # What is promised
//!
//! - **Safe in destructors.** [`detach`] neither blocks nor panics, whether there is a runtime or not, also while another
//!   panic unwinds.
//! - **No loss in silence.** Whatever does not come to its end is told to the observers, once.
//! - **No timer needed.** Graces and [`drain`] are kept also on a runtime whose timer is not enabled: by a thread of their
//!   own, one for all, which begins with the first that has to wait. They are of the wall clock, also where tokio's clock
//!   is paused.
//! - **By runtime.** [`pending`] and [`drain`] are about the runtime that they are called on. [`metrics`] are of the whole
//!   process.
//! - **Inner before outer.** What is detached inside the body of a [scope](crate::context) is over before the exit of
//!   that scope begins, be it awaited or itself detached; and what is detached inside a cleanup, or an exit that may
//!   become one, before that is over. The grace of each counts from when it may begin, and is for its own work. Inside is what is detached while
//!   the body is polled or dropped, by the tasks of a [`LocalSet`](tokio::task::LocalSet) that it drives, too; but not
//!   what is on another runtime.
//!
//! # What is not
//!
//! No library can run a cleanup after [`mem::forget`](std::mem::forget), after an abort, or on a runtime that is gone.
//! A cleanup that blocks its thread is not interrupted by its grace.

mod detach;
mod drain;
mod event;
mod metrics;
mod observe;
mod registry;
mod shutdown;
mod timeout;
mod tracking_scope;

pub use self::detach::{Cleanup, detach};
pub use self::drain::{DrainTimeout, drain, pending};
pub use self::event::{AbandonReason, CleanupEvent};
pub use self::metrics::{Metrics, metrics};
pub(crate) use self::observe::notify_observers;
pub use self::observe::{ObserverGuard, observe};
pub use self::shutdown::shutdown;
pub(crate) use self::timeout::timeout_in_cleanup;
pub(crate) use self::tracking_scope::{ChildCleanups, TrackingScope, with_children};
