//! Async cleanup that outlives its owner, because a Rust destructor cannot await.
//!
//! A destructor that has async work to do passes the work to [`detach`]. The work becomes a *cleanup*: a task of the
//! runtime that is *pending* until it has finished. Before a program ends, it waits for its pending cleanups: with
//! [`run_main`] around its main future, or with [`drain`]. To stop its tasks first, it uses [`shutdown`], or
//! [`GracefulShutdown`] if [several components](#shutdown-in-phases) have to end in order.
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
//! | returns `Ok` | nothing |
//! | returns an error | [`CleanupEvent::Failed`], with the error |
//! | panics | [`CleanupEvent::Panicked`], with the payload |
//! | exceeds its [grace period](Cleanup::grace_period), and is dropped | [`CleanupEvent::Abandoned`], with [`AbandonReason::TimedOut`] |
//! | is detached outside of a runtime, and is dropped | [`CleanupEvent::Abandoned`], with [`AbandonReason::NoRuntime`] |
//! | is dropped because its runtime shuts down | [`CleanupEvent::Abandoned`], with [`AbandonReason::RuntimeShutdown`] |
//!
//! # Reports
//!
//! While no observer is registered, each of these events is reported in one line: a `tracing` event at the level `ERROR`
//! or, for an abandoned cleanup, `WARN`, with the feature `tracing` and a subscriber; otherwise a line on stderr.
//!
//! ```text
//! withal: cleanup lease failed: connection reset
//! withal: cleanup session was abandoned: its runtime shut down
//! withal: the error of the block of transaction was lost: duplicate key
//! withal: the error of the task created at src/main.rs:12:5 was never retrieved: invalid digit found in string
//! ```
//!
//! The line ends with the text of the error and its causes, of at most 2,000 bytes, if the error is a string, a
//! [`BoxError`](crate::tasks::BoxError), a `Box<dyn Error>`, an error of this crate, a common error of std or tokio or,
//! with the feature `anyhow`, an `anyhow::Error`. An error of another type is formatted by its `Debug`, as `main` formats
//! the error that it returns: generic code cannot find out whether a type has a text. An observer gets the same text from
//! [`CleanupEvent::error_text`].
//!
//! With the feature `tracing`, a cleanup also has a [span](crate#tracing), a child of the one in which it was detached. For a
//! cancelled scope, this is the span of the scope or, if that is disabled, of its task.
//!
//! # Shutdown in phases
//!
//! A service shuts down in order: it stops accepting, finishes its requests, runs the remaining exits, and then flushes
//! the telemetry of all these phases. In another order, the flush misses records. A [`GracefulShutdown`] is the list of
//! the phases, each with a budget. With the feature `signal`, it begins at the first SIGINT or SIGTERM, and a second
//! signal shortens the budgets. Each component receives its [`Phase`], and registers its steps there. The
//! [`ShutdownReport`] names the steps that did not finish, and is the exit code of the program.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use withal::cleanup::GracefulShutdown;
//!
//! let mut shutdown = GracefulShutdown::new();
//! let accept = shutdown.phase("stop accepting", Duration::from_secs(5));
//! let requests = shutdown.phase("finish requests", Duration::from_secs(15));
//! shutdown.run_exits(Duration::from_secs(5));
//! let telemetry = shutdown.phase("flush telemetry", Duration::from_secs(3));
//!
//! let stop = accept.begun(); // for `axum::serve(..).with_graceful_shutdown(stop)`
//! requests.spawn("server", async move { stop.await });
//! telemetry.step("spans", async { Err::<(), _>("connection refused") });
//! # shutdown.handle().begin();
//!
//! let report = shutdown.run().await; // waits for `on_signals`, or for `shutdown.handle().begin()`
//! assert_eq!(report.to_string(), "flush telemetry / spans: failed: connection refused");
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **Safe in destructors.** [`detach`] neither blocks nor panics, even outside of a runtime or while a panic unwinds.
//!   The values that a scope or a cleanup keeps, such as the payload of a panic or an error, do not abort the process if
//!   their destructors panic while another panic unwinds.
//! - **Every failure is reported.** The observers are notified exactly once of each cleanup that fails, panics or is
//!   abandoned. Without an observer, it is [reported](#reports) once.
//! - **Independent of tokio's timer.** Grace periods and the timeout of [`drain`] also work on a runtime without an
//!   enabled timer. One shared thread, which is started when it is first needed, measures them. They are wall-clock
//!   time, even while tokio's clock is paused. If the thread cannot be started, tokio's timer measures them where the
//!   runtime has one, and elsewhere there is no time limit; this is reported once, as
//!   [`CleanupEvent::TimerUnavailable`].
//! - **Any size.** A cleanup takes the memory of its work and at most 1 KiB, and its work may be as large as that of a
//!   spawned task.
//! - **In place after an interrupt.** If a scope interrupts its block, as a timeout does, the exits that are nested in
//!   the block are not spawned: the scope polls them in its own task, with its task-locals, before its own exit. If the
//!   scope is dropped meanwhile, they continue as tasks of the current runtime.
//! - **Separate runtimes.** [`pending`] and [`drain`] cover the cleanups of the runtime that they are called on.
//!   [`metrics`] covers the whole process.
//! - **Innermost first.** The exit of a [scope](crate::context) starts after all cleanups that are nested in the
//!   scope's block have finished, whether the exit is awaited or runs as a cleanup itself. A cleanup also
//!   finishes only after the cleanups that are nested in it have finished. The same holds for an exit, if its drop
//!   policy can turn it into a cleanup. A grace period starts when the work of its cleanup starts, and does not
//!   interrupt the nested cleanups.
//!
//! A cleanup is *nested* in a block, an exit or another cleanup if it is detached while that code is polled or dropped.
//! This includes the tasks of a [`LocalSet`](tokio::task::LocalSet) that a block drives. If the block runs on a runtime,
//! a cleanup on another runtime is not nested, also if the block has moved from that runtime to its own.
//!
//! # Limitations
//!
//! - A cleanup cannot run after an abort of the process, or on a runtime that has shut down. A value that is
//!   [forgotten](std::mem::forget) detaches nothing, because its destructor does not run.
//! - A grace period cannot interrupt a cleanup that blocks its thread.
//! - A cleanup that is pending when the process exits is not reported, if the runtime is not shut down before: after
//!   [`std::process::exit`] in a task, or if the runtime is forgotten.

