use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::panic::ignore_panic;

/// The failure, panic or abandonment of a cleanup, as reported to [observers](observe()).
///
/// It also reports an exit's error that a [scope](crate::context) cannot return; the name is then that of the guard's
/// type.
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
}

impl CleanupEvent<'_> {
    /// Returns the name of the cleanup.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed { name, .. } | Self::Panicked { name, .. } | Self::Abandoned { name, .. } => name,
            Self::TimerUnavailable { .. } => "timer",
        }
    }
}

impl fmt::Display for CleanupEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { name, .. } => write!(f, "cleanup {name} failed"),
            Self::Panicked { name, .. } => write!(f, "cleanup {name} panicked"),
            Self::Abandoned { name, reason } => write!(f, "cleanup {name} was abandoned: {reason}"),
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
        })
    }
}

type Hook = Arc<dyn Fn(&CleanupEvent<'_>) + Send + Sync>;

/// The registered hooks, identified by their addresses.
static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());

/// Locks the hooks. No code that may panic runs while they are locked.
fn hooks() -> MutexGuard<'static, Vec<Hook>> {
    HOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `hook` for every cleanup of this process that fails, panics or is abandoned, until the guard is dropped.
///
/// The hook is also called for every error that a scope cannot return, such as an exit's error after the block has
/// panicked. It is called where the cleanup ends, in a task or in a destructor, and must not block. A panic of the hook
/// is ignored. Any number of hooks can be registered. A call that is running on another thread while the guard is
/// dropped still completes.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup::{self, CleanupEvent};
///
/// let observer = cleanup::observe(|event| match event {
///     CleanupEvent::Failed { error, .. } => {
///         eprintln!("{event}: {:?}", error.downcast_ref::<std::io::Error>());
///     }
///     _ => eprintln!("{event}"),
/// });
/// cleanup::detach(async { Err(std::io::Error::other("connection reset")) });
/// cleanup::drain(Duration::from_secs(5)).await?;
/// # drop(observer);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "hook", alias = "subscribe", alias = "on_event", alias = "notify")]
pub fn observe(hook: impl Fn(&CleanupEvent<'_>) + Send + Sync + 'static) -> ObserverGuard {
    let hook: Hook = Arc::new(hook);
    hooks().push(Arc::clone(&hook));
    ObserverGuard(hook)
}

/// Keeps a hook registered until it is dropped. Returned by [`observe`].
#[must_use = "the hook is removed when the guard is dropped"]
pub struct ObserverGuard(Hook);

impl Drop for ObserverGuard {
    fn drop(&mut self) {
        // This guard still owns the hook, so that the hook is not dropped under the lock.
        hooks().retain(|hook| !Arc::ptr_eq(hook, &self.0));
    }
}

impl fmt::Debug for ObserverGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserverGuard").finish_non_exhaustive()
    }
}

/// Calls all hooks. Never panics: it is called in destructors.
pub(crate) fn notify_observers(event: &CleanupEvent<'_>) {
    // Cloned, because a hook may register another hook, or detach a cleanup that is reported at once.
    let hooks = hooks().clone();
    for hook in hooks {
        // The closure drops the hook as well: this may be its last reference, and its destructor may panic.
        ignore_panic(move || hook(event));
    }
}
