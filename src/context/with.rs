use std::fmt::Debug;
use std::future::Future;

use super::error::Error;
use super::guard::AsyncGuard;
use super::manager::AsyncContextManager;
use super::report::report_exit_error;
use super::scope::block::BlockOutcome;
use super::scope::failure::{BlockFailure, CONTRACT_VIOLATION, KeptError};
use super::scope::scope::BodyScope;
use super::send_async_fn::SendAsyncFnOnce;
use super::suppression::{Suppression, suppress};

/// Runs the body in an entered scope, exits the scope, and evaluates to the result of the function.
///
/// This is a macro because one more future around the body would cost as much as the rest of the scope.
macro_rules! run_body {
    ($scope:ident, $body:ident) => {{
        let outcome = {
            let (target, state) = $scope.parts();
            $crate::context::scope::block::BlockFuture::call(|| $body(target), state).await
        };
        let value = $crate::context::with::split(outcome, $scope.failure());
        let result = match $crate::__await_in_place!($scope.exit_body()) {
            Ok(result) => result,
            Err(panic) => panic.resume($scope.failure().take(), $scope.name()),
        };
        // The destructor of the guard runs between no two tests for a failure.
        if let Some(failure) = $scope.failure().take() {
            let name = $scope.name();
            $scope.finish();
            $crate::context::expansion::forget($scope);
            $crate::context::with::fail(name, result, failure)
        } else {
            $scope.finish();
            $crate::context::expansion::forget($scope);
            $crate::context::with::complete(value, result)
        }
    }};
}
pub(super) use run_body;

/// Enters the manager, runs `body`, and awaits the exit: on success, on an error, on a panic, and when the future is
/// dropped.
///
/// With the [macro](macro@crate::async_with) of the same name, `?`, `return` and `break` leave the block for the
/// enclosing function. With this function, `?` and `return` only end the body, as in any closure. The
/// [error](Error) distinguishes the errors of the enter, the body and the exit.
///
/// The future is `Send` if its parts are. There are two cases in which the compiler cannot prove it, and which need
/// [`async_with_send`] instead:
///
/// - a function that takes the body as a parameter: async closures cannot express the bound yet,
/// - a target whose type has a lifetime, such as `Vec<&'static str>`, `Cow<'static, str>` or `Box<dyn Trait>`, in a
///   spawned task: "implementation of `AsyncFnOnce` is not general enough" (rust-lang/rust#110338). The macro has no such
///   limit.
///
/// # Errors
///
/// - [`Error::Enter`]: entering failed, and the body did not run.
/// - [`Error::Block`]: the body failed.
/// - [`Error::Exit`]: the exit failed; its `context` is the body's error, if there is one.
///
/// # Panics
///
/// - If the body panics: the panic continues after the exit has been awaited, and is never suppressed. If the exit
///   fails as well, its error is reported to the [observers](crate::cleanup::observe).
/// - If the exit panics.
/// - If the manager interrupts the body, and its exit neither fails nor suppresses the interrupt.
///
/// # Cancel safety
///
/// If the future is dropped during the enter, there is nothing to exit; to complete the enter nevertheless, use
/// [`shield_enter`](super::AsyncContextManagerExt::shield_enter). If it is dropped during the body or the exit, the
/// guard's [policy](super::ExitPolicy) applies.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use tokio::sync::Mutex;
/// use withal::context::async_with;
///
/// let balance = Mutex::new(3);
/// let result = async_with(&balance, async |balance| {
///     if *balance < 5 {
///         return Err("insufficient funds");
///     }
///     *balance -= 5;
///     Ok(*balance)
/// });
/// assert_eq!(result.await.unwrap_err().into_inner(), "insufficient funds");
/// # }
/// ```
#[inline]
pub async fn async_with<M, G, F, T, E>(
    manager: M,
    body: F,
) -> Result<<G::Suppression as Suppression>::Output<T>, Error<E, G::Error>>
where
    M: AsyncContextManager<Guard = G>,
    G: AsyncGuard,
    F: AsyncFnOnce(&mut G::Target) -> Result<T, E>,
    E: Send + 'static,
{
    let mut scope = BodyScope::default();
    let entered = crate::__await_in_place!(scope.enter(manager));
    scope.entered(entered).map_err(Error::Enter)?;
    run_body!(scope, body)
}

