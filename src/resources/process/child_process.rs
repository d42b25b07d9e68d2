use std::fmt;
use std::future::poll_fn;
use std::io;
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::error::ProcessError;
use super::output_pipe::{OutputPipe, Pipe};
use super::system_child::{Prepared, SystemChild, SystemOptions};
use crate::cleanup::timeout;

/// A running child process, the target of [`process`](super::process()).
///
/// As in tokio's [`Child`](tokio::process::Child), the fields are the pipes that the command requests with
/// [`Stdio::piped`](std::process::Stdio::piped). Take a pipe out to use it in another task, or to close it early.
///
/// The exit reaps the child. Until then, no other process can have its [id](Self::id).
pub struct ChildProcess {
    /// The pipe to the child's standard input. The exit, [`wait`](Self::wait) and [`terminate`](Self::terminate) close it.
    pub stdin: Option<ChildStdin>,
    /// The pipe from the child's standard output. `None` if it is [captured](super::Process::capture_output).
    pub stdout: Option<ChildStdout>,
    /// The pipe from the child's standard error. `None` if it is [captured](super::Process::capture_output).
    pub stderr: Option<ChildStderr>,
    program: String,
    system: SystemChild,
    /// The pipes that are not read by the block.
    unread: Vec<OutputPipe>,
    capture: Option<Capture>,
    grace_period: Duration,
    end: End,
}

#[derive(Debug)]
struct Capture {
    stdout: Option<OutputPipe>,
    stderr: Option<OutputPipe>,
    limit: usize,
}

/// ```text
/// NotRequested --terminate--> Terminated (until the grace period ends) --killed, reaped--> Reaped
/// ```
#[derive(Debug, Clone, Copy)]
enum End {
    NotRequested,
    /// The time at which the group is killed. `None`, which is never, if the time is not representable.
    Terminated {
        kill_at: Option<Instant>,
    },
    Reaped(ExitStatus),
}

/// The time that a killed process may take to end. Usually it takes a few milliseconds.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The first and the longest pause between two searches for processes whose end the system does not report.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(50);

impl ChildProcess {
    /// Starts the child, whose process group is killed if the value is dropped.
    pub(super) fn start(
        command: &mut Command,
        program: String,
        options: SystemOptions,
        prepared: Prepared,
        capture: Option<usize>,
        grace_period: Duration,
    ) -> Result<Self, ProcessError> {
        let (system, (stdin, stdout, stderr)) = match SystemChild::spawn(command, options, prepared) {
            Ok(spawned) => spawned,
            Err(source) => return Err(ProcessError::Start { program, source }),
        };
        let mut this = Self {
            stdin,
            stdout,
            stderr,
            program,
            system,
            unread: Vec::new(),
            capture: None,
            grace_period,
            end: End::NotRequested,
        };
        this.capture = capture.map(|limit| Capture {
            stdout: this.stdout.take().map(|pipe| OutputPipe::capture(Pipe::Stdout(pipe), limit)),
            stderr: this.stderr.take().map(|pipe| OutputPipe::capture(Pipe::Stderr(pipe), limit)),
            limit,
        });
        Ok(this)
    }

    /// Returns the id of the process, which is valid until the exit reaps the child.
    #[doc(alias = "pid")]
    #[must_use]
    pub fn id(&self) -> u32 {
        self.system.id()
    }

    /// Returns the name of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Closes stdin, waits until the child ends, and returns its status.
    ///
    /// The pipes that are still in [`stdout`](Self::stdout) and [`stderr`](Self::stderr) are moved out of these fields, and
    /// their output is discarded, so that the child never waits for a reader. To read a pipe, take it out before this
    /// call, or [capture](super::Process::capture_output) the output.
    ///
    /// Other processes of the group may still be running. The exit ends them.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Wait`] if the system cannot report the end of the child. A status other than success is not an
    /// error: see [`check`](super::Process::check).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a later call continues to wait.
    pub async fn wait(&mut self) -> Result<ExitStatus, ProcessError> {
        self.close_pipes();
        let ended = poll_fn(|cx| self.poll_ended(cx)).await;
        let status = ended.map_err(|error| self.wait_error(error))?;
        self.finish_capture().await;
        Ok(status)
    }

