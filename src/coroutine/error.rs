/// Why a step of a coroutine did not come to a yield or to the end of the body.
///
/// `S` is what is sent in; a value that could not be delivered comes back. `E` is what the body fails with,
/// [`Infallible`](std::convert::Infallible) for one made by [`coroutine`](super::coroutine). The texts are Python's
/// where Python has one.
///
/// Python's "coroutine already executing" for a body that steps itself has no place here: that would take a second
/// `&mut` of the coroutine, which the compiler refuses. What can happen is [`Running`](Error::Running).
///
/// # Examples
///
/// ```
/// use withal::coroutine::{Error, coroutine};
///
/// let mut body = coroutine(async |mut y| {
///     let name: &str = y.yield_("name?").await?;
///     Ok(name.len())
/// });
/// assert!(matches!(body.send("too soon"), Err(Error::NotStarted("too soon"))));
/// body.resume().unwrap();
/// body.send("Ada").unwrap();
/// assert_eq!(body.send("more").unwrap_err().to_string(), "cannot reuse already awaited coroutine");
/// ```
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<S, E> {
    /// A value was sent to a body that has not begun: there is no yield yet that could receive it.
    #[error("can't send non-None value to a just-started coroutine")]
    NotStarted(S),
    /// A value was sent while the body is in the middle of a step, awaiting something else than a yield.
    ///
    /// [`resume`](super::Coroutine::resume) goes on with that step.
    #[error("coroutine already executing")]
    Running(S),
    /// [`start`](super::Coroutine::start) was called where a yield waits for an answer.
    #[error("coroutine waits for an answer")]
    ValueExpected,
    /// The coroutine is over.
    #[error("cannot reuse already awaited coroutine")]
    AlreadyAwaited,
    /// The body yielded once more after it was told to exit. It is still at that yield, and can be driven on.
    #[error("coroutine ignored GeneratorExit")]
    IgnoredExit,
    /// The body awaits something that is not ready. The step is under way, and what was sent or thrown has been
    /// delivered.
    ///
    /// [`resume`](super::Coroutine::resume) polls it again, [`poll_resume`](super::Coroutine::poll_resume) with a
    /// waker.
    #[error("coroutine awaits what is not ready")]
    Pending,
    /// The body ended with [`GeneratorExit`](super::GeneratorExit), and not in a close: it was thrown in by hand, was the body's own doing, or
    /// came after a close that said [`Waiting`](Error::Pending).
    #[error("coroutine raised GeneratorExit")]
    GeneratorExit,
    /// The body ended with an error: one of its own, or one thrown in that it did not catch.
    #[error("coroutine raised an error")]
    Raised(#[source] E),
}
