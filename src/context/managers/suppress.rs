use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::drop_now::DropNow;

/// Creates a manager that suppresses the block's error if it is an `E` and `predicate` returns `true`. The value of the
/// scope is then `None`.
///
/// A panic is never suppressed, and neither is the drop of the future.
///
/// # Examples
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use withal::context::{async_with, suppress};
///
/// async fn remove(path: &str) -> Result<Option<()>, Error> {
///     let not_found = suppress(|error: &Error| error.kind() == ErrorKind::NotFound);
///     Ok(async_with!(_ = not_found => { std::fs::remove_file(path)? }))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(remove("/no/such/file").await.unwrap(), None);
/// # }
/// ```
#[doc(alias("ignore", "catch", "except"))]
pub fn suppress<E, P>(predicate: P) -> Suppress<E, P>
where
    E: 'static,
    P: FnMut(&E) -> bool + Send,
{
    Suppress { predicate, target: (), error: PhantomData }
}

/// A manager that suppresses some errors. Created by [`suppress`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct Suppress<E, P> {
    predicate: P,
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
            ExitReason::Error(error) => error.downcast_ref().is_some_and(&mut self.predicate),
            _ => false,
        })
    }
}

impl<E, P> fmt::Debug for Suppress<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppress").finish_non_exhaustive()
    }
}
