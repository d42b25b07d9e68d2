//! The errors that reports recognize by their type, although the type in a generic function need not implement [`Error`].

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::{char, env, io, net, num, str, string, time};

use crate::box_error::BoxError;
use crate::error_text::{bounded, with_sources};

/// Returns the text of an error, with its causes, if its type is known or it can be formatted by `debug`.
///
/// The type of an error in a generic function need not implement [`Error`], and this cannot be tested at run time. A
/// type that is not in the list of [`as_known_error`] is therefore formatted by its [`Debug`], as in `main` and
/// `unwrap`.
pub(crate) fn describe(error: &dyn Any, debug: Option<&dyn Debug>) -> Option<String> {
    known_text(error).or_else(|| debug.map(|debug| bounded(|text| write!(text, "{debug:-?}"))))
}

/// Returns the text of a panic, if its payload is a text.
pub(crate) fn describe_panic(payload: &dyn Any) -> Option<String> {
    known_text(payload)
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
