use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// The settings of a new child, which have no effect on this system.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SystemOptions {
    pub(super) kill_on_parent_death: bool,
    pub(super) kill_descendants: bool,
}

/// The processes that a child needs: none on this system.
#[derive(Debug)]
pub(super) struct Prepared(());

impl Prepared {
    #[expect(clippy::unused_async, reason = "other systems wait")]
    pub(super) async fn new(_options: SystemOptions) -> io::Result<Self> {
        Ok(Self(()))
    }
}

/// The pipes to a new child.
pub(super) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// A child process without a process group: this system has none, or cannot observe a child without reaping it.
#[derive(Debug)]
pub(super) struct SystemChild {
    child: Child,
    id: u32,
}

impl SystemChild {
    pub(super) fn spawn(
        command: &mut Command,
        _options: SystemOptions,
        _prepared: Prepared,
    ) -> io::Result<(Self, Pipes)> {
        let mut child = command.kill_on_drop(true).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = child.id().unwrap_or_default();
        Ok((Self { child, id }, pipes))
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Returns the status if the child has ended.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Polls for the end of the child.
    pub(super) fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The child stores the state of the wait, so the next future continues it.
        pin!(self.child.wait()).poll(cx).map_ok(drop)
    }

    /// Kills the child, because there is no signal that requests its end.
    pub(super) fn terminate(&mut self) {
        self.kill();
    }

    /// Kills the child.
    pub(super) fn kill(&mut self) -> bool {
        // It fails if the child has ended.
        drop(self.child.start_kill());
        false
    }

    pub(super) fn has_members(&self) -> bool {
        false
    }

    pub(super) fn reap(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}
