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
    pub(in crate::context) fn return_slot(failure: &mut Option<Self>) -> Option<Arc<ReturnSlot>> {
        match failure {
            Some(Self::Panic(payload)) => Some(payload.return_slot()),
            _ => None,
        }
    }

    #[inline]
    pub(in crate::context) fn is_panic(failure: &Option<Self>) -> bool {
        matches!(failure, Some(Self::Panic(_)))
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

/// The exit of a block that has panicked, which may panic as well.
///
/// It evaluates to the output of the exit or, if the exit panics, to both panics.
#[pin_project]
pub(in crate::context) struct ExitAfterPanic<F> {
    /// `None` once it has ended.
    #[pin]
    exit: Option<F>,
    /// Returns the block's payload if `exit` owns it and has panicked.
    slot: Option<Arc<ReturnSlot>>,
    name: &'static str,
}

impl<F> ExitAfterPanic<F> {
    /// `name` is that of the guard.
    pub(in crate::context) fn new(exit: F, slot: Option<Arc<ReturnSlot>>, name: &'static str) -> Self {
        Self { exit: Some(exit), slot, name }
    }
}

impl<F: Future> Future for ExitAfterPanic<F> {
    type Output = Result<F::Output, TwoPanics>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut exit = this.exit;
        let polled = catch_panic(|| {
            let polled = exit.as_mut().as_pin_mut().map_or(Poll::Pending, |exit| exit.poll(cx));
            if polled.is_ready() {
                exit.set(None);
            }
            polled
        });
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(second) => {
                let is_first_reported = has_reported_reason(&*second);
                // Returns the block's payload, if the unwinding has not done so.
                ignore_panic(|| exit.set(None));
                let first = this.slot.as_ref().and_then(|slot| slot.take());
                Poll::Ready(Err(TwoPanics { first, second, is_first_reported, name: this.name }))
            }
        }
    }
}

/// The panics of a block and of its exit.
#[derive(Debug)]
pub struct TwoPanics {
    /// `None` if the scope still owns the payload.
    first: Option<Payload>,
    second: Payload,
    /// `true` if the exit has reported the block's panic, because its own was earlier.
    is_first_reported: bool,
    /// The name of the guard.
    name: &'static str,
}

impl TwoPanics {
    /// Reports the panic of the exit, and resumes that of the block.
    pub fn resume<E, N>(self, failure: Option<BlockFailure<E, N>>) -> ! {
        let Self { first, second, is_first_reported, name } = self;
        let kept = match failure {
            Some(BlockFailure::Panic(payload)) => Some(payload.into_inner()),
            _ => None,
        };
        let Some(first) = first.or(kept).filter(|_| !is_first_reported) else { resume_unwind(second) };
        notify_observers(&CleanupEvent::Panicked { name, payload: &*second });
        drop_payload(second);
        resume_unwind(first)
    }
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
pub(in crate::context) fn report_exit_error<E: Any + Debug + Send>(name: &'static str, error: &E) {
    notify_observers(&CleanupEvent::Failed { name, error, debug: Some(error) });
}
