//! The reports of events that no observer receives: `tracing` events, or lines on stderr.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use super::event::CleanupEvent;
use crate::box_error::BoxError;
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
    let cause = catch_panic(|| cause(event)).unwrap_or_else(|payload| {
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

/// Returns the error or the panic message of an event as text, if its type is known.
fn cause(event: &CleanupEvent<'_>) -> Option<String> {
    match event {
        CleanupEvent::Failed { error, .. } => describe(*error),
        CleanupEvent::TaskFailed { error, .. } => describe(*error),
        CleanupEvent::Panicked { payload, .. } | CleanupEvent::TaskPanicked { payload, .. } => {
            describe(*payload)
        }
        _ => None,
    }
}

/// Returns the text of an error, with its sources.
///
/// An error is passed around as `dyn Any`, because its type need not implement any trait. So the text is available for
/// the types that are listed here only.
fn describe(error: &(dyn Any + 'static)) -> Option<String> {
    if let Some(text) = error.downcast_ref::<&'static str>() {
        return Some((*text).to_owned());
    }
    if let Some(text) = error.downcast_ref::<String>() {
        return Some(text.clone());
    }
    if let Some(text) = error.downcast_ref::<Cow<'static, str>>() {
        return Some(text.clone().into_owned());
    }
    #[cfg(feature = "anyhow")]
    if let Some(error) = error.downcast_ref::<anyhow::Error>() {
        return Some(format!("{error:#}"));
    }
    as_error(error).map(with_sources)
}

/// Borrows an error of a known type as a `dyn Error`.
fn as_error<'a>(error: &'a (dyn Any + 'static)) -> Option<&'a (dyn Error + 'static)> {
    macro_rules! known_types {
        ($($ty:ty),* $(,)?) => {
            None$(.or_else(|| error.downcast_ref::<$ty>().map(|error| error as &(dyn Error + 'static))))*
        };
    }
    if let Some(error) = error.downcast_ref::<BoxError>() {
        return Some(error.as_error());
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send>>() {
        return Some(&**error);
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error>>() {
        return Some(&**error);
    }
    known_types![
        io::Error,
        fmt::Error,
        std::num::ParseIntError,
        std::num::ParseFloatError,
        std::str::Utf8Error,
        std::string::FromUtf8Error,
        std::time::SystemTimeError,
        tokio::sync::AcquireError,
        tokio::sync::oneshot::error::RecvError,
        tokio::task::JoinError,
        tokio::time::error::Elapsed,
    ]
}

/// Returns the messages of an error and of its sources, separated by colons.
fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail, except if the error's `Display` does.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
