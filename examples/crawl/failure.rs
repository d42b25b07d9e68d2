use std::error::Error;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use withal::pages::{self, OnError, http};

/// The end of a download before its last item. Each variant has an exit code, which `--help` lists.
pub(crate) enum Failure {
    /// The server or the network failed: a later run may succeed.
    Temporary(String),
    Usage(String),
    File(String),
    /// The API refuses the request, or its responses are not what the options describe: a later run fails, too.
    Api(String),
    Stopped,
    /// The reader of stdout has exited, as in `crawl | head`.
    ClosedPipe,
}

impl Failure {
    pub(crate) fn usage(error: impl Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(crate) fn report(self) -> ExitCode {
        let (code, message) = match self {
            Self::ClosedPipe => return ExitCode::SUCCESS,
            Self::Temporary(message) => {
                (1, format!("error: {message}\nstopped: continue later with --resume"))
            }
            Self::Usage(message) => (2, format!("error: {message}")),
            Self::File(message) => (3, format!("error: {message}")),
            Self::Api(message) => (4, format!("error: {message}")),
            Self::Stopped => (130, "stopped: continue with --resume".to_owned()),
        };
        // A closed stderr does not change the exit code.
        drop(writeln!(io::stderr(), "{message}"));
        ExitCode::from(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::ClosedPipe } else { Self::File(error.to_string()) }
    }
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        let is_temporary = matches!(http::classify::<()>(&error), OnError::Retry { .. });
        if is_temporary { Self::Temporary(chain(&error)) } else { Self::Api(chain(&error)) }
    }
}

impl From<pages::Error<http::Error>> for Failure {
    fn from(error: pages::Error<http::Error>) -> Self {
        let message = chain(&error);
        match error.into_fetch_error().map(Self::from) {
            Ok(Self::Temporary(_)) => Self::Temporary(message),
            _ => Self::Api(message),
        }
    }
}

/// Returns the text of an error and those of its sources.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    message
}
