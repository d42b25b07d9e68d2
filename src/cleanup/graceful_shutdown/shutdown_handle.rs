use std::fmt;
use std::sync::Arc;

use super::phases::Urgency;
use super::shutdown_state::ShutdownState;

/// Begins and hurries a [`GracefulShutdown`](super::GracefulShutdown) without a signal: from an endpoint, a watchdog or a
/// test. Returned by [`handle`](super::GracefulShutdown::handle).
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
    /// The phases begin when [`run`](super::GracefulShutdown::run) is polled the next time.
    pub fn begin(&self) {
        self.state.raise(Urgency::Begun);
    }

    /// Has the effect of a signal: the first call begins the shutdown, the second hurries it, and the third ends it, as
    /// described in [`GracefulShutdown`](super::GracefulShutdown#signals).
    #[doc(alias = "hurry")]
    pub fn escalate(&self) {
        self.state.escalate();
    }

    /// Returns `true` once the shutdown has been begun by a signal, a call, or the failure of a task.
    ///
    /// A readiness probe responds 503 from then on.
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
