use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::deadline::{Deadline, Phase};
use super::error::TimeoutError;
use crate::context::{AsyncContextManager, AsyncGuard, DropNow, ExitReason, register_interrupt};

/// Returns a context manager that limits the time of its block: Python's `asyncio.timeout`.
///
/// The time is counted from this call. `None` means no limit. When the deadline passes, the block is dropped where it
/// awaits, the exits of the scopes in it are awaited, and then the exit of the timeout fails with
/// [`TimeoutError::Elapsed`]. A block that completes at the same moment is in time.
///
/// # Choosing
///
/// For a single future, tokio's [`timeout`](tokio::time::timeout()) costs less, but does not await exits. This timeout
/// awaits exits, and can be [rescheduled](Timeout::reschedule).
///
/// # Panics
///
/// The block panics when it awaits outside of a tokio runtime, or on one whose timer is not enabled.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use tokio::time::{Instant, sleep};
/// use withal::context::async_with;
/// use withal::tasks::{TimeoutError, timeout};
///
/// let limit = timeout(Duration::from_secs(1));
/// let result = async_with!(limit = limit.clone() => {
///     limit.reschedule(Instant::now() + Duration::from_secs(2)).unwrap(); // one second more
///     sleep(Duration::from_secs(3)).await;
///     "never"
/// });
/// assert_eq!(result, Err(TimeoutError::Elapsed));
/// assert!(limit.expired());
/// # }
/// ```
#[doc(alias = "deadline")]
#[doc(alias = "cancel scope")]
#[doc(alias = "cancel_scope")]
#[doc(alias = "fail_after")]
#[doc(alias = "move_on_after")]
pub fn timeout(delay: impl Into<Option<Duration>>) -> Timeout {
    // A deadline that overflows is never reached.
    timeout_at(delay.into().and_then(|delay| Instant::now().checked_add(delay)))
}

/// Returns a context manager that limits the time of its block by a deadline: Python's `asyncio.timeout_at`.
///
/// `None` means no limit. Otherwise, it is the same as [`timeout`].
///
/// # Panics
///
/// The block panics when it awaits outside of a tokio runtime, or on one whose timer is not enabled.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::future::pending;
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use withal::context::async_with;
/// use withal::tasks::{TimeoutError, timeout_at};
///
/// // Two steps share one deadline.
/// let deadline = Instant::now() + Duration::from_secs(1);
/// let first = async_with!(_ = timeout_at(deadline) => { "done" });
/// let second = async_with!(_ = timeout_at(deadline) => { pending::<()>().await });
/// assert_eq!(first, Ok("done"));
/// assert_eq!(second, Err(TimeoutError::Elapsed));
/// # }
/// ```
#[doc(alias = "deadline")]
#[doc(alias = "fail_at")]
#[doc(alias = "move_on_at")]
pub fn timeout_at(when: impl Into<Option<Instant>>) -> Timeout {
    Timeout { deadline: Arc::new(Deadline::new(when.into())) }
}

/// A context manager that limits the time of its block, returned by [`timeout`] and [`timeout_at`].
///
/// Clones refer to the same timeout: enter one of them, and use another one to read or [reschedule](Self::reschedule)
/// the deadline.
///
/// # Cancel safety
///
/// If the block is dropped, the timeout needs no cleanup.
#[derive(Clone)]
#[must_use = "nothing is limited unless it is entered, by `async_with!`"]
pub struct Timeout {
    deadline: Arc<Deadline>,
}

impl Timeout {
    /// Returns the deadline, or `None` if there is none.
    #[must_use]
    #[doc(alias = "deadline")]
    pub fn when(&self) -> Option<Instant> {
        self.deadline.state().when
    }

    /// Replaces the deadline while the block is running. A deadline in the past ends the block at its next await.
    ///
    /// # Errors
    ///
    /// - [`TimeoutError::NotEntered`] before the block.
    /// - [`TimeoutError::Expired`] after the deadline has passed.
    /// - [`TimeoutError::Finished`] after the block has ended in time.
    #[doc(alias = "reset")]
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> Result<(), TimeoutError> {
        self.deadline.reschedule(when.into())
    }

    /// Returns `true` if the deadline passed before the block completed.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.deadline.state().phase == Phase::Expired
    }
}

impl AsyncContextManager for Timeout {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, TimeoutError> {
        self.deadline.enter()?;
        if let Err(error) = register_interrupt(self.deadline.clone()) {
            // Without a block, the clones of the timeout must not be active.
            let _never_expired = self.deadline.finish();
            return Err(error.into());
        }
        Ok(self)
    }
}

impl AsyncGuard for Timeout {
    type Target = Self;
    type Error = TimeoutError;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), TimeoutError> {
        self.deadline.finish()
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.deadline.state();
        let name = match state.phase {
            Phase::Created => "created",
            Phase::Active => "active",
            Phase::Expired => "expired",
            Phase::Finished => "finished",
            Phase::Refused => "refused",
        };
        f.debug_struct("Timeout").field("state", &format_args!("{name}")).field("when", &state.when).finish()
    }
}
