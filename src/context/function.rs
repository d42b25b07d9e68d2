use std::any::TypeId;
use std::fmt;
use std::future::{Future, poll_fn};
use std::time::Duration;

use super::policy::DEFAULT_GRACE_PERIOD;
use super::{AsyncContextManager, AsyncGuard, Detach, ExitReason, Suppression};
use crate::coroutine::{self, Coroutine, RawCoroutine, Step, coroutine};

/// A manager from one async function that yields once: enter before the yield, exit after it.
///
/// The yield lends its value to the block, and comes back with it and with how the block was left. What `?` carries out
/// before the yield is that entering failed; what it carries out after it, that exiting failed. The function returns
/// `Ok(())`, or `Ok(true)` to suppress the block's error; so it is for one of the two that it is written, see
/// [`AsyncGuard::Suppression`].
///
/// In Python, the block's error is thrown into the yield. Here the error stays with the block, and goes on by itself:
/// there is nothing to raise again, and nothing that a `finally` would have to be for.
///
/// It is one allocation. Its policy is [`Detach`]: whatever becomes of the block, the function goes on to its end.
///
/// # Panics
///
/// Entering does, when the function returns without a yield. A second yield does not compile: the first one takes the
/// yielder.
///
/// # Cancel safety
///
/// Dropped in the enter, the function is dropped where it is. From the yield on it is never broken off.
///
/// # Examples
///
/// ```
/// use std::io;
/// use withal::context::{asynccontextmanager, async_with};
/// # #[derive(Default)]
/// # struct Connection(Vec<&'static str>);
/// # impl Connection {
/// #     async fn open() -> io::Result<Self> { Ok(Self::default()) }
/// #     async fn send(&mut self, word: &'static str) -> io::Result<()> { self.0.push(word); Ok(()) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> io::Result<()> {
/// let transaction = asynccontextmanager(async |y| {
///     let mut connection = Connection::open().await?;
///     connection.send("BEGIN").await?;
///     let (mut connection, outcome) = y.yield_(connection).await;
///     connection.send(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
///     # assert_eq!(connection.0, ["BEGIN", "INSERT", "COMMIT"]);
///     io::Result::Ok(())
/// });
/// async_with!(connection = transaction => { connection.send("INSERT").await? })?;
/// # Ok(())
/// # }
/// ```
///
/// One yield, and no more:
///
/// ```compile_fail,E0382
/// use withal::context::asynccontextmanager;
///
/// let manager = asynccontextmanager(async |y| {
///     y.yield_(1).await;
///     y.yield_(2).await;
///     Ok::<(), std::io::Error>(())
/// });
/// ```
pub fn asynccontextmanager<Y, V, E, F>(
    function: F,
) -> AsyncGeneratorContextManager<
    impl RawCoroutine<Yield = Y, Sent = Back<Y>, Return = Result<V, E>, Thrown = coroutine::GeneratorExit>,
>
where
    F: for<'g> AsyncFnOnce(YieldOnce<'g, Y>) -> Result<V, E>,
    V: Suppression,
{
    AsyncGeneratorContextManager {
        grace: DEFAULT_GRACE_PERIOD,
        function: coroutine(async |y| Ok(function(YieldOnce(y)).await)),
    }
}

/// What comes back to the yield; the default is never sent.
type Back<Y> = Option<(Y, ExitKind)>;

/// Made by [`asynccontextmanager`].
#[must_use = "it does nothing unless it is entered"]
pub struct AsyncGeneratorContextManager<D: ?Sized> {
    grace: Duration,
    function: Coroutine<D>,
}

impl<D> AsyncGeneratorContextManager<D> {
    /// How long the function may take from the yield to its end where nobody waits for it any more: see
    /// [`AsyncGuard::grace_period`].
    pub fn grace_period(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }
}

/// What an [`asynccontextmanager`] function yields through, once.
pub struct YieldOnce<'g, Y>(coroutine::Yielder<'g, Y, Back<Y>, coroutine::GeneratorExit>);

impl<Y> YieldOnce<'_, Y> {
    /// Lends `value` to the block, until it is left: gives it back, and says how.
    ///
    /// # Cancel safety
    ///
    /// It is not dropped in the middle, unless the function does so itself, in a `select!` say; the value is lost then.
    pub async fn yield_(mut self, value: Y) -> (Y, ExitKind) {
        match self.0.yield_(value).await {
            Ok(Some(back)) => back,
            Ok(None) | Err(coroutine::GeneratorExit) => unreachable!("it is answered with what it lent"),
        }
    }
}

