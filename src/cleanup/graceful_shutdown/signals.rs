use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

/// The signals that request the end of a program: SIGINT and SIGTERM, or on Windows Ctrl-C, Ctrl-Break, the close of the
/// console and the shutdown of the system.
///
/// [`GracefulShutdown::on_signals`](super::GracefulShutdown::on_signals) uses them. A program can also await them itself:
/// each [`recv`](Self::recv) completes at the next signal.
///
/// After [`new`](Self::new), these signals no longer end the process, even after the value is dropped: tokio
/// [does not remove](tokio::signal::unix::Signal) a handler.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use withal::cleanup::Signals;
///
/// let mut signals = Signals::new()?; // from here on, no signal is lost
/// println!("{} received", signals.recv().await);
/// # Ok(())
/// # }
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "signal")))]
#[doc(alias = "ctrl_c", alias = "SIGTERM", alias = "SIGINT")]
pub struct Signals {
    sources: Vec<(TerminationSignal, Source)>,
}

#[cfg(unix)]
type Source = tokio::signal::unix::Signal;

#[cfg(windows)]
type Source = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<()>> + Send + Sync>;

/// A signal that [`Signals`] has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(docsrs, doc(cfg(feature = "signal")))]
pub enum TerminationSignal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// Ctrl-Break, on Windows.
    Break,
    /// The close of the console, on Windows.
    Close,
    /// The shutdown of the system, on Windows.
    SystemShutdown,
}

impl fmt::Display for TerminationSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt if cfg!(unix) => "SIGINT",
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::Break => "Ctrl-Break",
            Self::Close => "close of the console",
            Self::SystemShutdown => "shutdown of the system",
        })
    }
}

impl Signals {
    /// Installs the handlers. A signal that arrives between this call and [`recv`](Self::recv) is not lost.
    ///
    /// # Errors
    ///
    /// The error of the system, if a handler cannot be installed.
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime, or on a runtime without its I/O driver: build it with `enable_all`, or `enable_io`.
    pub fn new() -> io::Result<Self> {
        Ok(Self { sources: sources()? })
    }

    /// Waits for the next signal.
    ///
    /// Signals of the same kind that arrive before the first of them is received count as one.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no signal is lost.
    pub async fn recv(&mut self) -> TerminationSignal {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for the next signal: see [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<TerminationSignal> {
        for (signal, source) in &mut self.sources {
            if let Poll::Ready(Some(())) = poll_source(source, cx) {
                return Poll::Ready(*signal);
            }
        }
        Poll::Pending
    }
}

#[cfg(unix)]
fn sources() -> io::Result<Vec<(TerminationSignal, Source)>> {
    use tokio::signal::unix::{SignalKind, signal};

    Ok(vec![
        (TerminationSignal::Interrupt, signal(SignalKind::interrupt())?),
        (TerminationSignal::Terminate, signal(SignalKind::terminate())?),
    ])
}

#[cfg(unix)]
fn poll_source(source: &mut Source, cx: &mut Context<'_>) -> Poll<Option<()>> {
    source.poll_recv(cx)
}

#[cfg(windows)]
fn sources() -> io::Result<Vec<(TerminationSignal, Source)>> {
    use tokio::signal::windows;

    let mut interrupt = windows::ctrl_c()?;
    let mut ctrl_break = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    Ok(vec![
        (TerminationSignal::Interrupt, Box::new(move |cx: &mut Context<'_>| interrupt.poll_recv(cx))),
        (TerminationSignal::Break, Box::new(move |cx: &mut Context<'_>| ctrl_break.poll_recv(cx))),
        (TerminationSignal::Close, Box::new(move |cx: &mut Context<'_>| close.poll_recv(cx))),
        (TerminationSignal::SystemShutdown, Box::new(move |cx: &mut Context<'_>| shutdown.poll_recv(cx))),
    ])
}

#[cfg(windows)]
fn poll_source(source: &mut Source, cx: &mut Context<'_>) -> Poll<Option<()>> {
    source(cx)
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals").finish_non_exhaustive()
    }
}
