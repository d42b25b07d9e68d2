//! The texts of errors, with their causes and of a bounded length, for reports and for groups of errors.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug, Display, Write};

use crate::panic::ignore_panic;

/// The bytes of a text at which it is cut off.
const LIMIT: usize = 2000;

/// The number of causes after which no more are written: a chain may be a circle.
const MAX_CAUSES: usize = 32;

/// The format of errors in reports is `{:-?}`. The sign has no meaning for the types of std, and a derived `Debug`
/// passes it on. The errors of this crate then write their text instead of their fields, also as a field of another
/// error.
pub(crate) fn is_report(f: &fmt::Formatter<'_>) -> bool {
    f.sign_minus()
}

thread_local! {
    /// Set when a group of errors was written, for an error around it: the text of a group contains those of its errors,
    /// and its source is one of them. Without it, the text of nested groups would double with each level.
    static GROUP_WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// Records that the text of a group was written.
pub(crate) fn mark_group() {
    GROUP_WRITTEN.set(true);
}

thread_local! {
    /// Set when the error that was formatted needs no report: the cancellation of a task, or the failure of a task that
    /// its group reports.
    static NO_FAILURE: Cell<bool> = const { Cell::new(false) };
}

/// Records that an error that needs no report was written.
pub(crate) fn mark_no_failure() {
    NO_FAILURE.set(true);
}

/// Returns `true` if an error that cannot be returned is to be reported: see [`mark_no_failure`]. Its type is unknown,
/// so only its `Debug` implementation can decide. Never panics.
pub(crate) fn is_failure(error: &dyn Debug) -> bool {
    NO_FAILURE.set(false);
    ignore_panic(|| drop(bounded(|text| write!(text, "{error:-?}"))));
    !NO_FAILURE.take()
}

/// Returns the messages of an error and of its sources, separated by colons. A source whose message ends the text so far,
/// and the sources of a group of errors, are not repeated.
pub(crate) fn with_sources(error: &(dyn Error + 'static)) -> String {
    GROUP_WRITTEN.set(false);
    bounded(|text| {
        write!(text, "{error}")?;
        let mut source = error.source();
        for _ in 0..MAX_CAUSES {
            let Some(error) = source.filter(|_| !GROUP_WRITTEN.get()) else { break };
            let cause = bounded(|text| write!(text, "{error}"));
            if !text.ends_with(&cause) {
                write!(text, ": {cause}")?;
            }
            source = error.source();
        }
        Ok(())
    })
}

/// Returns the text of an error that implements `Display` only.
pub(crate) fn display(error: &dyn Display) -> String {
    GROUP_WRITTEN.set(false);
    let text = bounded(|text| write!(text, "{error}"));
    // `{:#}` makes a boxed error write its causes.
    if GROUP_WRITTEN.get() { text } else { bounded(|text| write!(text, "{error:#}")) }
}

/// Returns what `write` writes, cut off at [`LIMIT`].
pub(crate) fn bounded(write: impl FnOnce(&mut Bounded) -> fmt::Result) -> String {
    let mut text = Bounded { text: String::new(), is_full: false };
    // The error of a text that is full, or of an implementation of `Display`: what was written before is kept.
    let _ = write(&mut text);
    if text.is_full {
        text.text.push_str(" ..");
    }
    text.text
}

/// A text that accepts a bounded number of bytes.
pub(crate) struct Bounded {
    text: String,
    is_full: bool,
}

impl Bounded {
    fn ends_with(&self, end: &str) -> bool {
        self.text.ends_with(end)
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(LIMIT - self.text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&text[..end]);
        self.is_full |= end < text.len();
        if self.is_full { Err(fmt::Error) } else { Ok(()) }
    }
}