/// How the block of an [`asynccontextmanager`] was left: [`ExitReason`], without what the block keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitKind {
    /// It came to its end, or was left with no error.
    Ok,
    /// It was left with an error, whose type [`is`](Self::is) asks for.
    Error(TypeId),
    /// It panicked.
    Panic,
    /// It was dropped.
    Cancelled,
}

impl ExitKind {
    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }

    /// Whether the block was left with an error of this type: Python's `except E`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use withal::context::{asynccontextmanager, async_with};
    ///
    /// async fn parse(text: &str) -> Result<Option<u32>, ParseIntError> {
    ///     let or_none = asynccontextmanager(async |y| {
    ///         let ((), outcome) = y.yield_(()).await;
    ///         Ok::<_, ParseIntError>(outcome.is::<ParseIntError>())
    ///     });
    ///     async_with!(_ = or_none => { text.parse::<u32>()? })
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert_eq!(parse("7").await, Ok(Some(7)));
    /// assert_eq!(parse("seven").await, Ok(None));
    /// # }
    /// ```
    #[must_use]
    pub fn is<E: 'static>(self) -> bool {
        self == Self::Error(TypeId::of::<E>())
    }

    fn of(exit: &ExitReason<'_>) -> Self {
        match exit {
            ExitReason::Ok => Self::Ok,
            ExitReason::Error(error) => Self::Error((**error).type_id()),
            ExitReason::Panic(_) => Self::Panic,
            ExitReason::Cancelled => Self::Cancelled,
        }
    }
}

/// An [`asynccontextmanager`] at its yield.
pub struct AsyncGeneratorContextManagerGuard<D: RawCoroutine> {
    function: Coroutine<D>,
    /// None when it was given back.
    value: Option<D::Yield>,
    grace: Duration,
}

impl<D, Y, V, E> AsyncContextManager for AsyncGeneratorContextManager<D>
where
    D: RawCoroutine<Yield = Y, Sent = Back<Y>, Return = Result<V, E>, Thrown = coroutine::GeneratorExit>
        + Send
        + 'static,
    Y: Send + 'static,
    V: Suppression,
    E: Send + 'static,
{
    type Guard = AsyncGeneratorContextManagerGuard<D>;

    async fn aenter(self) -> Result<AsyncGeneratorContextManagerGuard<D>, E> {
        let Self { grace, mut function } = self;
        match poll_fn(|cx| function.poll_resume(cx)).await {
            Ok(Step::Yielded(value)) => {
                Ok(AsyncGeneratorContextManagerGuard { function, value: Some(value), grace })
            }
            Ok(Step::Complete(Err(error))) => Err(error),
            Ok(Step::Complete(Ok(_))) => panic!("generator didn't yield"),
            Err(_) => unreachable!("nothing was thrown into it"),
        }
    }
}

impl<D, Y, V, E> AsyncGuard for AsyncGeneratorContextManagerGuard<D>
where
    D: RawCoroutine<Yield = Y, Sent = Back<Y>, Return = Result<V, E>, Thrown = coroutine::GeneratorExit>
        + Send
        + 'static,
    Y: Send + 'static,
    V: Suppression,
    E: Send + 'static,
{
    type Target = Y;
    type Error = E;
    type Suppression = V;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Y {
        self.value.as_mut().expect("it is given back when the block is over")
    }

    fn grace_period(&self) -> Duration {
        self.grace
    }

    fn aexit(&mut self, exit: ExitReason<'_>) -> impl Future<Output = Result<V, E>> + Send {
        let outcome = ExitKind::of(&exit);
        async move {
            let value = self.value.take().expect("it is exited once");
            let mut step = self.function.send(Some((value, outcome)));
            if let Err(coroutine::Error::Pending) = step {
                step = poll_fn(|cx| self.function.poll_resume(cx)).await;
            }
            match step {
                Ok(Step::Complete(result)) => result,
                Ok(Step::Yielded(_)) | Err(_) => {
                    unreachable!("it has no yielder any more, and nothing was thrown")
                }
            }
        }
    }
}

impl<D: ?Sized> fmt::Debug for AsyncGeneratorContextManager<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGeneratorContextManager").finish_non_exhaustive()
    }
}

impl<D: RawCoroutine> fmt::Debug for AsyncGeneratorContextManagerGuard<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGeneratorContextManagerGuard").finish_non_exhaustive()
    }
}

impl<Y> fmt::Debug for YieldOnce<'_, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldOnce").finish_non_exhaustive()
    }
}
