/// Why an operation of a generator gave no item, and not because it has ended.
///
/// `S` is what is sent in; a value that could not be delivered comes back. `E` is what the body fails with,
/// [`Infallible`](std::convert::Infallible) for one made by [`generator`](super::generator). The texts are Python's
/// where Python has one.
///
/// The end of a generator is no error, but `None`. So no `?` can carry the end of an inner generator out of an outer one:
/// what PEP 479 turns into a `RuntimeError`, "async generator raised `StopAsyncIteration`", has no place here.
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
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<S, E> {
    /// A value was sent to a body that has not begun: there is no yield yet that could receive it.
    #[error("can't send non-None value to a just-started async generator")]
    NotStarted(S),
    /// Another operation is under way; or a value was sent while the step of one that was dropped is.
    ///
    /// It has the value that was to be sent, if there was one.
    #[error("asynchronous generator is already running")]
    Running(Option<S>),
    /// [`start`](super::AsyncGeneratorExt::start) was called where a yield waits for an answer.
    #[error("async generator waits for an answer")]
    ValueExpected,
    /// The body yielded once more after it was told to exit. It is still at that yield, and can be driven on.
    #[error("async generator ignored GeneratorExit")]
    IgnoredExit,
    /// The body ended with [`GeneratorExit`](crate::coroutine::GeneratorExit), and not in a close: it was thrown in by hand, was the body's
    /// own doing, or came of a close that was dropped.
    #[error("async generator raised GeneratorExit")]
    GeneratorExit,
    /// The body ended with an error: one of its own, or one thrown in that it did not catch.
    #[error("async generator raised an error")]
    Raised(#[source] E),
}
