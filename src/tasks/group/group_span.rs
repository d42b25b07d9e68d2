//! The `tracing` span of a task group, in which its tasks run.

use std::future::Future;

/// A future that [`GroupSpan::wrap`] returns.
#[cfg(feature = "tracing")]
pub(super) type InSpan<F> = tracing::instrument::Instrumented<F>;

/// A future that [`GroupSpan::wrap`] returns.
#[cfg(not(feature = "tracing"))]
pub(super) type InSpan<F> = F;

/// The span of a group, from its enter until its last task has ended. Disabled before, and without a subscriber.
#[derive(Clone, Default)]
pub(super) struct GroupSpan {
    /// Shared, because a subscriber, which is user code, must not run while the group is locked. A group without a span then
    /// takes only a pointer.
    #[cfg(feature = "tracing")]
    span: Option<std::sync::Arc<tracing::Span>>,
}

#[cfg(feature = "tracing")]
impl GroupSpan {
    /// Opens the span, as a child of the current one.
    pub(super) fn open() -> Self {
        use tracing::field::Empty;

        let span = tracing::debug_span!(
            target: "withal::tasks",
            "group",
            tasks = Empty,
            failed = Empty,
            reason = Empty
        );
        Self { span: (!span.is_disabled()).then(|| span.into()) }
    }

    /// Returns the work of a task, which is polled and dropped in the span.
    pub(super) fn wrap<F: Future>(&self, work: F) -> InSpan<F> {
        use tracing::{Instrument, Span};

        work.instrument(self.span.as_deref().map_or_else(Span::none, Span::clone))
    }

    pub(super) fn is_open(&self) -> bool {
        self.span.is_some()
    }

    /// Records the end of the group.
    pub(super) fn record(&self, tasks: u32, failed: usize, is_cancelled: bool) {
        let Some(span) = &self.span else { return };
        span.record("tasks", tasks);
        span.record("failed", failed);
        span.record(
            "reason",
            if failed > 0 {
                "error"
            } else if is_cancelled {
                "cancelled"
            } else {
                "ok"
            },
        );
    }
}

/// Without the feature, there are no spans.
#[cfg(not(feature = "tracing"))]
#[allow(clippy::unused_self, reason = "the signatures are those with the feature")]
impl GroupSpan {
    #[inline]
    pub(super) fn open() -> Self {
        Self {}
    }

    #[inline]
    pub(super) fn wrap<F: Future>(&self, work: F) -> InSpan<F> {
        work
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        false
    }

    #[inline]
    pub(super) fn record(&self, _tasks: u32, _failed: usize, _is_cancelled: bool) {}
}
