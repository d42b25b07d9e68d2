use std::future::poll_fn;
use std::io;
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::process::ChildStdout;

/// A process that leads a process group, and kills the group when this program ends in any way.
///
/// It is a shell that reads from a pipe whose other end only this program has. The kernel closes that end when the
/// program ends, even by SIGKILL.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
    is_reaped: bool,
}

/// The script of the shell, which ignores the signals that end the rest of the group, writes a line, and waits for the end
/// of its input, which carries no data.
const SCRIPT: &str = "trap '' HUP INT QUIT TERM USR1 USR2; echo; exec >/dev/null; read -r line; kill -KILL 0";

impl Watchdog {
    /// Starts the shell, and waits until no signal but SIGKILL ends it.
    pub(super) async fn start() -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        // From here on, the destructor ends the shell.
        let mut this = Self { shell, is_reaped: false };
        let mut stdout = this.shell.stdout.take().map(ChildStdout::from_std).transpose()?;
        let mut line = [0];
        let mut line = ReadBuf::new(&mut line);
        if let Some(stdout) = &mut stdout {
            poll_fn(|cx| Pin::new(&mut *stdout).poll_read(cx, &mut line)).await?;
        }
        if line.filled().is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "/bin/sh does not run scripts"));
        }
        Ok(this)
    }

    /// Returns the id of the shell, which is that of its group. It is valid until the shell is reaped.
    pub(super) fn id(&self) -> Pid {
        Pid::from_child(&self.shell)
    }

    /// Reaps the shell, which was killed with its group.
    pub(super) fn reap(&mut self) {
        self.is_reaped = self.is_reaped || !matches!(self.shell.try_wait(), Ok(None));
    }
}

impl Drop for Watchdog {
    /// Ends a shell whose group is empty. A shell that was killed ends within a few milliseconds.
    fn drop(&mut self) {
        self.reap();
        if !self.is_reaped {
            drop(self.shell.kill());
            drop(self.shell.wait());
        }
    }
}
