use std::fmt::Debug;

use crate::cleanup::job::peel_box;
use crate::known_error::describe;

/// The output of a step of a [`GracefulShutdown`](super::GracefulShutdown): `()`, or a `Result` whose error is reported.
///
/// The value of the `Result` is an output as well. A step that awaits a task therefore also reports the error of its work:
/// `async { handle.await }` is a step for a `JoinHandle<io::Result<()>>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the output of a step of a shutdown",
    label = "must be `()` or `Result<(), E>`",
    note = "discard the value of a result: `.await.map(drop)`",
    note = "if it is `!`, the step never ends: leave its loop when a phase has `begun()`"
)]
pub trait StepOutput: sealed::Sealed {
    /// Returns the text of the error.
    #[doc(hidden)]
    fn into_failure(self) -> Result<(), String>;
}

impl StepOutput for () {
    fn into_failure(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T: StepOutput, E: Debug + Send + 'static> StepOutput for Result<T, E> {
    fn into_failure(self) -> Result<(), String> {
        match self {
            Ok(output) => output.into_failure(),
            Err(error) => Err(describe(peel_box(&error), Some(&error)).unwrap_or_default()),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T: Sealed, E> Sealed for Result<T, E> {}
}
