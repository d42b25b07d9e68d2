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

    use crate::panic::ignore_panic;

    /// The span of a scope, entered until this is dropped. It is held during one poll, and never across an `await`.
    ///
    /// A subscriber is user code, and most of this is also called in destructors: no panic of a subscriber leaves this file.
    #[must_use]
    pub(in crate::context) struct EnteredScope {
        /// Boxed, so that a scope without a span takes a comparison, and not the copies of an empty span.
        span: Option<Box<EnteredSpan>>,
    }

    impl Drop for EnteredScope {
        #[inline]
        fn drop(&mut self) {
            if let Some(span) = self.span.take() {
                exit(span);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn exit(span: Box<EnteredSpan>) {
        ignore_panic(|| drop(span));
    }

    #[cold]
    #[inline(never)]
    fn enter(span: &ScopeSpan) -> Option<Box<EnteredSpan>> {
        // An entered span of its own, because the owner of this one is borrowed mutably meanwhile.
        let mut entered = None;
        ignore_panic(|| entered = span.span.clone().map(|span| Box::new(span.entered())));
        entered
    }

    /// The span of a scope, for its exit.
    #[derive(Clone, Copy)]
    pub(in crate::context) struct SpanRef<'s>(pub(in crate::context) Option<&'s ScopeSpan>);

    impl SpanRef<'_> {
        #[inline]
        pub(in crate::context) fn enter(self) -> EnteredScope {
            EnteredScope { span: self.0.and_then(enter) }
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
        /// Returns `false` if no subscriber enables spans of this level: one load and one comparison.
        #[inline]
        pub(in crate::context) fn is_wanted() -> bool {
            LevelFilter::TRACE <= STATIC_MAX_LEVEL && LevelFilter::TRACE <= LevelFilter::current()
        }

        /// Opens the span, as a child of the current one. `None` if no subscriber enables it.
        pub(in crate::context) fn open() -> Option<Self> {
            let mut span = None;
            ignore_panic(|| {
                span = Some(
                    tracing::trace_span!(target: "withal::context", "scope", name = Empty, reason = Empty),
                );
            });
            let span = span.filter(|span| !span.is_disabled())?;
            Some(Self { span: Some(span), ..Self::default() })
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
                ignore_panic(|| {
                    span.record(field, value);
                });
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
