//! What `get_docs` needs around the reading: options, output, and the file that a later run resumes from.

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

/// A second Ctrl-C ends the program at once: the first may be waiting for whoever reads us.
pub(crate) fn exit_at_second_ctrl_c() {
    tokio::spawn(async {
        if ctrl_c().await.is_ok() && ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

/// Prints an error and what led to it.
pub(crate) fn tell(error: &(dyn Error + 'static)) -> ExitCode {
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // As with `| head`: who reads us has had enough.
        return ExitCode::SUCCESS;
    }
    let mut told = format!("error: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        told = format!("{told}: {error}");
        source = error.source();
    }
    drop(writeln!(io::stderr(), "{told}"));
    ExitCode::FAILURE
}