mod child_cleanups;
mod detach;
mod drain;
mod event;
mod graceful_shutdown;
mod job;
mod local_future;
mod metrics;
mod name;
mod observe;
mod open_scopes;
mod report;
mod run_main;
mod shutdown;
mod span;
mod timeout;
mod timer;
mod tracked_cleanup;
mod tracking_scope;
mod with_children;

pub(crate) use self::child_cleanups::ChildCleanups;
pub use self::detach::{Cleanup, detach};
pub(crate) use self::detach::{CleanupOptions, DEFAULT_GRACE_PERIOD};
pub use self::drain::{DrainTimeout, drain, pending};
pub use self::event::{AbandonReason, CleanupEvent};
pub use self::graceful_shutdown::{
    GracefulShutdown, Phase, ShutdownHandle, ShutdownReport, StepHandle, StepOutput, UnfinishedReason,
    UnfinishedStep,
};
#[cfg(feature = "signal")]
pub use self::graceful_shutdown::{Signals, TerminationSignal};
pub(crate) use self::job::{CleanupOutput, peel_box};
pub use self::metrics::{Metrics, metrics};
pub(crate) use self::name::{Name, short_type_name};
pub(crate) use self::observe::notify_observers;
pub use self::observe::{ObserverGuard, observe};
pub(crate) use self::open_scopes::OpenScopes;
pub use self::run_main::run_main;
pub use self::shutdown::shutdown;
#[cfg(feature = "process")]
pub(crate) use self::timeout::timeout;
pub(crate) use self::timeout::timeout_in_cleanup;
pub(crate) use self::tracking_scope::{TrackingScope, drop_in_place, drop_tracked};
pub(crate) use self::with_children::{WithChildren, with_children};
