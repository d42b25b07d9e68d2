use std::any::Any;
use std::convert::Infallible;
use std::fmt::Debug;

use crate::cleanup::{CleanupEvent, notify_observers};
use crate::context::exit_reason::{ExitReason, OpaqueError};
use crate::panic::{Kept, KeptPayload};

/// The failure of a block, kept by its scope during the exit.
///
/// `E` is an error that leaves the function or the body. `N` is the error of a manager that was entered inside the
/// block by the same macro; it becomes part of the macro's value.
#[derive(Debug)]
pub enum BlockFailure<E, N = Infallible> {
    Error(Kept<E>),
    Nested(Kept<N>),
    /// The error of a block of the macro that evaluated to `Err`. Boxed twice, as the payload of a panic.
    Value(Box<KeptPayload>),
    /// The error is not `Send + 'static`, and is kept elsewhere.
    Opaque(OpaqueError),
    /// Boxed twice, so that a failure stays small: it is moved even if nothing panics.
    Panic(Box<KeptPayload>),
    /// The block's own manager interrupted it.
    Interrupted,
}

impl<E: Send + 'static, N: Send + 'static> BlockFailure<E, N> {
    /// Returns the reason that the manager's exit receives.
    #[inline]
    pub fn exit_reason(failure: &mut Option<Self>) -> ExitReason<'_> {
        let Some(failure) = failure else { return ExitReason::Ok };
        let is_panic = matches!(failure, Self::Panic(_));
        match failure.payload() {
            Some(payload) if is_panic => ExitReason::Panic(payload),
            Some(error) => ExitReason::Error(error),
            None => ExitReason::Cancelled,
        }
    }

    /// Returns the error or the payload. Unlike a reason, the reference is returned in registers, and a reason without
    /// a failure need not be in memory.
    #[cold]
    #[inline(never)]
    fn payload(&mut self) -> Option<&mut (dyn Any + Send)> {
        match self {
            Self::Error(error) => Some(&mut **error),
            Self::Nested(error) => Some(&mut **error),
            Self::Value(error) => Some(&mut ***error),
            Self::Opaque(placeholder) => Some(placeholder),
            Self::Panic(payload) => Some(&mut ***payload),
            Self::Interrupted => None,
        }
    }
}

/// The panic message for a manager that breaks the contract of [`interrupt_when`](crate::context::interrupt_when).
pub(in crate::context) const CONTRACT_VIOLATION: &str =
    "`aexit` returned without an error or suppression after its manager interrupted the block";

/// Notifies the observers of an exit's error that cannot be returned, because another error or panic takes precedence.
/// `name` is that of the guard.
pub(in crate::context) fn report_exit_error<E: Any + Debug + Send>(name: &'static str, error: &E) {
    notify_observers(&CleanupEvent::Failed { name, error, debug: Some(error) });
}
