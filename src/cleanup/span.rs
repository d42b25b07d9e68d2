//! The `tracing` span in which a cleanup runs.

use std::future::Future;
use std::pin::Pin;

/// A future that [`in_current_span`] returns.
#[cfg(feature = "tracing")]
pub(super) type InSpan<F> = tracing::instrument::Instrumented<F>;

/// A future that [`in_current_span`] returns.
#[cfg(not(feature = "tracing"))]
pub(super) type InSpan<F> = F;

/// Returns `work` as a future that is polled and dropped in the span that is current now.
///
/// A cleanup is detached where its owner is dropped. `tracing`'s `Instrumented` enters the span of a future to drop
/// it, so that the current span is that of the owner, even if the future is dropped elsewhere.
#[cfg(feature = "tracing")]
pub(super) fn in_current_span<F: Future>(work: F) -> InSpan<F> {
    use tracing::Instrument;

    work.in_current_span()
}

/// Returns `work`: without the feature `tracing`, there are no spans.
#[cfg(not(feature = "tracing"))]
pub(super) fn in_current_span<F: Future>(work: F) -> InSpan<F> {
    work
}

/// Returns the work of a future that [`in_current_span`] has returned.
#[cfg(feature = "tracing")]
pub(super) fn work_in_span<F>(in_span: Pin<&mut InSpan<F>>) -> Pin<&mut F> {
    in_span.inner_pin_mut()
}

/// Returns the work of a future that [`in_current_span`] has returned.
#[cfg(not(feature = "tracing"))]
pub(super) fn work_in_span<F>(in_span: Pin<&mut InSpan<F>>) -> Pin<&mut F> {
    in_span
}
