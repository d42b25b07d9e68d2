use std::fmt;
use std::sync::Weak;

use super::shutdown_state::ShutdownState;
use super::step_task::StepId;

/// A handle that withdraws a step from its [`Phase`](super::Phase). Returned by [`step`](super::Phase::step) and
/// [`spawn`](super::Phase::spawn).
///
/// Dropping the handle does not withdraw the step. A component that may end before the program, such as a connection,
/// withdraws its steps when it ends.
#[derive(Clone)]
pub struct StepHandle {
    /// `None` for a step that was registered after its phase.
    step: Option<(Weak<ShutdownState>, StepId)>,
}

impl StepHandle {
    pub(super) fn new(step: Option<(Weak<ShutdownState>, StepId)>) -> Self {
        Self { step }
    }

    /// Drops a step that has not started, and aborts one that is running. The shutdown does not wait for it and does
    /// not report it.
    ///
    /// Returns `false` if the step has ended, or was registered after its phase had ended.
    #[doc(alias = "abort", alias = "cancel", alias = "remove")]
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn withdraw(&self) -> bool {
        let Some((shutdown, id)) = &self.step else { return false };
        shutdown.upgrade().is_some_and(|shutdown| shutdown.withdraw(*id))
    }
}

impl fmt::Debug for StepHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepHandle").finish_non_exhaustive()
    }
}
