use std::convert::Infallible;

/// The error that a yield returns while the coroutine is being closed: Python's `GeneratorExit`.
///
/// The exit is a value and not a panic. `?` propagates it out of the body, which can clean up before it returns. A body
/// into which errors can be thrown receives the exit as a variant of [`Thrown`].
///
/// # Examples
///
/// ```
/// use withal::coroutine::{GeneratorExit, coroutine};
///
/// let mut is_closed = false;
/// let mut body = coroutine(async |mut y| {
///     let sent: Result<(), GeneratorExit> = y.yield_("working").await;
///     is_closed = sent == Err(GeneratorExit); // Python's `finally` block
///     sent
/// });
/// body.resume().unwrap();
/// body.close().unwrap();
/// drop(body);
/// assert!(is_closed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the coroutine is being closed")]
pub struct GeneratorExit;

/// The error of a yield in a body into which errors can be thrown: the exit, or an error of type `E`.
///
/// The body itself fails with this type, too. `?` converts an `E` into it.
///
/// # Examples
///
/// ```
/// use withal::coroutine::{Error, Step, Thrown, try_coroutine};
///
/// let mut sum = try_coroutine(async |mut y| {
///     let mut sum = 0;
///     loop {
///         match y.yield_(sum).await {
///             Ok(text) => sum += str::parse::<u32>(text)?,
///             Err(Thrown::Error(_)) => sum = 0, // an error resets the sum
///             Err(exit) => return Err::<(), _>(exit),
///         }
///     }
/// });
/// sum.resume().unwrap();
/// assert_eq!(sum.send("7").unwrap(), Step::Yielded(7));
/// let bad = sum.send("x");
/// assert!(matches!(bad, Err(Error::Raised(_))));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Thrown<E> {
    /// The coroutine is being closed.
    #[error(transparent)]
    Exit(GeneratorExit),
    /// An error that was thrown in, or that the body itself failed with.
    #[error("{0}")]
    Error(E),
}

impl<E> From<E> for Thrown<E> {
    fn from(error: E) -> Self {
        Self::Error(error)
    }
}

/// The types that can be thrown into a body: [`GeneratorExit`] and [`Thrown<E>`].
///
/// The trait is sealed.
pub trait Throw: Sized + sealed::Sealed {
    /// The type of the errors: `E` for [`Thrown<E>`], and [`Infallible`] for [`GeneratorExit`].
    type Error;
    /// The type of the items of a stream of the yielded values: `Y`, or `Result<Y, E>` if the body can fail.
    type Item<Y>;

    /// Returns the exit, which [`close`](super::Coroutine::close) raises.
    fn exit() -> Self;

    /// Returns `true` if this is the exit.
    fn is_exit(&self) -> bool;

    /// Creates the value that raises `error`.
    fn from_error(error: Self::Error) -> Self;

    /// Returns the error, or `None` for the exit.
    fn into_error(self) -> Option<Self::Error>;

    /// Converts a yielded value, or the error of the body, into an item.
    #[doc(hidden)]
    fn result_to_item<Y>(result: Result<Y, Self::Error>) -> Self::Item<Y>;

    /// Converts an item into the value, or into the error to be thrown.
    #[doc(hidden)]
    fn item_to_result<Y>(item: Self::Item<Y>) -> Result<Y, Self>;
}

impl Throw for GeneratorExit {
    type Error = Infallible;
    type Item<Y> = Y;

    fn exit() -> Self {
        Self
    }

    fn is_exit(&self) -> bool {
        true
    }

    fn from_error(error: Infallible) -> Self {
        match error {}
    }

    fn into_error(self) -> Option<Infallible> {
        None
    }

    #[inline]
    fn result_to_item<Y>(result: Result<Y, Infallible>) -> Y {
        match result {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    #[inline]
    fn item_to_result<Y>(item: Y) -> Result<Y, Self> {
        Ok(item)
    }
}

impl<E> Throw for Thrown<E> {
    type Error = E;
    type Item<Y> = Result<Y, E>;

    fn exit() -> Self {
        Self::Exit(GeneratorExit)
    }

    fn is_exit(&self) -> bool {
        matches!(self, Self::Exit(_))
    }

    fn from_error(error: E) -> Self {
        Self::Error(error)
    }

    fn into_error(self) -> Option<E> {
        match self {
            Self::Exit(_) => None,
            Self::Error(error) => Some(error),
        }
    }

    #[inline]
    fn result_to_item<Y>(result: Result<Y, E>) -> Result<Y, E> {
        result
    }

    #[inline]
    fn item_to_result<Y>(item: Result<Y, E>) -> Result<Y, Self> {
        item.map_err(Self::Error)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::GeneratorExit {}
    impl<E> Sealed for super::Thrown<E> {}
}
