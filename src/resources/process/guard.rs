use std::time::Duration;

use super::child_process::ChildProcess;
use super::error::ProcessError;
use crate::context::{AsyncGuard, Detach, ExitReason};

/// A running child process. The guard of [`Process`](super::Process).
#[derive(Debug)]
pub struct ProcessGuard {
    pub(super) child: ChildProcess,
    pub(super) grace_period: Duration,
    pub(super) check: bool,
    pub(super) name: &'static str,
}

/// The time that an exit may take as a cleanup, in addition to the grace period of the child. It includes the time for
/// which a killed child is awaited.
const MARGIN: Duration = Duration::from_secs(30);

impl AsyncGuard for ProcessGuard {
    type Target = ChildProcess;
    type Error = ProcessError;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut ChildProcess {
        &mut self.child
    }

    fn grace_period(&self) -> Duration {
        self.grace_period.saturating_add(MARGIN)
    }

    fn name(&self) -> &'static str {
        self.name
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), ProcessError> {
        let child = &mut self.child;
        // The status of a child that ended before the exit. An error occurs again below.
        let status = if child.is_terminated() { None } else { child.try_wait().unwrap_or_default() };
        child.terminate().await?;
        match status {
            Some(status) if self.check && !status.success() && !exit.is_panic() && !exit.is_cancelled() => {
                Err(ProcessError::Status { program: child.program().to_owned(), status })
            }
            _ => Ok(()),
        }
    }
}
