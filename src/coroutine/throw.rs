use std::convert::Infallible;

/// Raised at a yield when the coroutine is being closed: Python's `GeneratorExit`.
///
/// It is a value and not a panic: `?` carries it out of the body, and the body cleans up on its way. What may be raised
/// besides it makes the difference between [`GeneratorExit`] and [`Thrown`].
///
/// # Examples
///
/// ```
/// use withal::coroutine::{GeneratorExit, coroutine};
///
/// let mut told = false;
/// let mut body = coroutine(async |mut y| {
///     let answer: Result<(), GeneratorExit> = y.yield_("working").await;
///     told = answer == Err(GeneratorExit); // `finally` goes here
///     answer
/// });
/// body.resume().unwrap();
/// body.close().unwrap();
/// drop(body);
/// assert!(told);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the coroutine is being closed")]
pub struct GeneratorExit;

/// Raised at a yield of a body into which errors can be thrown, and what such a body fails with.
///
/// `?` turns an `E` into one.
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
///             Err(Thrown::Error(_)) => sum = 0, // told to begin anew
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
    /// What was thrown in, or what the body itself failed with.
    #[error("{0}")]
    Error(E),
}

impl<E> From<E> for Thrown<E> {
    fn from(error: E) -> Self {
        Self::Error(error)
    }
}

/// What can be raised at a yield: [`GeneratorExit`], or [`Thrown<E>`]. There are no others.
pub trait Throw: Sized + sealed::Sealed {
    /// The error among it; [`Infallible`] where only [`GeneratorExit`] can come.
    type Error;
    /// What a stream of such a body's yields has as items: `Y`, or `Result<Y, E>` where it can fail.
    type Item<Y>;

    /// What [`close`](super::Coroutine::close) raises.
    fn exit() -> Self;

    /// Whether it is the exit.
    fn is_exit(&self) -> bool;

    /// Raises an error.
    fn from_error(error: Self::Error) -> Self;

    /// The error, unless it is the exit.
    fn into_error(self) -> Option<Self::Error>;

    /// The item for what was yielded, or for the error that ended the body.
    fn item<Y>(outcome: Result<Y, Self::Error>) -> Self::Item<Y>;

    /// The value of an item, or what is raised for it.
    ///
    /// # Errors
    ///
    /// The item's, as it is raised.
    fn outcome<Y>(item: Self::Item<Y>) -> Result<Y, Self>;
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
    fn item<Y>(outcome: Result<Y, Infallible>) -> Y {
        match outcome {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    #[inline]
    fn outcome<Y>(item: Y) -> Result<Y, Self> {
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
    fn item<Y>(outcome: Result<Y, E>) -> Result<Y, E> {
        outcome
    }

    #[inline]
    fn outcome<Y>(item: Result<Y, E>) -> Result<Y, Self> {
        item.map_err(Self::Error)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::GeneratorExit {}
    impl<E> Sealed for super::Thrown<E> {}
}
