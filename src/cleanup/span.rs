//! The `tracing` span in which a cleanup runs.

use std::future::Future;

/// Returns `work` as a future that is polled and dropped in the span that is current now.
///
/// A cleanup is detached where its owner is dropped. `tracing`'s `Instrumented` enters the span of a future to drop
/// it, so that the current span is that of the owner, even if the future is dropped elsewhere.
#[cfg(feature = "tracing")]
pub(super) fn in_current_span<F: Future>(work: F) -> tracing::instrument::Instrumented<F> {
    use tracing::Instrument;

    work.in_current_span()
}

/// Returns `work`: without the feature `tracing`, there are no spans.
#[cfg(not(feature = "tracing"))]
pub(super) fn in_current_span<F: Future>(work: F) -> F {
    work
}
