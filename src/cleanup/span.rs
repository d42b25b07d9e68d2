//! The `tracing` span of a cleanup.

use std::future::Future;
use std::pin::Pin;

#[cfg(feature = "tracing")]
use super::event::AbandonReason;
use super::event::CleanupEvent;
use super::name::Name;

/// A future that [`CleanupSpan::wrap`] returns.
#[cfg(feature = "tracing")]
pub(super) type InSpan<F> = tracing::instrument::Instrumented<F>;

/// A future that [`CleanupSpan::wrap`] returns.
#[cfg(not(feature = "tracing"))]
pub(super) type InSpan<F> = F;

/// The span of a cleanup. Without the feature `tracing`, it has no size.
#[derive(Clone)]
pub(super) struct CleanupSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
impl CleanupSpan {
    /// Opens the span, as a child of the current one.
    ///
    /// A cleanup is detached where its owner is dropped. `tracing`'s `Instrumented` enters the span of a future to drop
    /// it, so that the current span is that of the owner, even if the future is dropped elsewhere.
    pub(super) fn open(name: Name) -> Self {
        use tracing::field::Empty;

        Self {
            span: tracing::debug_span!(
                target: "withal::cleanup",
                "cleanup",
                name = name.get(),
                outcome = Empty,
                reason = Empty
            ),
        }
    }

    /// Returns `work` as a future that is polled and dropped in the span or, if the span is disabled, in the current one.
    pub(super) fn wrap<F: Future>(&self, work: F) -> InSpan<F> {
        use tracing::Instrument;

        work.instrument(self.span.clone().or_current())
    }

    /// Records the outcome: `None` is success.
    pub(super) fn record(&self, event: Option<&CleanupEvent<'_>>) {
        if self.span.is_disabled() {
            return;
        }
        // Subscribers are user code, and this is called in destructors.
        crate::panic::ignore_panic(|| {
            self.span.record("outcome", outcome(event));
            if let Some(CleanupEvent::Abandoned { reason, .. }) = event {
                self.span.record("reason", reason_text(*reason));
            }
        });
    }
}

#[cfg(feature = "tracing")]
fn outcome(event: Option<&CleanupEvent<'_>>) -> &'static str {
    match event {
        None => "completed",
        Some(CleanupEvent::Panicked { .. }) => "panicked",
        Some(CleanupEvent::Abandoned { .. }) => "abandoned",
        Some(_) => "failed",
    }
}

#[cfg(feature = "tracing")]
fn reason_text(reason: AbandonReason) -> &'static str {
    match reason {
        AbandonReason::NoRuntime => "no_runtime",
        AbandonReason::RuntimeShutdown => "runtime_shutdown",
        AbandonReason::TimedOut => "timed_out",
        AbandonReason::NotSend => "not_send",
    }
}

/// Without the feature, there are no spans.
#[cfg(not(feature = "tracing"))]
#[allow(
    clippy::unused_self,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signatures are those with the feature"
)]
impl CleanupSpan {
    #[inline]
    pub(super) fn open(_name: Name) -> Self {
        Self {}
    }

    #[inline]
    pub(super) fn wrap<F: Future>(&self, work: F) -> InSpan<F> {
        work
    }

    #[inline]
    pub(super) fn record(&self, _event: Option<&CleanupEvent<'_>>) {}
}

/// Returns the work of a future that [`CleanupSpan::wrap`] has returned.
#[cfg(feature = "tracing")]
pub(super) fn work_in_span<F>(in_span: Pin<&mut InSpan<F>>) -> Pin<&mut F> {
    in_span.inner_pin_mut()
}

/// Returns the work of a future that [`CleanupSpan::wrap`] has returned.
#[cfg(not(feature = "tracing"))]
pub(super) fn work_in_span<F>(in_span: Pin<&mut InSpan<F>>) -> Pin<&mut F> {
    in_span
}
