use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::exit_kind::ExitKind;
use super::suspended_function::SuspendedFunction;
use super::yield_once::{Reply, YieldOnce};
use crate::cleanup::{DEFAULT_GRACE_PERIOD, Name};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::detach::Detach;
use crate::context::scope::collector::{NotEntering, is_entering, register};
use crate::context::scope::function_poll::{FunctionMode, FunctionPoll};
use crate::context::suppression::Suppression;
use crate::coroutine::{Coroutine, GeneratorExit, RawCoroutine, Step, coroutine};

/// Creates a manager from an async function with one yield: the code before the yield enters, the code after it exits.
///
/// The yield lends its value to the block. When the block is left, the yield returns the value together with an
/// [`ExitKind`]. An error that `?` returns before the yield is an error of the enter; after the yield, it is an error
/// of the exit. The function returns `Ok(())`, or `Ok(true)` to suppress the block's error. The success type, `()` or
/// `bool`, is the guard's [`Suppression`](AsyncGuard::Suppression).
///
/// In Python, the block's error is raised at the yield. Here, the error stays with the block and continues after the
/// exit, so the function needs neither a `finally` nor a `raise`.
///
/// The drop policy is [`Detach`]: once the function has yielded, it runs to completion, unless its exit is abandoned.
/// Creating the manager takes two allocations, entering it one, and the exit one.
///
/// While the block runs, the function is polled beside it: a [`timeout`](crate::tasks::timeout()) or a
/// [`TaskGroup`](crate::tasks::TaskGroup) around the yield interrupts the block, and a `select!` of the yield with a
/// heartbeat keeps the heartbeat going. The function and the block share tokio's coop budget; if one of them spends it,
/// they take turns.
///
/// If a scope around the yield is interrupted, or if the function leaves the yield before the block has ended, the block
/// is [interrupted](crate::context::interrupt_when), and the result of the function is that of the exit. It must then be
/// an error or `Ok(true)`. The exits in the block run first, and then those of the scopes around the yield.
///
/// # Errors
///
/// Those of the function. If a scope around the yield limits the block and no scope is being entered, because `aenter` is
/// called by hand or in a spawned task, that limit fails with its own error, such as
/// [`TimeoutError::NotEntering`](crate::tasks::TimeoutError::NotEntering).
///
/// # Limitations
///
/// If the function itself leaves its yield while the block runs, by a `select!` for example, it continues to its next
/// await before the block is dropped.
///
/// # Panics
///
/// Entering panics if the function returns `Ok` without a yield, or ignores the error of a limit that fails because no
/// scope is being entered. A [`TaskGroup`](crate::tasks::TaskGroup) around the yield panics in that case. The scope
/// panics if the function leaves the yield early and returns `Ok(())` or `Ok(false)`. A second yield does not compile,
/// because the first yield consumes the yielder.
///
/// # Cancel safety
///
/// If the enter is dropped, the function is dropped at its current await. After the yield, the function continues as a
/// [cleanup](crate::cleanup) if the future of the scope is dropped.
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
///     let (mut connection, exit) = y.yield_(connection).await;
///     connection.send(if exit.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
///     # assert_eq!(connection.0, ["BEGIN", "INSERT", "COMMIT"]);
///     io::Result::Ok(())
/// });
/// async_with!(connection = transaction => { connection.send("INSERT").await? })?;
/// # Ok(())
/// # }
/// ```
///
/// In a future that is spawned, an inline function that yields a type with a lifetime, even a `&'static str`, does not
/// compile: "implementation of `AsyncFnOnce` is not general enough". Return the manager from a function as `impl ..`:
///
/// ```
/// use std::convert::Infallible;
/// use withal::context::{AsyncContextManager, AsyncGuard, asynccontextmanager, async_with};
///
/// fn greeting() -> impl AsyncContextManager<
///     Guard = impl AsyncGuard<Target = &'static str, Error = Infallible, Suppression = ()> + Send,
/// > + Send {
///     asynccontextmanager(async |y| {
///         y.yield_("hello").await;
///         Ok(())
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = tokio::spawn(async { async_with!(text = greeting() => { text.len() }) });
/// assert_eq!(task.await.unwrap(), 5);
/// # }
/// ```
///
/// `Guard = impl AsyncGuard<..>` is better than the bound `Guard: AsyncGuard<..>`: with the bound, if the function is
/// generic and receives a closure, the compiler infers the guard's error too late for the macro, and reports "expected
/// `Infallible`".
///
/// A second yield is a compile error:
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
#[doc(alias("contextmanager", "contextlib", "yield", "try finally"))]
pub fn asynccontextmanager<Y, V, E, F>(
    function: F,
) -> AsyncGeneratorContextManager<
    impl RawCoroutine<Yield = Y, Sent = Reply<Y>, Return = Result<V, E>, Thrown = GeneratorExit>,
>
where
    F: for<'g> AsyncFnOnce(YieldOnce<'g, Y>) -> Result<V, E>,
    V: Suppression,
{
    let has_left_yield = Arc::new(AtomicBool::new(false));
    let in_function = Arc::clone(&has_left_yield);
    AsyncGeneratorContextManager {
        grace_period: DEFAULT_GRACE_PERIOD,
        name: Name::of_type::<F>(),
        function: coroutine(async move |yielder| {
            Ok(crate::__await_in_place!(function(YieldOnce { yielder, has_left: in_function })))
        }),
        has_left_yield,
    }
}

