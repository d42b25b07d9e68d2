use std::future::Future;

use super::entry::AnyError;
use crate::context::ExitReason;

/// A function for [`push_async_exit`](super::AsyncExitStack::push_async_exit): an async closure whose future is `Send`.
///
/// Implemented by every closure that fits; its argument needs its type: `async |exit: ExitReason<'_>| ..`.
pub trait ExitFn<'a, O>: FnOnce(ExitReason<'a>) -> Self::Future {
    /// What it returns.
    type Future: Future<Output = O> + Send;
}

impl<'a, O, F, R> ExitFn<'a, O> for F
where
    F: FnOnce(ExitReason<'a>) -> R,
    R: Future<Output = O> + Send,
{
    type Future = R;
}

/// What a callback returns: nothing, or `Result<(), E>`.
///
/// No other types implement it.
#[diagnostic::on_unimplemented(
    message = "a callback of an exit stack returns `()` or `Result<(), E>`, not `{Self}`"
)]
pub trait ExitOutput: sealed::Sealed {}

impl ExitOutput for () {}
impl<E: Send + 'static> ExitOutput for Result<(), E> {}

pub(super) mod sealed {
    use super::AnyError;

    pub trait Sealed {
        fn into_result(self) -> Result<(), AnyError>;
    }

    impl Sealed for () {
        fn into_result(self) -> Result<(), AnyError> {
            Ok(())
        }
    }

    impl<E: Send + 'static> Sealed for Result<(), E> {
        fn into_result(self) -> Result<(), AnyError> {
            self.map_err(|error| Box::new(error) as AnyError)
        }
    }
}
