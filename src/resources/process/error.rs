use std::fmt;
use std::io;
use std::process::ExitStatus;

use crate::error_text::{is_report, with_sources};

/// The error of a [`process`](super::process()): the child cannot be started or awaited, or its status is a failure.
///
/// The text contains the name of the program, but not its arguments and environment, which may be secret.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program could not be started. The kind of the source is [`NotFound`](io::ErrorKind::NotFound) if the program or
    /// its working directory does not exist.
    #[error(
        "failed to start {program:?}: check that it is installed and executable, and that its working directory exists"
    )]
    #[non_exhaustive]
    Start {
        /// The name of the program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The shell that [`kill_on_parent_death`](super::Process::kill_on_parent_death) needs could not be started.
    #[error("failed to start /bin/sh, which `kill_on_parent_death` needs")]
    #[non_exhaustive]
    Watchdog {
        /// The error of the system.
        source: io::Error,
    },
    /// The end of the child could not be awaited, for example because other code of this program reaped the child.
    #[error("failed to wait for {program:?}: no other code may reap the children of this program")]
    #[non_exhaustive]
    Wait {
        /// The name of the program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The child ended with a status other than success, and [`check`](super::Process::check) is set.
    #[error("{program:?} failed with {status}")]
    #[non_exhaustive]
    Status {
        /// The name of the program.
        program: String,
        /// The exit code, or the signal that ended the child.
        status: ExitStatus,
    },
    /// The child did not end within 10 seconds after it was killed: it is blocked in the kernel, for example by a device or
    /// a network file system that does not respond. A thread of this program reaps it when it ends.
    #[error(
        "{program:?} (process {id}) does not end although it was killed: check its devices and network file systems"
    )]
    #[non_exhaustive]
    NotEnding {
        /// The name of the program.
        program: String,
        /// The id of the process.
        id: u32,
    },
    /// [`output`](super::ChildProcess::output) was called for a process whose output is not captured.
    #[error("the output of {program:?} is not captured: call `capture_output` on its `process`")]
    #[non_exhaustive]
    NotCaptured {
        /// The name of the program.
        program: String,
    },
    /// The child has written more output than [`capture_output`](super::Process::capture_output) permits.
    #[error(
        "{program:?} wrote more than {limit} bytes: raise the limit of `capture_output`, or read its pipes"
    )]
    #[non_exhaustive]
    OutputTooLarge {
        /// The name of the program.
        program: String,
        /// The limit in bytes, for each of stdout and stderr.
        limit: usize,
    },
}

impl ProcessError {
    /// Returns the status of the child, if it is the reason of the error.
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns `true` if the program or its working directory does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Debug for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_report(f) {
            return f.write_str(&with_sources(self));
        }
        match self {
            Self::Start { program, source } => {
                f.debug_struct("Start").field("program", program).field("source", source).finish()
            }
            Self::Watchdog { source } => f.debug_struct("Watchdog").field("source", source).finish(),
            Self::Wait { program, source } => {
                f.debug_struct("Wait").field("program", program).field("source", source).finish()
            }
            Self::Status { program, status } => {
                f.debug_struct("Status").field("program", program).field("status", status).finish()
            }
            Self::NotEnding { program, id } => {
                f.debug_struct("NotEnding").field("program", program).field("id", id).finish()
            }
            Self::NotCaptured { program } => f.debug_struct("NotCaptured").field("program", program).finish(),
            Self::OutputTooLarge { program, limit } => {
                f.debug_struct("OutputTooLarge").field("program", program).field("limit", limit).finish()
            }
        }
    }
}
