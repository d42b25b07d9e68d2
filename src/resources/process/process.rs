use std::borrow::BorrowMut;
use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::child_process::ChildProcess;
use super::error::ProcessError;
use super::guard::ProcessGuard;
use super::system_child::{Prepared, SystemOptions};
use crate::context::AsyncContextManager;

/// The default of [`Process::grace_period`].
const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Creates a manager that starts a child process, and ends it together with the processes that it started.
///
/// The target is a [`ChildProcess`] with the pipes that the command requests. To let the child finish, await
/// [`wait`](ChildProcess::wait) or [`output`](ChildProcess::output) in the block. On every exit path, the exit ends what
/// is still running:
///
/// 1. Close stdin, and read the pipes that the block did not read, so that the child can end.
/// 2. Send SIGTERM to the process group of the child, and SIGCONT, because a stopped process receives no SIGTERM.
/// 3. Wait until the group has ended, for at most the [grace period](Process::grace_period).
/// 4. Send SIGKILL to what is left of the group, even if the child itself has already ended.
/// 5. Reap the child. This is the last step, because until then no other process can get its id or that of the group: a
///    signal never reaches an unrelated process.
///
/// `command` is a [`tokio::process::Command`] or, as its methods return, a mutable reference to one.
///
/// # Examples
///
/// A child with a time limit. The timeout ends the child before it returns the error:
///
/// ```
/// # #[cfg(unix)]
/// # mod unix {
/// use std::process::ExitStatus;
/// use std::time::Duration;
/// use tokio::process::Command;
/// use withal::context::{EitherError, async_with};
/// use withal::resources::{ProcessError, process};
/// use withal::tasks::{TimeoutError, timeout};
///
/// async fn sleep(seconds: &str, limit: Duration) -> Result<ExitStatus, EitherError<TimeoutError, ProcessError>> {
///     let mut command = Command::new("sleep");
///     command.arg(seconds);
///     async_with!(_ = timeout(limit), child = process(command) => { child.wait().await.map_err(EitherError::Second)? })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # pub async fn main() {
/// assert!(sleep("0.01", Duration::from_secs(100)).await.unwrap().success());
/// let error = sleep("1000", Duration::from_millis(50)).await.unwrap_err();
/// assert!(matches!(error, EitherError::First(TimeoutError::Elapsed)));
/// # }
/// # }
/// # #[cfg(unix)]
/// # unix::main();
/// ```
///
/// The captured output of a child, with a limit of 1 MiB. A status other than success is an error:
///
/// ```
/// # #[cfg(unix)]
/// # mod unix {
/// use tokio::process::Command;
/// use withal::context::async_with;
/// use withal::resources::{ProcessError, process};
///
/// async fn run(script: &str) -> Result<String, ProcessError> {
///     let mut command = Command::new("sh");
///     command.args(["-c", script]);
///     let output = async_with!(child = process(command).capture_output(1 << 20).check(true) => {
///         child.output().await?
///     })?;
///     Ok(String::from_utf8_lossy(&output.stdout).into_owned())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # pub async fn main() {
/// assert_eq!(run("echo Hello").await.unwrap(), "Hello\n");
/// let error = run("exit 3").await.unwrap_err();
/// assert_eq!(error.to_string(), "\"sh\" failed with exit status: 3");
/// # }
/// # }
/// # #[cfg(unix)]
/// # unix::main();
/// ```
///
/// A pipeline, `sort | uniq -c`, whose first child reads from the block:
///
/// ```
/// # #[cfg(unix)]
/// # mod unix {
/// use std::process::Stdio;
/// use tokio::io::AsyncWriteExt;
/// use tokio::process::Command;
/// use withal::context::async_with;
/// use withal::resources::process;
/// use withal::tasks::BoxError;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # pub async fn main() -> Result<(), BoxError> {
/// let mut sort = Command::new("sort");
/// sort.stdin(Stdio::piped()).stdout(Stdio::piped());
/// let output = async_with!(sort = process(sort) => {
///     let sorted: Stdio = sort.stdout.take().expect("stdout is piped").try_into()?;
///     let mut uniq = Command::new("uniq");
///     uniq.arg("-c").stdin(sorted);
///     async_with!(uniq = process(uniq).capture_output(1 << 20) => {
///         let mut stdin = sort.stdin.take().expect("stdin is piped");
///         stdin.write_all(b"pear\napple\npear\n").await?;
///         drop(stdin); // the end of the input
///         sort.wait().await?;
///         uniq.output().await?
///     })?
/// })?;
/// assert_eq!(String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>(), ["1", "apple", "2", "pear"]);
/// # Ok(())
/// # }
/// # }
/// # #[cfg(unix)]
/// # unix::main().unwrap();
/// ```
///
/// # Errors
///
/// Entering fails with [`ProcessError::Start`] if the program cannot be started, and with [`ProcessError::Watchdog`] if the
/// shell for [`kill_on_parent_death`](Process::kill_on_parent_death) cannot. The exit fails with
/// [`ProcessError::NotEnding`] if the child does not end although it was killed, with [`ProcessError::Wait`] if the system
/// cannot report its end, and, with [`check`](Process::check), with [`ProcessError::Status`].
///
/// # Panics
///
/// Entering panics outside of a tokio runtime with an enabled I/O driver. No child is started then.
///
/// # Cancel safety
///
/// If the enter is dropped, no child has been started: it awaits only the shell of
/// [`kill_on_parent_death`](Process::kill_on_parent_death), which is then ended. If the block or the exit is dropped, the
/// exit continues as a [cleanup](crate::cleanup) with the same grace period. If the runtime shuts down, or there is
/// none, the destructor kills the group at once, and waits for at most half a second to reap the child.
///
/// # Limitations
///
/// - The exit does not run if this program ends without running destructors: by SIGKILL, an abort or
///   [`std::process::exit`]. The child then continues to run, unless it ends because its piped stdin ends, or by SIGPIPE
///   when it writes to a pipe. [`kill_on_parent_death`](Process::kill_on_parent_death) ends it in any case.
/// - A blocked device or network file system can keep a killed process in the kernel. The exit then fails after 10
///   seconds, and a thread reaps the process when it ends.
/// - On Linux, the exit searches `/proc` for the rest of the group: once if nothing is left of it, otherwise repeatedly. A
///   search takes some microseconds for each process of the system.
/// - A descendant that leaves the process group, as a daemon does with `setsid`, is not ended, unless
///   [`kill_descendants`](Process::kill_descendants) is set.
/// - The child is not in the foreground group of a terminal: it is stopped if it reads from the terminal, and Ctrl-C does
///   not reach it. The exit ends it instead, when this program leaves the block.
/// - [`Command::process_group`] and [`Command::kill_on_drop`] have no effect: the manager sets the group.
/// - Orphans of the child, which have ended after it, are reaped by process 1. If this program is process 1, as in a container
///   without an init process, they stay zombies.
/// - No other code of this program may reap the child, for example with `waitpid(-1)`.
/// - This program may lack the permission to signal a child with other privileges, such as `sudo`. The exit then fails with
///   [`ProcessError::NotEnding`].
///
/// # Platforms
///
/// Tested on Linux. macOS, iOS, Android and FreeBSD behave in the same way, except that after the child has ended, the rest
/// of its group is killed without a grace period, because the group cannot be observed there. On Windows and other
/// systems, there is no process group: the exit closes stdin and kills the child at once, as tokio's
/// [`start_kill`](tokio::process::Child::start_kill) does. The grace period has no effect, and the processes that the child
/// started continue to run.
#[doc(alias("subprocess", "spawn", "Command", "Child", "kill_on_drop", "Popen"))]
pub fn process<C: BorrowMut<Command>>(command: C) -> Process<C> {
    Process {
        command,
        grace_period: DEFAULT_GRACE_PERIOD,
        check: false,
        capture: None,
        options: SystemOptions::default(),
        name: "process",
    }
}