    /// Returns the status of the child if it has ended, without waiting.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    #[doc(alias = "exit_status")]
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        if let End::Reaped(status) = self.end {
            return Ok(Some(status));
        }
        self.system.status().map_err(|error| self.wait_error(error))
    }

    /// [Waits](Self::wait) until the child ends, and returns its status and its [captured
    /// output](super::Process::capture_output).
    ///
    /// The output contains everything that the child has written. Other processes with the same pipes are not awaited:
    /// the output contains what they have written by then.
    ///
    /// # Errors
    ///
    /// - [`ProcessError::NotCaptured`] if the output is not captured.
    /// - [`ProcessError::OutputTooLarge`] if the child has written more than the limit. The first bytes are still
    ///   available from [`captured_stdout`](Self::captured_stdout) and [`captured_stderr`](Self::captured_stderr).
    /// - As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the captured output is kept, and a later call continues to wait.
    #[doc(alias = "wait_with_output")]
    pub async fn output(&mut self) -> Result<Output, ProcessError> {
        if self.capture.is_none() {
            return Err(ProcessError::NotCaptured { program: self.program.clone() });
        }
        let status = self.wait().await?;
        let (stdout, stdout_truncated) = self.captured(|capture| &capture.stdout);
        let (stderr, stderr_truncated) = self.captured(|capture| &capture.stderr);
        if stdout_truncated || stderr_truncated {
            let limit = self.capture.as_ref().map_or(0, |capture| capture.limit);
            return Err(ProcessError::OutputTooLarge { program: self.program.clone(), limit });
        }
        Ok(Output { status, stdout, stderr })
    }

    /// Returns a copy of the [captured](super::Process::capture_output) stdout, even while the child is running.
    #[must_use]
    pub fn captured_stdout(&self) -> Vec<u8> {
        self.captured(|capture| &capture.stdout).0
    }

    /// Returns a copy of the [captured](super::Process::capture_output) stderr, even while the child is running.
    #[must_use]
    pub fn captured_stderr(&self) -> Vec<u8> {
        self.captured(|capture| &capture.stderr).0
    }

    /// Ends the child and its process group as the exit does, and returns the status of the child.
    ///
    /// Sends SIGTERM, waits for the group within the grace period, kills the rest, and reaps the child.
    ///
    /// # Errors
    ///
    /// - [`ProcessError::NotEnding`] if the child does not end although it was killed.
    /// - As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a later call, or the exit, continues with the same grace period.
    #[doc(alias = "kill")]
    pub async fn terminate(&mut self) -> Result<ExitStatus, ProcessError> {
        // Close stdin: many programs end when it does.
        self.close_pipes();
        let kill_at = match self.end {
            End::Reaped(status) => return Ok(status),
            End::Terminated { kill_at } => kill_at,
            End::NotRequested => {
                let kill_at = Instant::now().checked_add(self.grace_period);
                self.end = End::Terminated { kill_at };
                if !self.grace_period.is_zero() {
                    self.system.terminate();
                }
                kill_at
            }
        };
        // Wait for the whole group, as long as the grace period lasts. An error is reported below, after the kill.
        let grace =
            kill_at.map_or(Duration::MAX, |kill_at| kill_at.saturating_duration_since(Instant::now()));
        drop(timeout(self.group_ended(), grace).await);
        // Kill what is left of the group, if anything, before the child is reaped.
        let killed = timeout(self.killed(), KILL_TIMEOUT).await;
        let not_ending = || ProcessError::NotEnding { program: self.program.clone(), id: self.system.id() };
        killed.ok_or_else(not_ending)?.map_err(|error| self.wait_error(error))?;
        self.finish_capture().await;
        // It has ended, so its status is available at once.
        let reaped =
            self.system.reap().and_then(|status| status.ok_or_else(|| io::ErrorKind::WouldBlock.into()));
        let status = reaped.map_err(|error| self.wait_error(error))?;
        self.end = End::Reaped(status);
        Ok(status)
    }

    /// Kills the process group at once, without waiting for its end.
    pub fn start_kill(&mut self) {
        if !matches!(self.end, End::Reaped(_)) {
            self.end = End::Terminated { kill_at: Some(Instant::now()) };
            self.system.kill();
        }
    }

    /// Returns `true` if this program has requested the end of the child.
    pub(super) fn is_terminated(&self) -> bool {
        !matches!(self.end, End::NotRequested)
    }

    /// Waits until the child and the other processes of its group have ended.
    async fn group_ended(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_ended(cx)).await?;
        let mut pause = MIN_PAUSE;
        while self.system.has_members() {
            self.pause(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        Ok(())
    }

    /// Kills the group, and waits until it has ended.
    async fn killed(&mut self) -> io::Result<()> {
        let mut pause = MIN_PAUSE;
        loop {
            // Repeated, because a process that has left the group may have created another one meanwhile.
            let has_escaped = self.system.kill();
            if !has_escaped {
                poll_fn(|cx| self.poll_ended(cx)).await?;
                if !self.system.has_members() {
                    return Ok(());
                }
            }
            self.pause(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Reads the unread pipes for a while.
    async fn pause(&mut self, duration: Duration) {
        let reading = poll_fn(|cx| {
            self.unread.iter().for_each(|pipe| pipe.poll_discard(cx));
            Poll::<()>::Pending
        });
        let _ = timeout(reading, duration).await;
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        loop {
            if let Some(status) = self.system.status()? {
                return Poll::Ready(Ok(status));
            }
            // Before the pipes, whose reads may spend tokio's cooperative budget.
            if self.system.poll_change(cx)?.is_pending() {
                break;
            }
        }
        self.unread.iter().for_each(|pipe| pipe.poll_discard(cx));
        Poll::Pending
    }

    /// Closes stdin, and reads the pipes that the block does not read.
    fn close_pipes(&mut self) {
        drop(self.stdin.take());
        let stdout = self.stdout.take().map(Pipe::Stdout);
        let stderr = self.stderr.take().map(Pipe::Stderr);
        self.unread.extend([stdout, stderr].into_iter().flatten().map(OutputPipe::discard));
    }

    async fn finish_capture(&mut self) {
        if let Some(Capture { stdout, stderr, .. }) = &mut self.capture {
            for pipe in [stdout, stderr].into_iter().flatten() {
                pipe.finish().await;
            }
        }
    }

    fn captured(&self, pipe: impl FnOnce(&Capture) -> &Option<OutputPipe>) -> (Vec<u8>, bool) {
        self.capture
            .as_ref()
            .and_then(|capture| pipe(capture).as_ref())
            .map(OutputPipe::captured)
            .unwrap_or_default()
    }

    fn wait_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Wait { program: self.program.clone(), source }
    }
}

impl fmt::Debug for ChildProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildProcess")
            .field("program", &self.program)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
