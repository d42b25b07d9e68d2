use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::TimeoutError;
use super::deadline::{Deadline, Expiry, Stage};
use crate::context::{AsyncContextManager, AsyncGuard, DropNow, ExitReason};

/// A limit to how long a block may take, from now; none with `None`. Python's `asyncio.timeout`.
///
/// When the time is over, the block is dropped where it awaits, the exits of the scopes in it are awaited, and the exit of
/// this one fails. A block that is ready in the same moment is in time.
///
/// For a single future tokio's [`timeout`](tokio::time::timeout()) does the same for less; it awaits no exits. This one
/// does, and can be [rescheduled](Timeout::reschedule).
///
/// # Panics
///
/// When its block awaits where no runtime is, or on one whose timer is not enabled.
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
///     limit.reschedule(Instant::now() + Duration::from_secs(2)).unwrap(); // it goes well: one second more
///     sleep(Duration::from_secs(3)).await;
///     "never"
/// });
/// assert_eq!(result, Err(TimeoutError::Elapsed));
/// assert!(limit.expired());
/// # }
/// ```
pub fn timeout(delay: impl Into<Option<Duration>>) -> Timeout {
    // What no clock can show is never.
    timeout_at(delay.into().and_then(|delay| Instant::now().checked_add(delay)))
}

/// The same, until an instant: Python's `asyncio.timeout_at`.
///
/// # Panics
///
/// As [`timeout`].
///
/// # Examples
///
/// See [`timeout`].
pub fn timeout_at(when: impl Into<Option<Instant>>) -> Timeout {
    Timeout { deadline: Arc::new(Deadline::new(when.into())) }
}

/// What [`timeout`] and [`timeout_at`] return: a manager, and a handle of it. Clones are of the same timeout.
///
/// # Cancel safety
///
/// Dropped with its block, there is nothing to exit.
#[derive(Clone)]
#[must_use = "nothing is limited unless it is entered, by `async_with!`"]
pub struct Timeout {
    deadline: Arc<Deadline>,
}

impl Timeout {
    /// When the time is over.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.deadline.state().when
    }

    /// Sets it anew, while the block is under way; one that has passed ends it at its next await.
    ///
    /// # Errors
    ///
    /// [`TimeoutError::NotEntered`] before that; [`TimeoutError::Expired`] and [`TimeoutError::Finished`] after it.
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> Result<(), TimeoutError> {
        self.deadline.reschedule(when.into())
    }

    /// Whether the time was over before the block was.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.deadline.state().stage == Stage::Expired
    }
}

impl AsyncContextManager for Timeout {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, TimeoutError> {
        self.deadline.enter()?;
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

    fn target_and_interrupt(&mut self) -> (&mut Self, impl Future<Output = ()> + Send) {
        let expiry = Expiry::new(Arc::clone(&self.deadline));
        (self, expiry)
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), TimeoutError> {
        if self.deadline.finish() { Err(TimeoutError::Elapsed) } else { Ok(()) }
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.deadline.state();
        let name = match state.stage {
            Stage::Created => "created",
            Stage::Active => "active",
            Stage::Expired => "expired",
            Stage::Finished => "finished",
        };
        f.debug_struct("Timeout").field("state", &format_args!("{name}")).field("when", &state.when).finish()
    }
}
