use std::future::Future;
use std::panic::resume_unwind;

use super::body::{Body, Ended};
use super::fault::Fault;
use super::scope::Scope;
use super::{AsyncContextManager, AsyncGuard, Error, NEITHER, Suppression, report};

/// The value of a block that gives a `T`: `T`, or `Option<T>` where the exit may suppress its error.
pub type Out<M, T> = <VerdictOf<M> as Suppression>::Output<T>;

/// What entering and exiting a manager fails with.
pub type ErrorOf<M> = <<M as AsyncContextManager>::Guard as AsyncGuard>::Error;

type VerdictOf<M> = <<M as AsyncContextManager>::Guard as AsyncGuard>::Suppression;
type TargetOf<M> = <<M as AsyncContextManager>::Guard as AsyncGuard>::Target;

/// Enters, runs `body`, and exits: on success, on an error, on a panic, and when this future is dropped.
///
/// The [macro](macro@crate::async_with) of the same name lets `?`, `return` and `break` leave the block for the function
/// around it. Here they end the body, as in any closure, and the errors come in one type that tells them apart.
///
/// It is `Send` when what it is made of is. A function that takes the body as a parameter needs to say so, which bounds
/// on async closures cannot yet: see [`async_with_send`].
///
/// # Errors
///
/// [`Error::Enter`], where the body did not run; [`Error::Block`] with the body's error; [`Error::Exit`] where the exit
/// failed, with the body's error as its context.
///
/// # Panics
///
/// When the body does, after the exit was awaited: a panic is never suppressed. If the exit fails then, its error is told
/// to the [observers](crate::cleanup::observe). When the exit panics, with that panic. When a manager interrupts the
/// body, and its exit then neither fails nor suppresses it.
///
/// # Cancel safety
///
/// Dropped while it enters, nothing is exited, see [`shield_enter`](super::AsyncContextManagerExt::shield_enter).
/// Dropped in the body or in the exit, what the manager's [policy](super::ExitPolicy) says.
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
///         return Err("too little");
///     }
///     *balance -= 5;
///     Ok(*balance)
/// });
/// assert_eq!(result.await.unwrap_err().into_inner(), "too little");
/// # }
/// ```
#[inline]
pub async fn async_with<M, F, T, E>(manager: M, body: F) -> Result<Out<M, T>, Error<E, ErrorOf<M>>>
where
    M: AsyncContextManager,
    F: AsyncFnOnce(&mut TargetOf<M>) -> Result<T, E>,
    E: Send + 'static,
{
    let mut scope = Scope::new(manager.aenter().await.map_err(Error::Enter)?);
    let ended = {
        let (target, interrupt, rest) = scope.parts();
        Body::new(body(target), interrupt, rest).await
    };
    let mut left = Left::from(ended);
    let result = crate::__exit_scope!(scope, left.fault);
    left.finish::<M::Guard>(result)
}

/// A body of [`async_with_send`]: an async closure whose future is `Send`.
///
/// Implemented by every closure that fits; where one is written, its argument needs its type: `async |n: &mut u32| ..`.
pub trait SendAsyncFnOnce<'a, T: ?Sized + 'a, O>: FnOnce(&'a mut T) -> Self::Future {
    /// What it returns.
    type Future: Future<Output = O> + Send;
}

impl<'a, T, O, F, R> SendAsyncFnOnce<'a, T, O> for F
where
    T: ?Sized + 'a,
    F: FnOnce(&'a mut T) -> R,
    R: Future<Output = O> + Send,
{
    type Future = R;
}

/// As [`async_with`], where the body is a parameter and the future has to be `Send`.
///
/// Bounds on async closures cannot say that their futures are `Send`; this bound does.
///
/// # Errors
///
/// As [`async_with()`].
///
/// # Panics
///
/// As [`async_with()`].
///
/// # Cancel safety
///
/// As [`async_with()`].
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
///     F: for<'a> SendAsyncFnOnce<'a, u32, Result<(), Infallible>> + Send + 'static,
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
/// # Ok(())
/// # }
/// ```
#[inline]
pub async fn async_with_send<M, F, T, E>(manager: M, body: F) -> Result<Out<M, T>, Error<E, ErrorOf<M>>>
where
    M: AsyncContextManager,
    F: for<'a> SendAsyncFnOnce<'a, TargetOf<M>, Result<T, E>>,
    E: Send + 'static,
{
    let mut scope = Scope::new(manager.aenter().await.map_err(Error::Enter)?);
    let ended = {
        let (target, interrupt, rest) = scope.parts();
        Body::new(body(target), interrupt, rest).await
    };
    let mut left = Left::from(ended);
    let result = crate::__exit_scope!(scope, left.fault);
    left.finish::<M::Guard>(result)
}

/// How a body was left: with a value or with a fault.
struct Left<T, E> {
    value: Option<T>,
    fault: Option<Fault<E>>,
}

impl<T, E> From<Ended<Result<T, E>>> for Left<T, E> {
    #[inline]
    fn from(ended: Ended<Result<T, E>>) -> Self {
        let fault = match ended {
            Ended::Done(Ok(value)) => return Self { value: Some(value), fault: None },
            Ended::Done(Err(error)) => Fault::Error(error),
            Ended::Panicked(payload) => Fault::Panic(payload),
            Ended::Interrupted => Fault::Interrupted,
        };
        Self { value: None, fault: Some(fault) }
    }
}

type Finished<G, T, E> =
    Result<<<G as AsyncGuard>::Suppression as Suppression>::Output<T>, Error<E, <G as AsyncGuard>::Error>>;

impl<T, E> Left<T, E> {
    #[inline]
    fn finish<G: AsyncGuard>(self, result: Result<G::Suppression, G::Error>) -> Finished<G, T, E> {
        match (self.fault, self.value, result) {
            (None, Some(value), Ok(_)) => Ok(G::Suppression::completed(value)),
            (None, _, Err(error)) => Err(Error::Exit { error, context: None }),
            (Some(fault), _, result) => fail::<G, T, E>(result, fault),
            (None, None, Ok(_)) => unreachable!("what has no fault has a value"),
        }
    }
}

#[cold]
fn fail<G: AsyncGuard, T, E>(result: Result<G::Suppression, G::Error>, fault: Fault<E>) -> Finished<G, T, E> {
    match (result, fault) {
        (Ok(_), Fault::Panic(payload)) => resume_unwind(*payload),
        (Err(error), Fault::Panic(payload)) => {
            report::<G>(&error);
            resume_unwind(*payload)
        }
        (Ok(verdict), fault) => match (verdict.suppressed(), fault) {
            (Some(value), _) => Ok(value),
            (None, Fault::Error(error)) => Err(Error::Block(error)),
            (None, _) => panic!("{NEITHER}"),
        },
        (Err(error), Fault::Error(context)) => Err(Error::Exit { error, context: Some(context) }),
        (Err(error), _) => Err(Error::Exit { error, context: None }),
    }
}
