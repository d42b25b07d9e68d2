use std::any::Any;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use super::scope_span::SpanRef;
use crate::cleanup::{CleanupEvent, notify_observers, peel_box};
use crate::context::exit_reason::{ExitReason, OpaqueError};
use crate::context::report::has_reported_reason;
use crate::panic::{KeptPayload, Payload, catch_panic, drop_payload, drop_quietly, ignore_panic};

/// The failure of a block, kept by its scope during the exit.
///
/// `E` is an error that leaves the function or the body. `N` is the error of a manager that was entered inside the
/// block by the same macro; it becomes part of the macro's value.
#[derive(Debug)]
pub enum BlockFailure<E: Send + 'static, N: Send + 'static = Infallible> {
    Error(KeptError<E>),
    Nested(KeptError<N>),
    /// The error of a block of the macro that evaluated to `Err`. Boxed twice, as the payload of a panic.
    Value(Box<KeptError<Payload>>),
    /// The error is not `Send + 'static`, and is kept elsewhere.
    Opaque(KeptError<OpaqueError>),
    /// Boxed twice, so that a failure stays small: it is moved even if nothing panics.
    Panic(Box<KeptPayload>),
    /// The block's own manager interrupted it.
    Interrupted,
}

/// The error of a block, kept during the exit. It is returned afterwards, or suppressed. If it is dropped instead, because
/// the future of the scope is dropped during the exit, it is reported.
#[derive(Debug)]
pub struct KeptError<E: Send + 'static>(Option<E>);

/// The name in the report of a block whose scope was dropped: the error may outlive the guard, and with it the guard's
/// name.
const DROPPED_SCOPE: &str = "a dropped scope";

const IS_PRESENT: &str = "an error is present until it is moved out";

impl<E: Send + 'static> KeptError<E> {
    #[inline]
    pub(in crate::context) fn new(error: E) -> Self {
        Self(Some(error))
    }

    #[inline]
    pub(in crate::context) fn into_inner(mut self) -> E {
        self.0.take().expect(IS_PRESENT)
    }

    /// Reports the error, which cannot be returned, under the `name` of the guard.
    #[cold]
    fn report(mut self, name: &'static str) {
        let reported = self.take_reported(name);
        ignore_panic(|| drop(reported));
    }

    #[cold]
    #[inline(never)]
    fn take_reported(&mut self, name: &'static str) -> Option<E> {
        let error = self.0.take()?;
        notify_observers(&CleanupEvent::BlockFailed { name, error: peel_box(&error) });
        Some(error)
    }
}

impl<E: Send + 'static> Deref for KeptError<E> {
    type Target = E;

    #[inline]
    fn deref(&self) -> &E {
        self.0.as_ref().expect(IS_PRESENT)
    }
}

impl<E: Send + 'static> DerefMut for KeptError<E> {
    #[inline]
    fn deref_mut(&mut self) -> &mut E {
        self.0.as_mut().expect(IS_PRESENT)
    }
}

impl<E: Send + 'static> Drop for KeptError<E> {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            drop_quietly(self.take_reported(DROPPED_SCOPE));
        }
    }
}

impl<E: Send + 'static, N: Send + 'static> BlockFailure<E, N> {
    /// Drops a failure that was suppressed, was reported already, or is a part of the value that is returned.
    pub(in crate::context) fn discard(self) {
        match self {
            Self::Error(error) => drop(error.into_inner()),
            Self::Nested(error) => drop(error.into_inner()),
            Self::Value(error) => drop(error.into_inner()),
            Self::Opaque(placeholder) => {
                let OpaqueError = placeholder.into_inner();
            }
            Self::Panic(_) | Self::Interrupted => {}
        }
    }

    /// Reports the error of a block whose exit, called `name`, has panicked.
    #[cold]
    fn report(self, name: &'static str) {
        match self {
            Self::Error(error) => error.report(name),
            Self::Nested(error) => error.report(name),
            Self::Value(error) => error.report(name),
            Self::Opaque(placeholder) => placeholder.report(name),
            Self::Panic(_) | Self::Interrupted => {}
        }
    }

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

