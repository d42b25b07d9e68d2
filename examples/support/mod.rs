//! The parts of `get_docs` that are not pagination: options, output, and the checkpoint file.

mod args;
mod output;
mod saved;

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use tokio::signal::ctrl_c;

pub(crate) use self::args::Args;
pub(crate) use self::output::Output;
pub(crate) use self::saved::Saved;

/// Exits at the second Ctrl-C: the first one may be waiting for a blocked reader of stdout.
pub(crate) fn exit_at_second_ctrl_c() {
    tokio::spawn(async {
        if ctrl_c().await.is_ok() && ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

/// Prints an error and its sources.
pub(crate) fn report(error: &(dyn Error + 'static)) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // The reader of stdout has exited, as in `get_docs | head`.
        return ExitCode::SUCCESS;
    }
    let mut message = format!("error: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    drop(writeln!(io::stderr(), "{message}"));
    ExitCode::FAILURE
}
