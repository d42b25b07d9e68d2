use std::convert::Infallible;

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
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
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
    /// If the block and the exit both failed, the exit's error is dropped.
    pub fn into_first(self) -> E
    where
        E: From<X>,
    {
        match self {
            Self::Block(error) | Self::Exit { context: Some(error), .. } => error,
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
/// If both error types implement [`Error`](std::error::Error), `EitherError` does, too, and `?` converts it into a
/// `Box<dyn Error>`. [`BoxError`](crate::tasks::BoxError) does not implement it, like the box that it replaces. For such
/// types, and for your own error type, use [`into`](Self::into).
///
/// # Examples
///
/// ```
/// use std::fmt;
/// use std::num::{ParseFloatError, ParseIntError};
/// use withal::context::{AsyncContextManager, AsyncGuard, DropNow, EitherError, ExitReason, async_with};
/// # struct Open<E>(Option<E>);
/// # impl<E: Send + 'static> AsyncContextManager for Open<E> {
/// #     type Guard = Self;
/// #     async fn aenter(mut self) -> Result<Self, E> { self.0.take().map_or(Ok(self), Err) }
/// # }
/// # impl<E: Send + 'static> AsyncGuard for Open<E> {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EitherError<A, B> {
    /// The error of the first manager.
    #[error(transparent)]
    First(A),
    /// The error of the second manager, or of one after it.
    #[error(transparent)]
    Second(B),
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
