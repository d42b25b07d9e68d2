use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::ops::DerefMut;
use std::sync::Arc;
use std::{char, fmt, io, process};

use crate::box_error::BoxError;
use crate::known_error::{as_known_error, known_text};

/// An error type whose cause can be reported, even if the type does not implement [`Error`] itself.
///
/// It is the bound of the errors of a fetch function of [`pages`](crate::pages), of
/// [`TaskGroup::with_sources`](crate::tasks::TaskGroup::with_sources), and of
/// [`suppress`](crate::context::suppress). It is implemented for
///
/// - every type that implements [`Error`],
/// - boxes of an error, such as `Box<dyn Error + Send + Sync>`, [`BoxError`](crate::tasks::BoxError),
///   `anyhow::Error` and `eyre::Report`, which do not, and an `Arc` of such a box,
/// - strings, numbers, `bool`, `char`, `()`, and tuples, vectors and `Option`s.
///
/// `Kind` distinguishes these cases. The compiler infers it. A generic function does not name it either, if its error
/// has the bound `E: Error + 'static`.
///
/// # Examples
///
/// Implement [`Error`] for your own types. A type that cannot implement it has no cause to report. It needs `Debug` for
/// a [`pages::Error`](crate::pages::Error) of it to implement `Error`:
///
/// ```
/// use withal::AsError;
/// use withal::pages::by_page_number;
///
/// #[derive(Debug)]
/// struct Refused;
///
/// impl AsError for Refused {}
///
/// let items = by_page_number(1, async |_| Err::<Vec<u32>, _>(Refused));
/// # drop(items);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `std::error::Error`",
    label = "this error type has no cause that could be reported",
    note = "implement `std::error::Error` for `{Self}`, or write `impl withal::AsError for {Self} {{}}`",
    note = "for a type of another crate, convert it by `map_err` to a string or a type of your own",
    note = "in a generic function, write the bound `E: std::error::Error + 'static`"
)]
pub trait AsError<Kind = kind::Other>: Sized + 'static {
    /// Borrows the error as a [`dyn Error`](Error), if it is one or contains one.
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        None
    }

    /// Returns the text of an error that is not a [`dyn Error`](Error).
    #[doc(hidden)]
    fn message(&self) -> Option<String> {
        None
    }

    /// Returns the error as a `Self`, if it is one.
    #[doc(hidden)]
    fn from_error<'a>(_error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        None
    }

    /// Returns the error, or one of its contexts, as a `Self`.
    #[cfg(feature = "anyhow")]
    #[doc(hidden)]
    #[must_use]
    fn from_anyhow(_error: &anyhow::Error) -> Option<&Self>
    where
        Self: Send + Sync,
    {
        None
    }
}

impl<E: Error + 'static> AsError<kind::Implements> for E {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }

    fn from_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        error.downcast_ref()
    }

    #[cfg(feature = "anyhow")]
    fn from_anyhow(error: &anyhow::Error) -> Option<&Self>
    where
        Self: Send + Sync,
    {
        error.downcast_ref()
    }
}

macro_rules! boxed {
    ($($error:ty => $kind:ident),*) => {$(
        impl<E: DerefMut<Target = $error> + 'static> AsError<kind::$kind> for E {
            fn as_error(&self) -> Option<&(dyn Error + 'static)> {
                Some(&**self)
            }
        }
    )*};
}

boxed! {
    dyn Error + Send + Sync => BoxedSendSync,
    dyn Error + Send => BoxedSend,
    dyn Error => Boxed
}

impl<B: DerefMut<Target = dyn Error + Send + Sync> + 'static> AsError<kind::Shared> for Arc<B> {
    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(&***self)
    }
}

macro_rules! display {
    ($($type:ty),*) => {$(
        impl AsError for $type {
            fn message(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

display! {
    &'static str, String, Cow<'static, str>, Box<str>, Arc<str>, io::ErrorKind, process::ExitStatus, bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64,
    u128, usize, f32, f64
}

impl AsError for () {}
impl AsError for Box<dyn std::any::Any + Send> {}
impl<T: 'static> AsError for Option<T> {}
impl<T: 'static> AsError for Vec<T> {}
impl<A: 'static, B: 'static> AsError for (A, B) {}
impl<A: 'static, B: 'static, C: 'static> AsError for (A, B, C) {}

/// Returns the error as an `E`: the error itself, or the error inside a box.
pub(crate) fn find_error<E, K>(error: &(dyn Any + Send)) -> Option<&E>
where
    E: AsError<K> + Send + Sync,
{
    if let Some(error) = error.downcast_ref() {
        return Some(error);
    }
    #[cfg(feature = "anyhow")]
    if let Some(error) = error.downcast_ref() {
        return E::from_anyhow(error);
    }
    if let Some(error) = error.downcast_ref::<BoxError>() {
        return E::from_error(&**error);
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return E::from_error(&**error);
    }
    E::from_error(&**error.downcast_ref::<Box<dyn Error + Send>>()?)
}

/// The methods of [`AsError`] for an error type `E`, kept by generic code whose `E` has no bounds. One pointer.
pub(crate) struct ErrorView<E>(fn() -> Methods<E>);

struct Methods<E> {
    as_error: fn(&E) -> Option<&(dyn Error + 'static)>,
    message: fn(&E) -> Option<String>,
}

impl<E> ErrorView<E> {
    pub(crate) fn of<K>() -> Self
    where
        E: AsError<K>,
    {
        Self(|| Methods { as_error: E::as_error, message: E::message })
    }

    /// The view of errors without bounds: finds the cause of boxes, and of common errors.
    pub(crate) fn known() -> Self
    where
        E: 'static,
    {
        Self(|| Methods { as_error: |error| as_known_error(error), message: |error| known_text(error) })
    }

    /// The view of errors about which nothing is known.
    pub(crate) fn opaque() -> Self {
        Self(|| Methods { as_error: |_| None, message: |_| None })
    }

    pub(crate) fn as_error(self, error: &E) -> Option<&(dyn Error + 'static)> {
        ((self.0)().as_error)(error)
    }

    pub(crate) fn message(self, error: &E) -> Option<String> {
        ((self.0)().message)(error)
    }
}

impl<E> Clone for ErrorView<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorView<E> {}

impl<E> fmt::Debug for ErrorView<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorView").finish_non_exhaustive()
    }
}

/// The cases of [`AsError`]. They overlap for the compiler, which does not know that `anyhow::Error` will never
/// implement `Error`. With a parameter that differs, a type implements the trait once if exactly one case holds.
#[doc(hidden)]
pub mod kind {
    /// The type implements `Error`.
    #[derive(Debug)]
    pub struct Implements;

    /// The type dereferences to an error. `Arc<dyn Error>` and `&dyn Error` do so, too, but implement `Error`, and
    /// unlike boxes they are not `DerefMut`.
    #[derive(Debug)]
    pub struct Boxed;

    /// As [`Boxed`], for an error that is `Send`.
    #[derive(Debug)]
    pub struct BoxedSend;

    /// As [`Boxed`], for an error that is `Send + Sync`.
    #[derive(Debug)]
    pub struct BoxedSendSync;

    /// The type is an `Arc` of a box.
    #[derive(Debug)]
    pub struct Shared;

    /// The type has no cause.
    #[derive(Debug)]
    pub struct Other;
}
