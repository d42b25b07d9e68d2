use std::any::Any;
use std::fmt::{self, Debug};
use std::panic::Location;

use crate::known_error::{describe, describe_panic};

/// The failure, panic or abandonment of a cleanup, as reported to [observers](super::observe()), or else as the
/// [reports](super#reports) describe.
///
/// Events also report the errors of exits and blocks that a [scope](crate::context) cannot return, and the errors and
/// panics of [tasks and futures](crate::tasks::TaskHandle) that were not retrieved. The name in the event of an exit is
/// that of its guard.
#[derive(Debug)]
#[non_exhaustive]
pub enum CleanupEvent<'a> {
    /// The cleanup returned an error.
    #[non_exhaustive]
    Failed {
        /// The name of the cleanup: see [`Cleanup::name`](super::Cleanup::name).
        name: &'static str,
        /// The error, of the type that the cleanup returns.
        error: &'a (dyn Any + Send),
        /// The same error, for its text. `None` if it is passed on without its type.
        #[doc(hidden)]
        debug: Option<&'a dyn Debug>,
    },
    /// The cleanup panicked.
    #[non_exhaustive]
    Panicked {
        /// The name of the cleanup.
        name: &'static str,
        /// The payload of the panic: a `&str` or a `String` in most cases.
        payload: &'a (dyn Any + Send),
    },
    /// The cleanup was dropped before it completed.
    #[non_exhaustive]
    Abandoned {
        /// The name of the cleanup.
        name: &'static str,
        /// The reason.
        reason: AbandonReason,
    },
    /// The block of a [scope](crate::context) failed, and its error could not be returned: its exit panicked, a task of its
    /// [`TaskGroup`](crate::tasks::TaskGroup) had panicked before, or the future of the scope was dropped during the exit.
    #[non_exhaustive]
    BlockFailed {
        /// The name of the guard, or `"a dropped scope"`.
        name: &'static str,
        /// The error, of the type that the block returns, or an [`OpaqueError`](crate::context::OpaqueError). It need
        /// not implement `Debug`, so if its type is not a [known](Self::error_text) one, the report does not contain
        /// its text.
        error: &'a (dyn Any + Send),
    },
    /// A task or future failed, and its handle was dropped before the error was retrieved: asyncio's "exception was never
    /// retrieved".
    ///
    /// The error is retrieved by an await of the [handle](crate::tasks::TaskHandle), by each of its methods that return
    /// the result or the error. A callback does not retrieve it.
    #[non_exhaustive]
    TaskFailed {
        /// `"task"`, or `"future"` for a job of an executor and for a [`Promise`](crate::tasks::Promise);
        /// `"future in a wait"` or `"task in a gather"` if a [`wait`](crate::tasks::wait()) or a
        /// [`gather`](crate::tasks::gather()) was dropped after it had collected the error.
        name: &'static str,
        /// The call that created the task, the future, the `wait` or the `gather`.
        location: &'static Location<'static>,
        /// The error, of the type that the work returns. For a future in a `wait`, whose type of error may
        /// have any lifetime, this is an [`OpaqueError`](crate::context::OpaqueError).
        error: &'a dyn Any,
        /// The same error, for its text.
        #[doc(hidden)]
        debug: Option<&'a dyn Debug>,
    },
    /// A task or future panicked, and its handle was dropped before the panic was retrieved.
    #[non_exhaustive]
    TaskPanicked {
        /// `"task"`, `"future"` or `"task in a gather"`, as for [`TaskFailed`](Self::TaskFailed).
        name: &'static str,
        /// The call that created the task, the future or the `gather`.
        location: &'static Location<'static>,
        /// The payload of the panic: a `&str` or a `String` in most cases.
        payload: &'a (dyn Any + Send),
    },
    /// The thread that measures grace periods could not be started: tokio's timer measures them where the runtime has
    /// one, and elsewhere cleanups and [`drain`](super::drain()) have no time limit.
    ///
    /// It is reported once in a process. Later cleanups try to start the thread again.
    #[non_exhaustive]
    TimerUnavailable {
        /// The error of starting the thread.
        error: &'a std::io::Error,
    },
}

/// The reason that a cleanup was dropped before it completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbandonReason {
    /// The cleanup was detached outside of a runtime.
    NoRuntime,
    /// The runtime of the cleanup shut down.
    RuntimeShutdown,
    /// The cleanup exceeded its [grace period](super::Cleanup::grace_period).
    TimedOut,
    /// The exit of a [`local`](crate::context::local()) manager whose scope was dropped: it is not `Send`, so it cannot
    /// become a task of a multi-thread runtime.
    NotSend,
}

impl CleanupEvent<'_> {
    /// Returns the name of the cleanup, task or future.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed { name, .. }
            | Self::Panicked { name, .. }
            | Self::Abandoned { name, .. }
            | Self::BlockFailed { name, .. }
            | Self::TaskFailed { name, .. }
            | Self::TaskPanicked { name, .. } => name,
            Self::TimerUnavailable { .. } => "timer",
        }
    }

    /// Returns the text of the error with its causes, or the message of the panic, as a [report](super#reports) contains
    /// it, of at most 2,000 bytes.
    ///
    /// It is `None` for an event without an error, and for a panic whose payload is not a text.
    ///
    /// # Panics
    ///
    /// Panics if the `Display` or `Debug` of the error panics.
    #[must_use]
    pub fn error_text(&self) -> Option<String> {
        match self {
            Self::Failed { error, debug, .. } => describe(*error, *debug),
            Self::TaskFailed { error, debug, .. } => describe(*error, *debug),
            Self::BlockFailed { error, .. } => describe(*error, None),
            Self::Panicked { payload, .. } | Self::TaskPanicked { payload, .. } => describe_panic(*payload),
            Self::Abandoned { .. } | Self::TimerUnavailable { .. } => None,
        }
    }
}

impl fmt::Display for CleanupEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { name, .. } => write!(f, "cleanup {name} failed"),
            Self::Panicked { name, .. } => write!(f, "cleanup {name} panicked"),
            Self::Abandoned { name, reason } => write!(f, "cleanup {name} was abandoned: {reason}"),
            Self::BlockFailed { name, .. } => write!(f, "the error of the block of {name} was lost"),
            Self::TaskFailed { name, location, .. } => {
                write!(f, "the error of the {name} created at {location} was never retrieved")
            }
            Self::TaskPanicked { name, location, .. } => {
                write!(f, "the panic of the {name} created at {location} was never retrieved")
            }
            Self::TimerUnavailable { error } => {
                write!(
                    f,
                    "the timer thread of cleanups could not be started, so that they may have no time limit: {error}"
                )
            }
        }
    }
}

impl fmt::Display for AbandonReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuntime => "no runtime to spawn it on",
            Self::RuntimeShutdown => "its runtime shut down",
            Self::TimedOut => "its grace period elapsed",
            Self::NotSend => "its manager is not `Send`, and no scope or current-thread runtime can run it",
        })
    }
}
