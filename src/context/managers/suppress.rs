use std::any::Any;
use std::convert::Infallible;
use std::fmt;

use crate::as_error::{AsError, find_error};
use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::drop_now::DropNow;

/// Creates a manager that suppresses the block's error if it is an `E` and `predicate` returns `true`. The value of the
/// scope is then `None`.
///
/// An `E` inside a `Box<dyn Error + Send + Sync>`, a [`BoxError`](crate::tasks::BoxError) or, with the feature `anyhow`,
/// an `anyhow::Error` and its contexts is suppressed, too: `?` may have made such a box of it. The
/// [sources](std::error::Error::source) of an error are not searched, as Python's `suppress` ignores `__cause__`, and
/// neither is an [`EitherError`](crate::context::EitherError): name its whole type as `E`.
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
///
/// The error of the block may be a box:
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use withal::context::{async_with, suppress};
/// use withal::tasks::BoxError;
///
/// async fn size(path: &str) -> Result<Option<u64>, BoxError> {
///     let not_found = suppress(|error: &Error| error.kind() == ErrorKind::NotFound);
///     Ok(async_with!(_ = not_found => { std::fs::read_to_string(path)?.trim().parse::<u64>()? }))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(size("/no/such/file").await.unwrap(), None);
/// # }
/// ```
#[doc(alias("ignore", "catch", "except"))]
pub fn suppress<E, P, K>(predicate: P) -> Suppress<E, P>
where
    E: AsError<K> + Send + Sync,
    P: FnMut(&E) -> bool + Send,
{
    Suppress { predicate, target: (), find: find_error::<E, K> }
}

/// A manager that suppresses some errors. Created by [`suppress`].
#[must_use = "a manager does nothing unless it is entered"]
pub struct Suppress<E, P> {
    predicate: P,
    target: (),
    /// Finds the `E` in the block's error.
    find: fn(&(dyn Any + Send)) -> Option<&E>,
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
            ExitReason::Error(error) => (self.find)(error).is_some_and(&mut self.predicate),
            _ => false,
        })
    }
}

impl<E, P> fmt::Debug for Suppress<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suppress").finish_non_exhaustive()
    }
}
