//! The `tracing` span of a scope, which covers its enter, its block and its exit.

#[cfg(feature = "tracing")]
pub(in crate::context) use self::with_tracing::{EnteredScope, ScopeSpan, SpanRef};
#[cfg(not(feature = "tracing"))]
pub(in crate::context) use self::without_tracing::{EnteredScope, SpanRef};

#[cfg(feature = "tracing")]
mod with_tracing {
    use std::mem;

    use tracing::Span;
    use tracing::field::Empty;
    use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
    use tracing::span::EnteredSpan;

    /// The span of a scope, entered until this is dropped. It is held during one poll, and never across an `await`.
    #[must_use]
    pub(in crate::context) struct EnteredScope {
        _span: Option<EnteredSpan>,
    }

    /// The span of a scope, for its exit.
    #[derive(Clone, Copy)]
    pub(in crate::context) struct SpanRef<'s>(pub(in crate::context) Option<&'s ScopeSpan>);

    impl SpanRef<'_> {
        #[inline]
        pub(in crate::context) fn enter(self) -> EnteredScope {
            // An entered span of its own, because the owner of this one is borrowed mutably meanwhile.
            EnteredScope { _span: self.0.and_then(|span| span.span.clone()).map(Span::entered) }
        }
    }

    /// The span of a scope. `None` if it is disabled.
    #[derive(Default)]
    pub(in crate::context) struct ScopeSpan {
        span: Option<Span>,
        is_named: bool,
        has_reason: bool,
    }

    impl ScopeSpan {
        /// Returns `false` if no subscriber wants spans of this level: one load and one comparison.
        #[inline]
        pub(in crate::context) fn is_wanted() -> bool {
            LevelFilter::TRACE <= STATIC_MAX_LEVEL && LevelFilter::TRACE <= LevelFilter::current()
        }

        /// Opens the span, as a child of the current one. `None` if no subscriber wants it.
        pub(in crate::context) fn open() -> Option<Self> {
            let span = tracing::trace_span!(target: "withal::context", "scope", name = Empty, reason = Empty);
            (!span.is_disabled()).then(|| Self { span: Some(span), ..Self::default() })
        }

        pub(in crate::context) fn is_open(&self) -> bool {
            self.span.is_some()
        }

        /// Records the name of the guard, once.
        pub(in crate::context) fn record_name(&mut self, name: &'static str) {
            if !mem::replace(&mut self.is_named, true) {
                self.record("name", name);
            }
        }

        /// Records the reason of the exit, once.
        pub(in crate::context) fn record_reason(&mut self, reason: &'static str) {
            if !mem::replace(&mut self.has_reason, true) {
                self.record("reason", reason);
            }
        }

        fn record(&self, field: &'static str, value: &'static str) {
            if let Some(span) = &self.span {
                span.record(field, value);
            }
        }
    }
}

/// Without the feature `tracing`, there are no spans.
#[cfg(not(feature = "tracing"))]
mod without_tracing {
    use std::marker::PhantomData;

    #[must_use]
    pub(in crate::context) struct EnteredScope;

    #[derive(Clone, Copy)]
    pub(in crate::context) struct SpanRef<'s>(pub(in crate::context) PhantomData<&'s ()>);

    impl SpanRef<'_> {
        #[inline]
        #[allow(clippy::unused_self, reason = "the signature is that with the feature")]
        pub(in crate::context) fn enter(self) -> EnteredScope {
            EnteredScope
        }
    }
}
