//! The reports of events that no observer receives: `tracing` events, or lines on stderr.

use std::fmt;
use std::io::{self, Write as _};

use super::event::CleanupEvent;
use crate::panic::{catch_panic, drop_payload, ignore_panic};

/// The severity of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

/// Reports an event as one `tracing` event, with the feature and a subscriber, or else as one line on stderr. Never
/// panics: it is called in destructors.
#[cold]
pub(super) fn report(event: &CleanupEvent<'_>) {
    let severity = match event {
        CleanupEvent::Abandoned { .. } => Severity::Warning,
        _ => Severity::Error,
    };
    // The `Display` implementations of errors are user code. If one panics, the event is reported without the error.
    let cause = catch_panic(|| event.error_text()).unwrap_or_else(|payload| {
        drop_payload(payload);
        None
    });
    // Subscribers are user code as well.
    ignore_panic(|| emit(severity, event, cause));
}

/// Reports an error of a program's end, such as a drain that timed out.
#[cold]
pub(super) fn report_error(error: &dyn fmt::Display) {
    ignore_panic(|| emit(Severity::Error, error, None));
}

#[cfg(feature = "tracing")]
fn emit(severity: Severity, message: &dyn fmt::Display, cause: Option<String>) {
    use tracing::subscriber::NoSubscriber;

    // An event without a subscriber would be lost.
    if tracing::dispatcher::get_default(tracing::Dispatch::is::<NoSubscriber>) {
        return write_line(message, cause);
    }
    match severity {
        Severity::Error => tracing::error!(error = cause, "{message}"),
        Severity::Warning => tracing::warn!(error = cause, "{message}"),
    }
}

#[cfg(not(feature = "tracing"))]
fn emit(_severity: Severity, message: &dyn fmt::Display, cause: Option<String>) {
    write_line(message, cause);
}

/// Writes one line to stderr. In contrast to `eprintln!`, it does not panic if stderr is closed.
fn write_line(message: &dyn fmt::Display, cause: Option<String>) {
    let mut text = format!("withal: {message}");
    if let Some(cause) = cause {
        text = format!("{text}: {cause}");
    }
    // Joined, because an error may have several lines. The line is written at once, so that threads do not mix theirs.
    let mut line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    line.push('\n');
    drop(io::stderr().lock().write_all(line.as_bytes()));
}
