use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::process::{ExitCode, Termination};

use crate::cleanup::report::report_error;

/// The steps of a [`GracefulShutdown`](super::GracefulShutdown) that did not finish, by name. Returned by
/// [`run`](super::GracefulShutdown::run).
///
/// A program returns the report from `main`, or from the main future of [`run_main`](crate::cleanup::run_main()): each of
/// these steps is reported in one line, like a [cleanup](crate::cleanup#reports), and the exit code is
/// [`FAILURE`](ExitCode::FAILURE) unless the report [is clean](Self::is_clean).
///
/// ```text
/// withal: shutdown: finish requests / http server: timed out
/// withal: shutdown: flush telemetry / spans: failed: connection refused
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the report names the steps that did not finish"]
pub struct ShutdownReport {
    pub(super) unfinished: Vec<UnfinishedStep>,
    pub(super) was_hurried: bool,
}

impl ShutdownReport {
    /// Returns `true` if all steps have finished without an error, and no cleanup is pending.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty()
    }

    /// Returns the steps that did not finish, failed or panicked, in the order of their phases.
    #[must_use]
    pub fn unfinished(&self) -> &[UnfinishedStep] {
        &self.unfinished
    }

    /// Returns `true` if a second signal, or a second [`escalate`](super::ShutdownHandle::escalate), has shortened the
    /// budgets.
    #[must_use]
    pub fn was_hurried(&self) -> bool {
        self.was_hurried
    }

    /// Returns the report as an error, unless it [is clean](Self::is_clean).
    ///
    /// # Errors
    ///
    /// The report itself, if a step did not finish.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_clean() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ShutdownReport {
    /// Writes the unfinished steps, separated by semicolons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("all steps of the shutdown have finished");
        }
        for (index, step) in self.unfinished.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{step}")?;
        }
        Ok(())
    }
}

impl Error for ShutdownReport {}

impl Termination for ShutdownReport {
    fn report(self) -> ExitCode {
        for step in &self.unfinished {
            report_error(&format_args!("shutdown: {step}"));
        }
        if self.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A step that did not finish, in a [`ShutdownReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedStep {
    pub(super) phase: Cow<'static, str>,
    pub(super) step: Cow<'static, str>,
    pub(super) reason: UnfinishedReason,
}

impl UnfinishedStep {
    /// Returns the name of the phase.
    #[must_use]
    pub fn phase(&self) -> &str {
        &self.phase
    }

    /// Returns the name of the step, or `"cleanups"` for the cleanups that were still pending.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &UnfinishedReason {
        &self.reason
    }
}

impl fmt::Display for UnfinishedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}: {}", self.phase, self.step, self.reason)
    }
}

/// The reason for which a step is in a [`ShutdownReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnfinishedReason {
    /// The step returned an error, with the text of the error and its causes.
    Failed(String),
    /// The step panicked, with the message of the panic, if the payload is a text.
    Panicked(Option<String>),
    /// The step did not finish within the budget of its phase, and was dropped.
    TimedOut,
    /// The step did not finish within the budget of its phase, and could not be dropped: it blocks its thread.
    StillRunning,
    /// The step was not started, because its phase had no time: its budget was zero, or a third signal ended the
    /// shutdown.
    NotStarted,
    /// The runtime on which the step was spawned has shut down, and has dropped it.
    RuntimeShutdown,
    /// A number of cleanups were still pending at the end of their phase. They continue to run.
    CleanupsPending(usize),
}

impl fmt::Display for UnfinishedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) if error.is_empty() => f.write_str("failed"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(None) => f.write_str("panicked"),
            Self::Panicked(Some(message)) => write!(f, "panicked: {message}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::StillRunning => f.write_str("timed out, and blocks its thread"),
            Self::NotStarted => f.write_str("not started"),
            Self::RuntimeShutdown => f.write_str("dropped: its runtime shut down"),
            Self::CleanupsPending(pending) => {
                write!(f, "timed out with {pending} pending")
            }
        }
    }
}