    /// The name of the reason in the span of the scope.
    pub(in crate::context) fn reason_name(failure: Option<&Self>) -> &'static str {
        match failure {
            None => "ok",
            Some(Self::Panic(_)) => "panic",
            Some(Self::Interrupted) => "cancelled",
            Some(_) => "error",
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
            Self::Value(error) => Some(&mut ****error),
            Self::Opaque(placeholder) => Some(&mut **placeholder),
            Self::Panic(payload) => Some(&mut ***payload),
            Self::Interrupted => None,
        }
    }
}

/// The exit of a scope. It evaluates to the output of the exit or, if the exit panics, to the payload.
///
/// With the feature `tracing`, it is polled and dropped in the span of the scope. If a dropped exit detaches a cleanup, the
/// span of the cleanup is a child of that of the scope.
#[cfg_attr(feature = "tracing", pin_project(PinnedDrop))]
#[cfg_attr(not(feature = "tracing"), pin_project)]
pub struct ScopeExit<'s, F> {
    /// `None` after the exit has panicked.
    #[pin]
    exit: Option<F>,
    span: SpanRef<'s>,
}

#[cfg(feature = "tracing")]
#[pin_project::pinned_drop]
impl<F> PinnedDrop for ScopeExit<'_, F> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.span.0.is_some() && this.exit.is_some() {
            let _entered = this.span.enter();
            this.exit.set(None);
        }
    }
}

impl<'s, F> ScopeExit<'s, F> {
    #[inline]
    pub(in crate::context) fn new(exit: F, span: SpanRef<'s>) -> Self {
        Self { exit: Some(exit), span }
    }
}

impl<F: Future> Future for ScopeExit<'_, F> {
    type Output = Result<F::Output, ExitPanic>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let mut exit = this.exit;
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

    /// Resumes the panic as [`resume_after`] does. `name` is that of the guard.
    #[cold]
    #[inline(never)]
    pub fn resume<E, N>(self, failure: Option<BlockFailure<E, N>>, name: Option<&'static str>) -> !
    where
        E: Send + 'static,
        N: Send + 'static,
    {
        resume_after(failure, *self.0, name.unwrap_or("exit"))
    }
}

/// Resumes the panic of the exit `name` after the failure of its block. If the block has panicked, its panic is resumed,
/// and that of the exit is reported. If the block has failed with an error, which can no longer be returned, the error
/// is reported.
#[cold]
pub(in crate::context) fn resume_after<E, N>(
    failure: Option<BlockFailure<E, N>>,
    payload: Payload,
    name: &'static str,
) -> !
where
    E: Send + 'static,
    N: Send + 'static,
{
    match failure {
        None | Some(BlockFailure::Interrupted) => {}
        Some(BlockFailure::Panic(first)) => resume_first(first.into_inner(), payload, name),
        Some(failure) if has_reported_reason(&*payload) => ignore_panic(|| failure.discard()),
        Some(failure) => failure.report(name),
    }
    resume_unwind(payload)
}

/// Resumes the first of two panics, and reports the second one, the panic of the exit `name`. If the exit has reported
/// the first one, because its own was earlier, resumes the panic of the exit.
fn resume_first(first: Payload, second: Payload, name: &'static str) -> ! {
    if has_reported_reason(&*second) {
        drop_payload(first);
        resume_unwind(second)
    }
    notify_observers(&CleanupEvent::Panicked { name, payload: &*second });
    drop_payload(second);
    resume_unwind(first)
}

/// The panic message for a manager that breaks the contract of [`interrupt_when`](crate::context::interrupt_when).
pub(in crate::context) const CONTRACT_VIOLATION: &str =
    "`aexit` returned without an error or suppression after its manager interrupted the block";