/// Like [`async_with()`], for a future that must be `Send`.
///
/// A bound on an async closure cannot require that its future is `Send`. [`SendAsyncFnOnce`] can, so that the body may be
/// a parameter of a function.
///
/// The future is also `Send` where the compiler rejects that of [`async_with()`] in a spawned task, because the
/// target's type has a lifetime.
///
/// # Errors
///
/// The same as for [`async_with()`].
///
/// # Panics
///
/// The same as for [`async_with()`].
///
/// # Cancel safety
///
/// The same as for [`async_with()`].
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use std::sync::Arc;
/// use tokio::sync::Mutex;
/// use tokio::task::JoinHandle;
/// use withal::context::{SendAsyncFnOnce, async_with_send};
///
/// fn in_background<F>(counter: Arc<Mutex<u32>>, body: F) -> JoinHandle<()>
/// where
///     F: for<'a> SendAsyncFnOnce<&'a mut u32, Result<(), Infallible>> + Send + 'static,
/// {
///     tokio::spawn(async move { async_with_send(counter, body).await.unwrap() })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// let counter = Arc::new(Mutex::new(1));
/// let by = 2;
/// in_background(counter.clone(), async move |n: &mut u32| {
///     tokio::task::yield_now().await;
///     *n += by;
///     Ok(())
/// })
/// .await?;
/// assert_eq!(*counter.lock().await, 3);
///
/// // A target with a lifetime in its type.
/// let names = Arc::new(Mutex::new(vec!["Ada"]));
/// let count = tokio::spawn(async_with_send(names, async |names| {
///     names.push("Grace");
///     Ok::<_, Infallible>(names.len())
/// }));
/// assert_eq!(count.await?.unwrap(), 2);
/// # Ok(())
/// # }
/// ```
#[expect(clippy::manual_async_fn, reason = "an `async fn` cannot include `Send` in its type")]
#[inline]
pub fn async_with_send<M, G, F, T, E>(
    manager: M,
    body: F,
) -> impl Future<Output = Result<<G::Suppression as Suppression>::Output<T>, Error<E, G::Error>>> + Send
where
    M: AsyncContextManager<Guard = G> + Send,
    G: AsyncGuard<Target: Send, Suppression: Send> + Send,
    F: for<'a> SendAsyncFnOnce<&'a mut G::Target, Result<T, E>> + Send,
    T: Send,
    E: Send + 'static,
{
    async move {
        let mut scope = BodyScope::default();
        let entered = crate::__await_in_place!(scope.enter(manager));
        scope.entered(entered).map_err(Error::Enter)?;
        run_body!(scope, body)
    }
}

/// Splits the outcome of a body into its value, and its failure, which is put in its place.
#[inline]
pub(super) fn split<T, E: Send + 'static>(
    outcome: BlockOutcome<Result<T, E>>,
    place: &mut Option<BlockFailure<E>>,
) -> Option<T> {
    match outcome {
        BlockOutcome::Completed(Ok(value)) => Some(value),
        outcome => {
            *place = Some(failure(outcome));
            None
        }
    }
}

#[cold]
#[inline(never)]
fn failure<T, E: Send + 'static>(outcome: BlockOutcome<Result<T, E>>) -> BlockFailure<E> {
    match outcome {
        BlockOutcome::Completed(Err(error)) => BlockFailure::Error(KeptError::new(error)),
        BlockOutcome::Panicked(payload) => BlockFailure::Panic(payload),
        BlockOutcome::Interrupted => BlockFailure::Interrupted,
        BlockOutcome::Completed(Ok(_)) => unreachable!("the body has not failed"),
    }
}

type WithResult<V, X, T, E> = Result<<V as Suppression>::Output<T>, Error<E, X>>;

/// Combines the value of a body that did not fail with the result of the exit.
#[inline]
pub(super) fn complete<V: Suppression, X, T, E>(
    value: Option<T>,
    result: Result<V, X>,
) -> WithResult<V, X, T, E> {
    match (result, value) {
        (Ok(_), Some(value)) => Ok(V::completed(value)),
        (Err(error), _) => Err(Error::Exit { error, context: None }),
        (Ok(_), None) => unreachable!("an exit returns the failure that it borrowed"),
    }
}

/// Combines the failure of a body with the result of the exit. `name` is that of the guard.
#[cold]
pub(super) fn fail<V: Suppression, X: Debug + Send + 'static, T, E: Send + 'static>(
    name: Option<&'static str>,
    result: Result<V, X>,
    failure: BlockFailure<E>,
) -> WithResult<V, X, T, E> {
    match (result, failure) {
        (Ok(suppression), failure) => match suppress(&suppression, failure) {
            Ok(value) => Ok(value),
            Err(BlockFailure::Error(error)) => Err(Error::Block(error.into_inner())),
            Err(BlockFailure::Interrupted) => panic!("{CONTRACT_VIOLATION}"),
            Err(_) => {
                unreachable!("the body of a function fails with its own error, and a panic continues")
            }
        },
        (Err(error), BlockFailure::Panic(payload)) => {
            report_exit_error(name.unwrap_or("exit"), &error);
            payload.resume()
        }
        (Err(error), BlockFailure::Error(context)) => {
            Err(Error::Exit { error, context: Some(context.into_inner()) })
        }
        // The manager interrupted the body, and the error of the exit states the reason.
        (Err(error), _) => Err(Error::Exit { error, context: None }),
    }
}