/// A child process that ends with its block. Created by [`process`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct Process<C = Command> {
    command: C,
    grace_period: Duration,
    check: bool,
    capture: Option<usize>,
    options: SystemOptions,
    name: &'static str,
}

impl<C: BorrowMut<Command>> Process<C> {
    /// Sets the time that the process group has to end after SIGTERM, before it is killed. The default is 10 seconds.
    ///
    /// The exit does not wait longer than the group takes to end. With [`Duration::ZERO`], the group is killed at once,
    /// without SIGTERM. The grace period is wall-clock time, even while tokio's clock is paused.
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }

    /// Sets whether the exit fails with [`ProcessError::Status`] if the child has ended with a status other than success.
    /// The default is `false`.
    ///
    /// Only the status of a child that ended before the exit is checked: a child that the exit ends has the status of
    /// SIGTERM or SIGKILL, which is not an error. If the block has failed, the error of the exit is
    /// [reported](crate::cleanup#reports), because it may be the cause. After a panic or a cancellation, the status is not
    /// checked.
    pub fn check(self, check: bool) -> Self {
        Self { check, ..self }
    }

    /// Captures stdout and stderr, each up to `limit` bytes, for [`output`](ChildProcess::output). By default, they are
    /// redirected as the command specifies.
    ///
    /// A task of the current runtime reads the pipes while the block runs, so that the child never waits for a reader. Output
    /// beyond the limit is discarded, and `output` then fails. If the output is not captured but the command requests pipes, the block can read
    /// [`stdout`](ChildProcess::stdout) and [`stderr`](ChildProcess::stderr).
    pub fn capture_output(self, limit: usize) -> Self {
        Self { capture: Some(limit), ..self }
    }

    /// Sets whether the process group is also killed if this program ends without running the exit, for example by
    /// SIGKILL. The default is `false`: the child then continues to run.
    ///
    /// A second process leads the group: a shell that waits for the end of a pipe from this program. The child never runs
    /// without it. The setting needs `/bin/sh`, and has no effect on systems without process groups.
    ///
    /// Linux's parent-death signal is not used, because it is sent when the *thread* that started the child ends.
    #[doc(alias("PR_SET_PDEATHSIG", "pdeathsig"))]
    pub fn kill_on_parent_death(mut self, kill: bool) -> Self {
        self.options.kill_on_parent_death = kill;
        self
    }

    /// Sets whether the exit also ends the descendants that have left the process group, such as daemons. The default is
    /// `false`. It has an effect only on Linux.
    ///
    /// The descendants are found by a variable in their environment, which they inherit. A descendant is not found if it
    /// clears its environment, runs as another user, or is just being replaced by another program. Each exit reads `/proc`
    /// several times, which takes some microseconds for each process of the system.
    #[doc(alias("setsid", "daemon"))]
    pub fn kill_descendants(mut self, kill: bool) -> Self {
        self.options.kill_descendants = kill;
        self
    }

    /// Sets the name of the exit in reports and [events](crate::cleanup::CleanupEvent). The default is `"process"`.
    pub fn name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

impl<C: BorrowMut<Command> + Send> AsyncContextManager for Process<C> {
    type Guard = ProcessGuard;

    async fn aenter(mut self) -> Result<ProcessGuard, ProcessError> {
        let prepared = Prepared::new(self.options).await;
        let prepared = prepared.map_err(|source| ProcessError::Watchdog { source })?;
        let command = self.command.borrow_mut();
        if self.capture.is_some() {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let child =
            ChildProcess::start(command, program, self.options, prepared, self.capture, self.grace_period)?;
        Ok(ProcessGuard { child, grace_period: self.grace_period, check: self.check, name: self.name })
    }
}

impl<C: BorrowMut<Command>> fmt::Debug for Process<C> {
    /// Without the arguments and the environment of the command, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.command.borrow().as_std().get_program();
        f.debug_struct("Process").field("program", &program).finish_non_exhaustive()
    }
}
