use std::fmt;

use crate::context::error::Error;
use crate::context::guard::AsyncGuard;
use crate::context::guard::sealed::Policy;
use crate::context::manager::AsyncContextManager;
use crate::context::scope::scope::BodyScope;
use crate::context::scope::state::RuntimeSlot;
use crate::context::suppression::Suppression;
use crate::context::with::run_body;

/// Wraps `function` so that each call runs in a scope with a new manager, like a context manager that is used as a
/// decorator in Python.
///
/// # Examples
///
/// ```
/// use tokio::sync::Semaphore;
/// use withal::context::decorate;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let slots = Semaphore::new(4);
/// let parse = decorate(|| &slots, async |text: &str| text.parse::<u32>());
/// assert_eq!(parse.call("7").await.unwrap(), 7);
/// // The argument lives no longer than its call.
/// assert!(parse.call(&String::from("seven")).await.is_err());
/// # }
/// ```
#[doc(alias("AsyncContextDecorator", "decorator", "wrap", "middleware"))]
pub fn decorate<M, F, N>(manager: N, function: F) -> Decorated<N, F>
where
    M: AsyncContextManager,
    N: Fn() -> M,
{
    Decorated { manager, function }
}

/// A function whose calls run in a scope with a new manager. Created by [`decorate`].
pub struct Decorated<N, F> {
    manager: N,
    function: F,
}

impl<N, F> Decorated<N, F> {
    /// Calls the function in a scope with a new manager. Several arguments are passed as a tuple.
    ///
    /// In a spawned task, the function must accept an argument with any lifetime: annotate its type as `&str` or
    /// `Vec<&str>`, without `'static`. Otherwise, the compiler cannot prove that the future is `Send` ("implementation of
    /// `AsyncFnMut` is not general enough").
    ///
    /// # Errors
    ///
    /// The same as for [`async_with()`](crate::context::async_with()).
    ///
    /// # Panics
    ///
    /// The same as for [`async_with()`](crate::context::async_with()).
    ///
    /// # Cancel safety
    ///
    /// The same as for [`async_with()`](crate::context::async_with()).
    // The associated types of the guard are parameters, so that no projection keeps the future from being `Send` if the
    // guard's type has a lifetime: see `Scope`.
    pub async fn call<A, M, G, T, E, V, X, R>(&self, arguments: A) -> Result<V::Output<T>, Error<E, X>>
    where
        M: AsyncContextManager<Guard = G>,
        G: AsyncGuard<Suppression = V, Error = X, OnDrop: Policy<G, Runtime = R>>,
        V: Suppression,
        X: fmt::Debug + Send + 'static,
        R: RuntimeSlot,
        N: Fn() -> M,
        F: AsyncFn(A) -> Result<T, E>,
        E: Send + 'static,
    {
        let mut scope = BodyScope::default();
        let entered = scope.enter((self.manager)()).await;
        scope.entered(entered).map_err(Error::Enter)?;
        let body = |_: &mut G::Target| (self.function)(arguments);
        run_body!(scope, body)
    }
}

impl<N, F> fmt::Debug for Decorated<N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decorated").finish_non_exhaustive()
    }
}
