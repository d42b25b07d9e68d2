use std::convert::Infallible;

use crate::context::exit_reason::ExitReason;
use crate::context::guard::AsyncGuard;
use crate::context::manager::AsyncContextManager;
use crate::context::policy::drop_now::DropNow;

/// Creates a manager that only lends `value` to the block, for code in which a manager is optional.
///
/// # Examples
///
/// ```
/// use withal::context::{async_with, nullcontext};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let n = async_with!(n = nullcontext(7) => { *n + 1 });
/// assert_eq!(n, 8);
/// # }
/// ```
#[doc(alias("noop", "dummy"))]
pub fn nullcontext<T>(value: T) -> NullContext<T> {
    NullContext(value)
}

/// A manager that does nothing. Created by [`nullcontext`].
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a manager does nothing unless it is entered"]
pub struct NullContext<T>(T);

impl<T: Send> AsyncContextManager for NullContext<T> {
    type Guard = Self;

    #[inline]
    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl<T: Send> AsyncGuard for NullContext<T> {
    type Target = T;
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = DropNow;

    #[inline]
    fn target(&mut self) -> &mut T {
        &mut self.0
    }

    #[inline]
    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}
