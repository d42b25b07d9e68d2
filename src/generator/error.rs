use std::convert::Infallible;
use std::fmt::{self, Debug};

use crate::error_text::is_report;

/// The error of an operation on a generator.
///
/// `S` is the type of the sent values; a value that could not be delivered is returned in the error. `E` is the type of
/// the errors that the body fails with: [`Infallible`] for a generator made by [`generator`](super::generator).
///
/// The end of a generator is `None`, and not an error. Therefore, `?` cannot propagate the end of an inner generator
/// out of an outer one. In that case, Python raises the `RuntimeError` "async generator raised `StopAsyncIteration`"
/// (PEP 479).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::pin::pin;
/// use withal::generator::{AsyncGeneratorExt, Error, generator};
///
/// let mut lengths = pin!(generator(async |mut y| {
///     let mut length = 0;
///     loop {
///         let text: &str = y.yield_(length).await?;
///         length = text.len();
///     }
/// }));
/// assert_eq!(lengths.asend("too soon").await, Err(Error::NotStarted("too soon")));
/// assert_eq!(lengths.start().await, Ok(Some(0)));
/// assert_eq!(lengths.asend("Ada").await, Ok(Some(3)));
/// # }
/// ```
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<S = (), E = Infallible> {
    /// A value was sent to a body that has not started: there is no yield yet that could receive it.
    ///
    /// Contains the value. Call [`start`](super::AsyncGeneratorExt::start) first.
    #[error("`asend` before `start`: the generator has not reached its first `yield`")]
    NotStarted(S),
    /// Another operation is in progress, or a value was sent while the step of a dropped operation is in progress.
    ///
    /// Contains the value that was to be sent, if there was one.
    #[error("asynchronous generator is already running")]
    Running(Option<S>),
    /// [`start`](super::AsyncGeneratorExt::start) was called on a body that is suspended at a yield.
    ///
    /// Call [`asend`](super::AsyncGeneratorExt::asend) with the value that the yield expects.
    #[error("async generator is suspended at a yield that expects a value: call `asend`")]
    ValueExpected,
    /// The body yielded again after the exit had been raised in it.
    ///
    /// The body is suspended at that yield, and can be resumed.
    #[error("async generator ignored GeneratorExit")]
    IgnoredExit,
    /// The body ended with [`GeneratorExit`](crate::coroutine::GeneratorExit), though it was not being closed.
    ///
    /// The exit was thrown in by [`athrow`](super::AsyncGeneratorExt::athrow), was created by the body, or was raised
    /// by an [`aclose`](super::AsyncGeneratorExt::aclose) that was dropped before it completed.
    #[error("async generator raised GeneratorExit")]
    GeneratorExit,
    /// The body ended with an error: its own, or one that was thrown in and that it did not catch.
    #[error("async generator raised an error")]
    Raised(#[source] E),
}

/// Without the value, whose type need not implement `Debug`. Reports write the text and the cause instead of the fields.
impl<S, E: Debug> Debug for Error<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(error) if is_report(f) => {
                f.write_str("async generator raised an error: ")?;
                error.fmt(f)
            }
            Self::NotStarted(_) => f.debug_tuple("NotStarted").finish_non_exhaustive(),
            Self::Running(_) => f.debug_tuple("Running").finish_non_exhaustive(),
            Self::ValueExpected => f.write_str("ValueExpected"),
            Self::IgnoredExit => f.write_str("IgnoredExit"),
            Self::GeneratorExit => f.write_str("GeneratorExit"),
            Self::Raised(error) => f.debug_tuple("Raised").field(error).finish(),
        }
    }
}

impl<S, E> Error<S, E> {
    /// Returns `true` if the operation was refused because the generator is already running.
    ///
    /// # Examples
    ///
    /// ```
    /// use withal::generator::Error;
    ///
    /// assert!(Error::<&str>::Running(Some("not sent")).is_running());
    /// assert!(!Error::<&str>::IgnoredExit.is_running());
    /// ```
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Returns `true` if the body ended with [`GeneratorExit`](crate::coroutine::GeneratorExit), though it was not
    /// being closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use withal::generator::Error;
    ///
    /// assert!(Error::<()>::GeneratorExit.is_generator_exit());
    /// ```
    #[must_use]
    pub fn is_generator_exit(&self) -> bool {
        matches!(self, Self::GeneratorExit)
    }
}