/// A manager made of an async function. Created by [`asynccontextmanager`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct AsyncGeneratorContextManager<D: ?Sized> {
    grace_period: Duration,
    name: Name,
    has_left_yield: Arc<AtomicBool>,
    function: Coroutine<D>,
}

impl<D> AsyncGeneratorContextManager<D> {
    /// Sets the time that the function may take after the yield when it runs as a cleanup: see
    /// [`AsyncGuard::grace_period`].
    pub fn grace_period(self, grace_period: Duration) -> Self {
        Self { grace_period, ..self }
    }

    /// Sets the name of the exit in reports and [events](crate::cleanup::CleanupEvent). The default is the path of the
    /// function.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use withal::cleanup::{CleanupEvent, observe, shutdown};
    /// use withal::context::{asynccontextmanager, async_with};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let observer = observe(|event| {
    ///     if let CleanupEvent::Failed { name, .. } = event {
    ///         assert_eq!(*name, "transaction");
    ///     }
    /// });
    /// let transaction = asynccontextmanager(async |y| {
    ///     y.yield_(()).await;
    ///     Err::<(), _>("the server has closed the connection")
    /// });
    /// let work = async { async_with!(_ = transaction.name("transaction") => { std::future::pending::<()>().await }) };
    /// tokio::select! {
    ///     biased;
    ///     _ = work => {}
    ///     () = tokio::task::yield_now() => {} // drops the block
    /// }
    /// withal::cleanup::drain(Duration::from_secs(1)).await.unwrap();
    /// # }
    /// ```
    pub fn name(self, name: &'static str) -> Self {
        Self { name: Name::chosen(name), ..self }
    }
}

/// The guard of an [`asynccontextmanager`]: the function, suspended at its yield.
pub struct AsyncGeneratorContextManagerGuard<D: RawCoroutine> {
    function: Arc<SuspendedFunction<D>>,
    /// `None` after the exit has sent it back to the yield.
    value: Option<D::Yield>,
    grace_period: Duration,
    name: Name,
}

impl<D, Y, V, E> AsyncContextManager for AsyncGeneratorContextManager<D>
where
    D: RawCoroutine<Yield = Y, Sent = Reply<Y>, Return = Result<V, E>, Thrown = GeneratorExit>
        + Send
        + 'static,
    Y: Send + 'static,
    V: Suppression,
    E: fmt::Debug + Send + 'static,
{
    type Guard = AsyncGeneratorContextManagerGuard<D>;

    async fn aenter(self) -> Result<AsyncGeneratorContextManagerGuard<D>, E> {
        let Self { grace_period, name, has_left_yield, mut function } = self;
        let mut last = None;
        let step = poll_fn(|cx| {
            let mode = if is_entering() { FunctionMode::Entering } else { FunctionMode::EnteringByHand };
            let (polled, poll) = FunctionPoll::run(mode, || function.poll_resume(cx));
            last = Some(poll);
            polled
        });
        let step = step.await;
        let FunctionPoll { is_interrupted, is_limited, .. } = last.expect("the enter was polled");
        match step {
            // The function limits its block, and no scope is being entered. The limit has failed.
            Ok(Step::Yielded(_)) if is_interrupted => {
                let ended =
                    poll_fn(|cx| FunctionPoll::run(FunctionMode::Refusing, || function.poll_beside(cx)).0)
                        .await;
                match ended {
                    Ok(Step::Complete(Err(error))) => Err(error),
                    _ => panic!("asynccontextmanager: the function limits its block, but {NotEntering}"),
                }
            }
            Ok(Step::Yielded(value)) => {
                let function = Arc::new(SuspendedFunction::new(function, has_left_yield, is_limited));
                // Without a scope, the function is not polled beside a block. That matters to limits only.
                let _not_entering = register(function.clone());
                Ok(AsyncGeneratorContextManagerGuard { function, value: Some(value), grace_period, name })
            }
            Ok(Step::Complete(Err(error))) => Err(error),
            Ok(Step::Complete(Ok(_))) => panic!("asynccontextmanager: the function returned without a yield"),
            Err(_) => unreachable!("nothing was thrown into the function"),
        }
    }
}

impl<D, Y, V, E> AsyncGuard for AsyncGeneratorContextManagerGuard<D>
where
    D: RawCoroutine<Yield = Y, Sent = Reply<Y>, Return = Result<V, E>, Thrown = GeneratorExit>
        + Send
        + 'static,
    Y: Send + 'static,
    V: Suppression,
    E: fmt::Debug + Send + 'static,
{
    type Target = Y;
    type Error = E;
    type Suppression = V;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Y {
        self.value.as_mut().expect("guard used after its exit")
    }

    fn grace_period(&self) -> Duration {
        self.grace_period
    }

    fn name(&self) -> &'static str {
        self.name.get()
    }

    fn report_name(&self) -> Name {
        self.name
    }

    fn aexit(&mut self, exit: ExitReason<'_>) -> impl Future<Output = Result<V, E>> + Send {
        let kind = ExitKind::of(&exit);
        async move {
            let value = self.value.take().expect("guard exited twice");
            self.function.finish(Some((value, kind))).await
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
