#[cfg(target_os = "linux")]
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpgid, kill_process, kill_process_group, waitid,
    waitpid,
};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{Signal as SignalListener, SignalKind, signal};

#[cfg(target_os = "linux")]
use super::proc_scan;
use super::watchdog::Watchdog;

/// The settings of a new child.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SystemOptions {
    pub(super) kill_on_parent_death: bool,
    pub(super) kill_descendants: bool,
}

/// The pipes to a new child.
pub(super) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A child process with its process group.
///
/// The child, or the watchdog that leads its group, is reaped last: until then, the kernel gives neither the id of the
/// process nor that of the group to another one, so that no signal can reach an unrelated process. The end of the child
/// is therefore observed without reaping it.
#[derive(Debug)]
pub(super) struct SystemChild {
    child: Child,
    group: Pid,
    watchdog: Option<Watchdog>,
    /// Receives SIGCHLD, which tokio delivers to all listeners, on every runtime.
    child_signals: SignalListener,
    /// The environment variable of the child and its descendants, by which those outside of the group are found.
    #[cfg(target_os = "linux")]
    variable: Option<String>,
    /// The child, and with it its process group, no longer belongs to this program.
    is_reaped: bool,
}

/// The time that a destructor waits for a child that it has killed.
const REAP_TIMEOUT: Duration = Duration::from_millis(500);

/// The watchdog and the signals that a child needs before it is started. The watchdog ends if this is dropped.
#[derive(Debug)]
pub(super) struct Prepared {
    child_signals: SignalListener,
    watchdog: Option<Watchdog>,
}

impl Prepared {
    /// # Errors
    ///
    /// The watchdog cannot be started.
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime with an I/O driver.
    pub(super) async fn new(options: SystemOptions) -> io::Result<Self> {
        // A handler for SIGCHLD also prevents the kernel from reaping the children itself.
        let child_signals = signal(SignalKind::child())?;
        let watchdog = if options.kill_on_parent_death { Some(Watchdog::start().await?) } else { None };
        Ok(Self { child_signals, watchdog })
    }
}

/// Returns the name of a variable that no other child has. It is random: a name by the id of this process would also be
/// that of descendants which an earlier process with the same id has left.
#[cfg(target_os = "linux")]
fn new_variable() -> String {
    // Its keys are random, and differ between two calls.
    format!("WITHAL_PROCESS_{:016X}", RandomState::new().hash_one(std::process::id()))
}

impl SystemChild {
    pub(super) fn spawn(
        command: &mut Command,
        options: SystemOptions,
        prepared: Prepared,
    ) -> io::Result<(Self, Pipes)> {
        let Prepared { child_signals, watchdog } = prepared;
        let command = command.as_std_mut();
        command.process_group(watchdog.as_ref().map_or(0, |watchdog| watchdog.id().as_raw_pid()));
        #[cfg(target_os = "linux")]
        let variable = options.kill_descendants.then(new_variable);
        #[cfg(target_os = "linux")]
        command.envs(variable.as_ref().map(|variable| (variable, "1")));
        // Not tokio's `spawn`, which forgets the child if it cannot register the pipes.
        let child = command.spawn();
        // The command may belong to the caller, who may start more children with it.
        command.process_group(0);
        #[cfg(target_os = "linux")]
        if let Some(variable) = &variable {
            command.env_remove(variable);
        }
        #[cfg(not(target_os = "linux"))]
        let SystemOptions { kill_descendants: _, .. } = options;
        let child = child?;
        let group = watchdog.as_ref().map_or_else(|| Pid::from_child(&child), Watchdog::id);
        // From here on, the destructor kills the child after an error.
        let mut this = Self {
            child,
            group,
            watchdog,
            child_signals,
            #[cfg(target_os = "linux")]
            variable,
            is_reaped: false,
        };
        let stdin = this.child.stdin.take().map(ChildStdin::from_std).transpose()?;
        let stdout = this.child.stdout.take().map(ChildStdout::from_std).transpose()?;
        let stderr = this.child.stderr.take().map(ChildStderr::from_std).transpose()?;
        Ok((this, (stdin, stdout, stderr)))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the status if the child has ended, without reaping it.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.is_reaped {
            return self.child.try_wait();
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(Pid::from_child(&self.child)), options) {
            // The encoding of a status as `wait` returns it, which is the same on all these systems.
            Ok(status) => Ok(status.and_then(|status| {
                let code = status.exit_status().map(|code| (code & 0xff) << 8);
                let dump = if status.dumped() { 0x80 } else { 0 };
                let raw = code.or_else(|| status.terminating_signal().map(|signal| signal | dump));
                raw.map(ExitStatus::from_raw)
            })),
            Err(error) => {
                // Reaped by other code: its id may be that of another process by now.
                self.is_reaped |= error == rustix::io::Errno::CHILD;
                Err(error.into())
            }
        }
    }

