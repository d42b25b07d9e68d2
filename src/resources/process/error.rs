use std::io;
use std::process::ExitStatus;

/// The error of a child process: of starting it, waiting for it, or its status.
///
/// The texts contain the name of the program, but not its arguments and environment, which may be secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program could not be started. The kind of the source is [`NotFound`](io::ErrorKind::NotFound) if there is no
    /// such program, or no such working directory.
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
    /// The end of the child could not be awaited: for example, other code of this program has reaped the child.
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
    /// The child did not end within 10 seconds after it was killed: it is suspended in the kernel, as by a device or a
    /// network file system that does not answer. A thread of this program reaps it when it ends.
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
