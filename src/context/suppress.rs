use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use super::{AsyncContextManager, AsyncGuard, DropNow, ExitReason};

/// Suppresses the errors of type `E` for which `which` says so; the value of the block is `None` then.
///
/// Panics are never suppressed, nor is a future that is dropped.
///
/// # Examples
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use withal::context::{async_with, suppress};
///
/// async fn remove(path: &str) -> Result<Option<()>, Error> {
///     let gone = suppress(|error: &Error| error.kind() == ErrorKind::NotFound);
///     Ok(async_with!(_ = gone => { std::fs::remove_file(path)? }))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(remove("/no/such/file").await.unwrap(), None);
/// # }
/// ```
pub fn suppress<E, P>(which: P) -> Suppress<E, P>
where
    E: 'static,
    P: FnMut(&E) -> bool + Send,
{
    Suppress { which, target: (), error: PhantomData }
}

/// Made by [`suppress`].
#[must_use = "it does nothing unless it is entered"]
pub struct Suppress<E, P> {
    which: P,
    target: (),
    error: PhantomData<fn(&E)>,
}

impl<E: 'static, P: FnMut(&E) -> bool + Send> AsyncContextManager for Suppress<E, P> {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<E: 'static, P: FnMut(&E) -> bool + Send> AsyncGuard for Suppress<E, P> {
    type Target = ();
    type Error = Infallible;
    type Suppression = bool;
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut () {
        &mut self.target
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<bool, Infallible> {
        Ok(match exit {
            ExitReason::Error(error) => error.downcast_ref().is_some_and(&mut self.which),
            _ => false,
        })
    }
}

impl<E, P> fmt::Debug for Suppress<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppress").finish_non_exhaustive()
    }
}
