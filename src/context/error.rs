use std::convert::Infallible;
use std::fmt::{self, Debug};

use super::report::report_exit_error;
use crate::box_error::BoxError;
use crate::error_text::is_report;

/// The error of [`async_with`](super::async_with()): of the enter, of the block, or of the exit.
///
/// `E` is the block's error, `X` the manager's. If `X` converts into `E`, [`into_first`](Self::into_first) returns a
/// single `E`.
///
/// # Examples
///
/// If the manager cannot fail, [`into_inner`](Self::into_inner) returns the block's error:
///
/// ```
/// use withal::context::{Error, async_with, nullcontext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::num::ParseIntError> {
/// let manager = nullcontext("7");
/// let n = async_with(manager, async |text| text.parse::<u32>()).await.map_err(Error::into_inner)?;
/// assert_eq!(n, 7);
/// # Ok(())
/// # }
/// ```
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E, X> {
    /// Entering failed. The block did not run, and there was nothing to exit.
    #[error("failed to enter the context manager")]
    Enter(#[source] X),
    /// The block failed, and the exit succeeded.
    #[error("the block failed")]
    Block(#[source] E),
    /// The exit failed.
    #[error("failed to exit the context manager")]
    #[non_exhaustive]
    Exit {
        /// The error of the exit.
        #[source]
        error: X,
        /// The block's error, if the block failed before the exit did: Python's `__context__`.
        context: Option<E>,
    },
}

/// Reports write the text and the cause instead of the fields.
impl<E: Debug, X: Debug> Debug for Error<E, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enter(error) if is_report(f) => {
                f.write_str("failed to enter the context manager: ")?;
                error.fmt(f)
            }
            Self::Block(error) if is_report(f) => {
                f.write_str("the block failed: ")?;
                error.fmt(f)
            }
            Self::Exit { error, context } if is_report(f) => {
                f.write_str("failed to exit the context manager: ")?;
                error.fmt(f)?;
                let Some(context) = context else { return Ok(()) };
                f.write_str("; before that, the block failed: ")?;
                context.fmt(f)
            }
            Self::Enter(error) => f.debug_tuple("Enter").field(error).finish(),
            Self::Block(error) => f.debug_tuple("Block").field(error).finish(),
            Self::Exit { error, context } => {
                f.debug_struct("Exit").field("error", error).field("context", context).finish()
            }
        }
    }
}

impl<E, X> Error<E, X> {
    /// Returns `true` if entering failed, so that the block did not run.
    #[must_use]
    pub fn is_enter(&self) -> bool {
        matches!(self, Self::Enter(_))
    }

    /// Returns `true` if the block failed and the exit succeeded.
    #[must_use]
    pub fn is_block(&self) -> bool {
        matches!(self, Self::Block(_))
    }

    /// Returns `true` if the exit failed, whether or not the block failed before.
    #[must_use]
    pub fn is_exit(&self) -> bool {
        matches!(self, Self::Exit { .. })
    }

    /// Returns the error that occurred first: the block's if it failed, otherwise the manager's.
    ///
    /// If the block and the exit both failed, the exit's error is [reported](crate::cleanup#reports).
    pub fn into_first(self) -> E
    where
        E: From<X>,
        X: Debug + Send + 'static,
    {
        match self {
            Self::Block(error) => error,
            Self::Exit { error, context: Some(context) } => {
                report_exit_error("exit", &error);
                context
            }
            Self::Enter(error) | Self::Exit { error, context: None } => error.into(),
        }
    }
}

impl<E> Error<E, Infallible> {
    /// Returns the block's error, for a manager that cannot fail.
    pub fn into_inner(self) -> E {
        match self {
            Self::Block(error) => error,
            Self::Enter(never) | Self::Exit { error: never, .. } => match never {},
        }
    }
}

