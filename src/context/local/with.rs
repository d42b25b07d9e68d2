use super::guard::LocalAsyncGuard;
use super::manager::LocalAsyncContextManager;
use super::scope::LocalBodyScope;
use crate::context::error::Error;
use crate::context::suppression::Suppression;
use crate::context::with::run_body;

/// Like [`async_with()`](fn@crate::context::async_with), for a [`LocalAsyncContextManager`].
///
/// # Errors
///
/// The same as for [`async_with()`](fn@crate::context::async_with).
///
/// # Panics
///
/// The same as for [`async_with()`](fn@crate::context::async_with).
///
/// # Cancel safety
///
/// If the future is dropped during the body or the exit, the guard's [policy](LocalAsyncGuard::OnDrop) decides what
/// happens to the exit.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use withal::context::{Error, async_with_local, on_exit};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::num::ParseIntError> {
/// let text = on_exit(Rc::new("7"), async |text, _| drop(text));
/// let n = async_with_local(text, async |text| text.parse::<u32>()).await.map_err(Error::into_inner)?;
/// assert_eq!(n, 7);
/// # Ok(())
/// # }
/// ```
#[inline]
pub async fn async_with_local<M, G, F, T, E>(
    manager: M,
    body: F,
) -> Result<<G::Suppression as Suppression>::Output<T>, Error<E, G::Error>>
where
    M: LocalAsyncContextManager<Guard = G>,
    G: LocalAsyncGuard,
    F: AsyncFnOnce(&mut G::Target) -> Result<T, E>,
    E: Send + 'static,
{
    let mut scope = LocalBodyScope::default();
    let entered = scope.enter(manager).await;
    scope.entered(entered).map_err(Error::Enter)?;
    run_body!(scope, body)
}
