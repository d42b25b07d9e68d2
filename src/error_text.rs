//! The texts of errors whose type need not implement [`Error`], for reports and for groups of errors.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug, Display, Write};
use std::{char, env, io, net, num, str, string, time};

use crate::box_error::BoxError;

/// The bytes of a text at which it is cut off.
const LIMIT: usize = 2000;

/// The number of causes after which no more are written: a chain may be a circle.
const MAX_CAUSES: usize = 32;

/// The format of errors in reports is `{:-?}`. The sign has no meaning for the types of std, and a derived [`Debug`]
/// passes it on. The errors of this crate then write their text instead of their fields, also as a field of another
/// error.
pub(crate) fn is_report(f: &fmt::Formatter<'_>) -> bool {
    f.sign_minus()
}

/// Returns the text of an error, with its causes, if its type is known or it can be formatted by `debug`.
///
/// The type of an error in a generic function need not implement [`Error`], and this cannot be tested at run time. A
/// type that is not in the list of [`as_known_error`] is therefore formatted by its [`Debug`], as `main` and `unwrap`
/// do it.
pub(crate) fn describe(error: &dyn Any, debug: Option<&dyn Debug>) -> Option<String> {
    known_text(error).or_else(|| debug.map(|debug| bounded(|text| write!(text, "{debug:-?}"))))
}

/// Returns the text of a panic, if its payload is a text.
pub(crate) fn describe_panic(payload: &dyn Any) -> Option<String> {
    known_text(payload)
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
    // `{:#}` asks a boxed error for its causes.
    if GROUP_WRITTEN.get() { text } else { bounded(|text| write!(text, "{error:#}")) }
}

/// Returns the text of an error whose type is known.
pub(crate) fn known_text(error: &dyn Any) -> Option<String> {
    macro_rules! texts {
        ($($text:ty),*) => {
            $(if let Some(text) = error.downcast_ref::<$text>() {
                return Some(bounded(|written| written.write_str(text)));
            })*
        };
    }
    texts!(&'static str, String, Cow<'static, str>, Box<str>);
    as_known_error(error).map(with_sources)
}

/// Borrows an error as a `dyn Error`, if its type is in this list.
pub(crate) fn as_known_error(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    macro_rules! find {
        ($($boxed:ty),*; $($plain:ty),* $(,)?) => {
            $(if let Some(error) = error.downcast_ref::<$boxed>() {
                return Some(&**error);
            })*
            $(if let Some(error) = error.downcast_ref::<$plain>() {
                return Some(error);
            })*
        };
    }
    #[cfg(feature = "anyhow")]
    find!(anyhow::Error;);
    find! {
        BoxError, Box<dyn Error + Send + Sync>, Box<dyn Error + Send>, Box<dyn Error>;
        io::Error, fmt::Error, num::ParseIntError, num::ParseFloatError, num::TryFromIntError, str::Utf8Error,
        str::ParseBoolError, char::ParseCharError, char::CharTryFromError, string::FromUtf8Error,
        net::AddrParseError, env::VarError, time::SystemTimeError, std::alloc::LayoutError,
        std::sync::mpsc::RecvError, std::ffi::NulError, std::array::TryFromSliceError,
        tokio::sync::AcquireError, tokio::sync::TryLockError, tokio::sync::oneshot::error::RecvError,
        tokio::sync::broadcast::error::RecvError, tokio::sync::watch::error::RecvError,
        tokio::task::JoinError, tokio::time::error::Elapsed, tokio::runtime::TryCurrentError,
    }
    None
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