    /// Polls for the end of a child of this program since the last call, after which [`status`](Self::status) may have
    /// changed.
    pub(super) fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.child_signals.poll_recv(cx).map(|_| Ok(()))
    }

    /// Requests the end of the group with SIGTERM. A stopped process receives it when it is continued.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    /// Kills the group. Returns `true` if this killed processes that had left the group: they may have children, so kill
    /// again.
    pub(super) fn kill(&self) -> bool {
        self.signal(Signal::KILL)
    }

    /// Signals the group, and the child and the descendants that have left it. Only waiting shows the effect of the signal.
    fn signal(&self, signal: Signal) -> bool {
        if self.has_group() {
            let _ = kill_process_group(self.group, signal);
        }
        let child = Pid::from_child(&self.child);
        if !self.is_reaped && getpgid(Some(child)) != Ok(self.group) {
            let _ = kill_process(child, signal);
        }
        #[cfg(target_os = "linux")]
        if let Some(variable) = &self.variable {
            return proc_scan::signal_by_variable(variable, Some(signal));
        }
        false
    }

    /// Returns `true` while the id of the group cannot be that of another group.
    fn has_group(&self) -> bool {
        !self.is_reaped || self.watchdog.is_some()
    }

    /// Returns `true` if other processes that the exit ends are running, as far as the system reports them.
    #[cfg(target_os = "linux")]
    pub(super) fn has_members(&self) -> bool {
        let leaders = [self.group, Pid::from_child(&self.child)];
        let in_group = self.has_group() && proc_scan::has_members(self.group, &leaders);
        in_group
            || self.variable.as_ref().is_some_and(|variable| proc_scan::signal_by_variable(variable, None))
    }

    /// Returns `false`: the system has no list of processes that the standard library can read.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn has_members(&self) -> bool {
        false
    }

    /// Reaps the child, and then the leader of its group. Returns its status if it has ended.
    pub(super) fn reap(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.is_reaped |= status.is_some();
        if self.is_reaped {
            self.watchdog = None;
        }
        Ok(status)
    }
}

impl Drop for SystemChild {
    /// Kills the group if no exit has done so: its runtime has shut down, or the program has left the runtime.
    fn drop(&mut self) {
        if self.is_reaped && self.watchdog.is_none() {
            return;
        }
        let deadline = Instant::now() + REAP_TIMEOUT;
        while self.kill() && Instant::now() < deadline {}
        while matches!(self.reap(), Ok(None)) {
            if Instant::now() >= deadline {
                return reap_in_background(Pid::from_child(&self.child));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Reaps a child that is blocked in the kernel, on a thread. Without a thread, the child stays a zombie until this program
/// ends.
#[cold]
fn reap_in_background(child: Pid) {
    let name = String::from("withal-reaper");
    drop(thread::Builder::new().name(name).spawn(move || waitpid(Some(child), WaitOptions::empty())));
}
