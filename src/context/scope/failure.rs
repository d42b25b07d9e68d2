use std::any::Any;
use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project::pin_project;

use crate::cleanup::{CleanupEvent, notify_observers};
use crate::context::exit_reason::{ExitReason, OpaqueError};
use crate::panic::{Kept, KeptPayload, Payload, ReturnSlot, catch_panic, drop_payload, ignore_panic};

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

impl<E, N> BlockFailure<E, N> {
    /// Returns the slot to which the payload of a panic is returned if its next owner drops it.
    #[inline]
    pub(in crate::context) fn return_slot(failure: &mut Option<Self>) -> Option<Arc<ReturnSlot>> {
        match failure {
            Some(Self::Panic(payload)) => Some(payload.return_slot()),
            _ => None,
        }
    }
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

/// The exit of a scope. It evaluates to the output of the exit or, if the exit panics, to the payload.
#[pin_project]
pub struct ScopeExit<F> {
    /// `None` after the exit has panicked.
    #[pin]
    exit: Option<F>,
}

impl<F> ScopeExit<F> {
    #[inline]
    pub(in crate::context) fn new(exit: F) -> Self {
        Self { exit: Some(exit) }
    }
}

impl<F: Future> Future for ScopeExit<F> {
    type Output = Result<F::Output, ExitPanic>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut exit = self.project().exit;
        match catch_panic(|| exit.as_mut().as_pin_mut().expect("exit polled after a panic").poll(cx)) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(ExitPanic::new(exit, payload))),
        }
    }
}

/// The payload of an exit that has panicked. Boxed, so that the result of an exit stays small.
#[derive(Debug)]
pub struct ExitPanic(Box<Payload>);

impl ExitPanic {
    #[cold]
    #[inline(never)]
    fn new<F>(mut exit: Pin<&mut Option<F>>, payload: Payload) -> Self {
        ignore_panic(|| exit.set(None));
        Self(Box::new(payload))
    }

    /// If the block has panicked before, reports the panic of the exit and resumes that of the block. Otherwise, resumes
    /// the panic of the exit. `name` is that of the guard.
    #[cold]
    #[inline(never)]
    pub fn resume<E, N>(self, failure: Option<BlockFailure<E, N>>, name: Option<&'static str>) -> ! {
        match failure {
            Some(BlockFailure::Panic(first)) => {
                resume_first(first.into_inner(), *self.0, name.unwrap_or("exit"))
            }
            _ => resume_unwind(*self.0),
        }
    }
}

/// Resumes the first of two panics, and reports the second one, the panic of the exit `name`. If the exit has reported
/// the first one, because its own was earlier, resumes the panic of the exit.
pub(in crate::context) fn resume_first(first: Payload, second: Payload, name: &'static str) -> ! {
    if has_reported_reason(&*second) {
        drop_payload(first);
        resume_unwind(second)
    }
    notify_observers(&CleanupEvent::Panicked { name, payload: &*second });
    drop_payload(second);
    resume_unwind(first)
}

thread_local! {
    /// The address of the payload with which an exit panics after it has reported the error or panic of its block.
    static REPORTED_BY: Cell<usize> = const { Cell::new(0) };
}

/// Reports the error or panic of a block, for an exit that resumes `earlier` at once: the payload of a panic that was
/// earlier than the end of the block. Whatever surrounds the exit does not report it again.
pub(crate) fn report_reason(name: &'static str, exit: &ExitReason<'_>, earlier: &(dyn Any + Send)) {
    match exit {
        ExitReason::Error(error) => {
            notify_observers(&CleanupEvent::Failed { name, error: &**error, debug: None });
        }
        ExitReason::Panic(payload) => {
            notify_observers(&CleanupEvent::Panicked { name, payload: &**payload });
        }
        ExitReason::Ok | ExitReason::Cancelled => return,
    }
    REPORTED_BY.set(address(earlier));
}

/// Returns `true` if the exit that has just panicked with `payload` has reported its reason.
pub(in crate::context) fn has_reported_reason(payload: &(dyn Any + Send)) -> bool {
    REPORTED_BY.take() == address(payload)
}

fn address(payload: &(dyn Any + Send)) -> usize {
    std::ptr::from_ref(payload).cast::<()>().addr()
}

/// The panic message for a manager that breaks the contract of [`interrupt_when`](crate::context::interrupt_when).
pub(in crate::context) const CONTRACT_VIOLATION: &str =
    "`aexit` returned without an error or suppression after its manager interrupted the block";

/// Notifies the observers of an exit's error that cannot be returned, because another error or panic takes precedence.
/// `name` is that of the guard.
pub(crate) fn report_exit_error<E: Any + Debug + Send>(name: &'static str, error: &E) {
    notify_observers(&CleanupEvent::Failed { name, error, debug: Some(error) });
}
