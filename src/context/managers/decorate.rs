use std::fmt;

use crate::context::error::Error;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::suppression::Suppression;
use crate::context::with::async_with;

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
    pub async fn call<A, M, G, T, E>(
        &self,
        arguments: A,
    ) -> Result<<G::Suppression as Suppression>::Output<T>, Error<E, G::Error>>
    where
        M: AsyncContextManager<Guard = G>,
        G: AsyncGuard,
        N: Fn() -> M,
        F: AsyncFn(A) -> Result<T, E>,
        E: Send + 'static,
    {
        async_with((self.manager)(), async |_| (self.function)(arguments).await).await
    }
}

impl<N, F> fmt::Debug for Decorated<N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decorated").finish_non_exhaustive()
    }
}
