/// The error of a step that neither reached a yield nor returned a value.
///
/// `S` is the type of the values that are sent in; a value that could not be delivered is returned in the error. `E` is
/// the type of the errors that the body fails with. It is [`Infallible`](std::convert::Infallible) for a body made by
/// [`coroutine`](super::coroutine()).
///
/// In Python, a body that resumes its own coroutine fails with "coroutine already executing". In Rust, this does not
/// compile, because it takes a second `&mut` borrow of the coroutine. [`Running`](Error::Running) is the remaining
/// case.
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
    /// A value was sent to a body that has not started: no yield can receive it.
    ///
    /// [`resume`](super::Coroutine::resume) and [`start`](super::Coroutine::start) start the body. Python's message is
    /// "can't send non-None value to a just-started coroutine".
    #[error("`send` before `resume`: the coroutine has not reached its first `yield`")]
    NotStarted(S),
    /// A value was sent in the middle of a step, while the body awaits something other than a yield.
    ///
    /// [`resume`](super::Coroutine::resume) continues that step.
    #[error("coroutine already executing: `resume` continues the current step")]
    Running(S),
    /// [`start`](super::Coroutine::start) was called while the body is suspended at a yield, which expects a value.
    ///
    /// [`send`](super::Coroutine::send) sends one.
    #[error("`start` after the first step: the coroutine expects a value from `send`")]
    ValueExpected,
    /// The coroutine is closed.
    #[error("cannot reuse already awaited coroutine")]
    AlreadyAwaited,
    /// The body yielded again after an exit was raised in it. It is suspended at that yield, and can be resumed.
    #[error("coroutine ignored GeneratorExit")]
    IgnoredExit,
    /// The body awaits something that is not ready. The step stays in progress. The value or error that was passed to
    /// this step has been delivered to the body.
    ///
    /// [`resume`](super::Coroutine::resume) polls the body again, and [`poll_resume`](super::Coroutine::poll_resume)
    /// does so with a waker.
    #[error("coroutine awaits something that is not ready: `resume` polls it again")]
    Pending,
    /// The body returned a [`GeneratorExit`](super::GeneratorExit) outside of [`close`](super::Coroutine::close).
    ///
    /// The exit was thrown in by [`throw`](super::Coroutine::throw), was created by the body, or was raised by an
    /// earlier `close` that failed with [`Pending`](Error::Pending).
    #[error("coroutine raised GeneratorExit")]
    GeneratorExit,
    /// The body failed with an error: its own, or one that was thrown in and that it did not catch.
    #[error("coroutine raised an error")]
    Raised(#[source] E),
}
