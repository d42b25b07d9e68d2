//! The span of a scope, which it keeps beside its interrupts: without a span, a scope is no larger.

use super::interrupts::Interrupts;
use super::scope_span::{EnteredScope, SpanRef};

#[cfg(feature = "tracing")]
impl Interrupts {
    /// Opens the span, if a subscriber enables it.
    #[inline]
    pub(in crate::context) fn open_span(&mut self) {
        if super::scope_span::ScopeSpan::is_wanted() {
            self.add_span();
        }
    }

    #[inline]
    pub(in crate::context) fn span(&self) -> SpanRef<'_> {
        SpanRef(if self.is_empty() { None } else { self.opened_span() })
    }

    /// Enters the span for one poll.
    #[inline]
    pub(in crate::context) fn enter_span(&self) -> EnteredScope {
        self.span().enter()
    }

    /// Records the name of the guard, unless one was recorded before.
    #[inline]
    pub(in crate::context) fn record_name(&mut self, name: impl FnOnce() -> &'static str) {
        if !self.is_empty() {
            if let Some(span) = self.opened_span_mut() {
                span.record_name(name());
            }
        }
    }

    /// Records the reason of the exit, unless one was recorded before.
    #[inline]
    pub(in crate::context) fn record_reason(&mut self, reason: impl FnOnce() -> &'static str) {
        if !self.is_empty() {
            if let Some(span) = self.opened_span_mut() {
                span.record_reason(reason());
            }
        }
    }
}

/// Without the feature `tracing`, there are no spans.
#[cfg(not(feature = "tracing"))]
#[allow(clippy::unused_self, reason = "the signatures are those with the feature")]
impl Interrupts {
    #[inline]
    pub(in crate::context) fn open_span(&mut self) {}

    #[inline]
    pub(in crate::context) fn span(&self) -> SpanRef<'_> {
        SpanRef(std::marker::PhantomData)
    }

    #[inline]
    pub(in crate::context) fn enter_span(&self) -> EnteredScope {
        self.span().enter()
    }

    #[inline]
    pub(in crate::context) fn record_name(&mut self, _name: impl FnOnce() -> &'static str) {}

    #[inline]
    pub(in crate::context) fn record_reason(&mut self, _reason: impl FnOnce() -> &'static str) {}

    #[inline]
    pub(in crate::context) fn close_span(&mut self) {}
}
