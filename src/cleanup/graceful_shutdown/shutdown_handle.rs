use std::fmt;
use std::sync::Arc;

use super::phases::Urgency;
use super::shutdown_state::ShutdownState;

/// A handle that begins and hurries a [`GracefulShutdown`](super::GracefulShutdown) without a signal, from an endpoint, a
/// watchdog or a test. Returned by [`handle`](super::GracefulShutdown::handle).
#[derive(Clone)]
pub struct ShutdownHandle {
    state: Arc<ShutdownState>,
}

impl ShutdownHandle {
    pub(super) fn new(state: Arc<ShutdownState>) -> Self {
        Self { state }
    }

    /// Begins the shutdown. Further calls have no effect.
    ///
    /// The phases begin at the next poll of [`run`](super::GracefulShutdown::run).
    pub fn begin(&self) {
        self.state.raise(Urgency::Begun);
    }

    /// Acts as a signal: the first call begins the shutdown, the second hurries it, and the third ends it, as described in [`GracefulShutdown`](super::GracefulShutdown#signals).
    #[doc(alias = "hurry")]
    pub fn escalate(&self) {
        self.state.escalate();
    }

    /// Returns `true` once a signal, a call, or the failure of a task has begun the shutdown.
    ///
    /// From then on, a readiness probe should respond with 503.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.state.urgency() >= Urgency::Begun
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("has_begun", &self.has_begun()).finish()
    }
}
