/// The error of one of two managers that were entered by one `async_with!`, and fail differently.
///
/// Where all but one cannot fail, or all fail with the same type, there is no need for it. It is an error itself, so `?`
/// turns it into a `Box<dyn Error>`; for an error type of one's own there is [`into`](Self::into).
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum EitherError<A, B> {
    /// Of the first.
    #[error(transparent)]
    First(A),
    /// Of the second, or of one after it.
    #[error(transparent)]
    Second(B),
}

impl<A, B> EitherError<A, B> {
    /// The error, as one that either turns into.
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