/// The error of [`async_with!`](macro@crate::async_with) with several managers whose error types differ.
///
/// If only one of the managers can fail, or if all errors have the same type, the macro returns the error itself.
/// If each of the two implements [`Error`](std::error::Error) or is a [`BoxError`], `EitherError` implements `Error`,
/// too, and `?` converts it into a `Box<dyn Error>`, an `anyhow::Error` or a `BoxError`. For other boxes, such as an
/// `anyhow::Error` of a manager, and for your own error type, use [`into`](Self::into):
/// `.map_err(EitherError::into::<anyhow::Error>)?`.
///
/// # Examples
///
/// ```
/// use std::fmt;
/// use std::num::{ParseFloatError, ParseIntError};
/// use withal::context::{AsyncContextManager, AsyncGuard, DropNow, EitherError, ExitReason, async_with};
/// # struct Open<E>(Option<E>);
/// # impl<E: fmt::Debug + Send + 'static> AsyncContextManager for Open<E> {
/// #     type Guard = Self;
/// #     async fn aenter(mut self) -> Result<Self, E> { self.0.take().map_or(Ok(self), Err) }
/// # }
/// # impl<E: fmt::Debug + Send + 'static> AsyncGuard for Open<E> {
/// #     type Target = Option<E>;
/// #     type Error = E;
/// #     type Suppression = ();
/// #     type OnDrop = DropNow;
/// #     fn target(&mut self) -> &mut Option<E> { &mut self.0 }
/// #     async fn aexit(&mut self, _: ExitReason<'_>) -> Result<(), E> { Ok(()) }
/// # }
///
/// #[derive(Debug)]
/// enum MyError {
///     Int(ParseIntError),
///     Float(ParseFloatError),
/// }
/// # impl From<ParseIntError> for MyError { fn from(e: ParseIntError) -> Self { Self::Int(e) } }
/// # impl From<ParseFloatError> for MyError { fn from(e: ParseFloatError) -> Self { Self::Float(e) } }
///
/// # async fn work(int: Open<ParseIntError>, float: Open<ParseFloatError>) -> Result<(), MyError> {
/// async_with!(_i = int, _f = float => {}).map_err(EitherError::into::<MyError>)?;
/// # Ok(())
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # work(Open(None), Open(None)).await.unwrap();
/// # let error = work(Open(None), Open("x".parse::<f32>().err())).await;
/// # assert!(matches!(error, Err(MyError::Float(_))));
/// # }
/// ```
#[doc(alias = "Either")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum EitherError<A, B> {
    /// The error of the first manager.
    First(A),
    /// The error of the second manager, or of one after it.
    Second(B),
}

/// Reports write the contained error.
impl<A: Debug, B: Debug> Debug for EitherError<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(error) if is_report(f) => error.fmt(f),
            Self::Second(error) if is_report(f) => error.fmt(f),
            Self::First(error) => f.debug_tuple("First").field(error).finish(),
            Self::Second(error) => f.debug_tuple("Second").field(error).finish(),
        }
    }
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for EitherError<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(error) => error.fmt(f),
            Self::Second(error) => error.fmt(f),
        }
    }
}

/// The source is that of the contained error, which the `EitherError` is formatted as.
impl<A, B> std::error::Error for EitherError<A, B>
where
    A: Transparent + fmt::Debug + fmt::Display,
    B: Transparent + fmt::Debug + fmt::Display,
{
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::First(error) => error.source_of(),
            Self::Second(error) => error.source_of(),
        }
    }
}

/// An error inside an [`EitherError`]: one that implements `Error`, or a [`BoxError`], which does not.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`EitherError` of `{Self}` does not implement `std::error::Error`",
    label = "`{Self}` does not implement `std::error::Error`",
    note = "convert the errors with `.map_err(EitherError::into::<E>)?`, where `E` is the error of the function"
)]
pub trait Transparent {
    fn source_of(&self) -> Option<&(dyn std::error::Error + 'static)>;
}

impl<E: std::error::Error> Transparent for E {
    fn source_of(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source()
    }
}

impl Transparent for BoxError {
    fn source_of(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source()
    }
}

impl<A, B> EitherError<A, B> {
    /// Converts the error into a type that both errors convert into.
    pub fn into<E>(self) -> E
    where
        E: From<A> + From<B>,
    {
        match self {
            Self::First(error) => error.into(),
            Self::Second(error) => error.into(),
        }
    }
}
