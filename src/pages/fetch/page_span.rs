//! The `tracing` spans of pages, and the events of pagination.

use std::time::Duration;

#[cfg(feature = "tracing")]
pub(in crate::pages) use self::with_tracing::{PageSpan, ParentSpan};
#[cfg(not(feature = "tracing"))]
pub(in crate::pages) use self::without_tracing::{PageSpan, ParentSpan};
use crate::as_error::ErrorView;
use crate::pages::cursor::Cursor;
#[cfg(feature = "tracing")]
use crate::pages::error::format_cursor;

/// A failed attempt after which the page is requested again.
#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "only `tracing` receives it"))]
pub(in crate::pages) struct Retried<'a, C, E> {
    pub(in crate::pages) page: u64,
    /// The cursor of the next attempt.
    pub(in crate::pages) cursor: Option<&'a C>,
    pub(in crate::pages) attempt: u32,
    pub(in crate::pages) delay: Duration,
    pub(in crate::pages) error: &'a E,
}

#[cfg(feature = "tracing")]
mod with_tracing {
    use std::mem;

    use tracing::field::{Empty, display};
    use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
    use tracing::span::EnteredSpan;
    use tracing::{Span, debug_span};

    use super::{Cursor, ErrorView, format_cursor};
    use crate::error_text;
    use crate::pages::mask::mask_cursor;

    /// The name, which no other span of this target has.
    pub(super) const NAME: &str = "page";
    pub(super) const TARGET: &str = "withal::pages";

    /// The span of a page, entered until this is dropped.
    #[must_use]
    pub(in crate::pages) struct EnteredPage {
        _span: Option<EnteredSpan>,
    }

    /// Returns `false` if no subscriber enables spans of this level: one load and one comparison.
    #[inline]
    pub(super) fn are_wanted() -> bool {
        LevelFilter::DEBUG <= STATIC_MAX_LEVEL && LevelFilter::DEBUG <= LevelFilter::current()
    }

    /// The span in which a stream was first polled, the parent of the spans of its pages. `None` if no subscriber enabled
    /// the spans of pages then.
    pub(in crate::pages) struct ParentSpan(Option<Span>);

    impl ParentSpan {
        /// Returns the current span.
        #[inline]
        pub(in crate::pages) fn current() -> Self {
            Self(are_wanted().then(Span::current))
        }

        pub(in crate::pages) fn is_wanted(&self) -> bool {
            self.0.is_some()
        }
    }

    /// The span of a page. `None` if it is disabled, and between two pages.
    #[derive(Default)]
    pub(in crate::pages) struct PageSpan(Option<Span>);

    impl PageSpan {
        pub(in crate::pages) fn open<C: Cursor>(parent: &ParentSpan, page: u64, cursor: Option<&C>) -> Self {
            let Some(parent) = &parent.0 else { return Self(None) };
            let span = debug_span!(
                target: TARGET,
                parent: parent,
                NAME,
                page,
                cursor = cursor.map(|cursor| display(format_cursor(cursor))),
                attempt = Empty,
                status = Empty,
                bytes = Empty,
                items = Empty,
                error = Empty
            );
            Self(Some(span).filter(|span| !span.is_disabled()))
        }

        pub(in crate::pages) fn is_open(&self) -> bool {
            self.0.is_some()
        }

        /// Enters the span for one poll. An entered span of its own, because the owner of this one is borrowed mutably
        /// meanwhile.
        pub(in crate::pages) fn enter(&self) -> EnteredPage {
            EnteredPage { _span: self.0.clone().map(Span::entered) }
        }

        /// Records the cursor of the next attempt, after a restart.
        pub(in crate::pages) fn record_cursor<C: Cursor>(&self, cursor: Option<&C>) {
            if let (Some(span), Some(cursor)) = (&self.0, cursor) {
                span.record("cursor", display(format_cursor(cursor)));
            }
        }

        /// Records the end of the last attempt, and closes the span.
        pub(in crate::pages) fn close<E>(
            &mut self,
            attempt: u32,
            result: Result<usize, (&E, impl FnOnce() -> ErrorView<E>)>,
        ) {
            let Some(span) = mem::take(&mut self.0) else { return };
            span.record("attempt", attempt);
            match result {
                Ok(items) => {
                    span.record("items", items);
                }
                Err((error, view)) => {
                    if let Some(error) = shown(error, view()) {
                        span.record("error", display(error));
                    }
                }
            }
        }
    }

    /// Returns the text of an error with its causes, without secrets. `None` if the type has no text.
    pub(super) fn shown<E>(error: &E, view: ErrorView<E>) -> Option<String> {
        let text = match view.as_error(error) {
            Some(error) => error_text::with_sources(error),
            None => view.message(error)?,
        };
        Some(mask_cursor(&text))
    }
}

/// Records the status or the length of a response in the span of its page, if that is the current one.
#[cfg(all(feature = "tracing", feature = "http"))]
pub(in crate::pages) fn record_response(status: Option<u16>, bytes: Option<usize>) {
    use self::with_tracing::{NAME, TARGET, are_wanted};

    if !are_wanted() {
        return;
    }
    let span = tracing::Span::current();
    if span.metadata().is_some_and(|span| span.name() == NAME && span.target() == TARGET) {
        if let Some(status) = status {
            span.record("status", status);
        }
        if let Some(bytes) = bytes {
            span.record("bytes", bytes);
        }
    }
}

#[cfg(all(not(feature = "tracing"), feature = "http"))]
#[inline]
pub(in crate::pages) fn record_response(_status: Option<u16>, _bytes: Option<usize>) {}

/// Emits the event of a retry, in the span of its page.
#[cfg(feature = "tracing")]
pub(in crate::pages) fn emit_retry<C: Cursor, E>(
    retried: &Retried<'_, C, E>,
    view: impl FnOnce() -> ErrorView<E>,
) {
    let Retried { page, cursor, attempt, delay, error } = *retried;
    tracing::warn!(
        target: "withal::pages",
        page,
        cursor = cursor.map(|cursor| tracing::field::display(format_cursor(cursor))),
        attempt,
        delay = ?delay,
        error = with_tracing::shown(error, view()),
        "the page is requested again"
    );
}

#[cfg(not(feature = "tracing"))]
#[inline]
pub(in crate::pages) fn emit_retry<C: Cursor, E>(
    _retried: &Retried<'_, C, E>,
    _view: impl FnOnce() -> ErrorView<E>,
) {
}

/// Emits the event of a page whose next cursor was fetched before.
#[cfg(feature = "tracing")]
#[cold]
pub(in crate::pages) fn emit_cycle<C: Cursor>(page: u64, cursor: Option<&C>, next: &C, ends: bool) {
    let cursor = cursor.map(|cursor| tracing::field::display(format_cursor(cursor)));
    let next_cursor = tracing::field::display(format_cursor(next));
    if ends {
        tracing::debug!(target: "withal::pages", page, cursor, %next_cursor, "the stream ends at a cursor cycle");
    } else {
        tracing::warn!(target: "withal::pages", page, cursor, %next_cursor, "cursor cycle");
    }
}

#[cfg(not(feature = "tracing"))]
#[inline]
pub(in crate::pages) fn emit_cycle<C: Cursor>(_page: u64, _cursor: Option<&C>, _next: &C, _ends: bool) {}

/// Emits the event of a page whose content repeats that of an earlier one.
#[cfg(feature = "tracing")]
#[cold]
pub(in crate::pages) fn emit_repeat<C: Cursor>(page: u64, cursor: Option<&C>, ends: bool) {
    let cursor = cursor.map(|cursor| tracing::field::display(format_cursor(cursor)));
    if ends {
        tracing::debug!(target: "withal::pages", page, cursor, "the stream ends at a page that repeats an earlier one");
    } else {
        tracing::warn!(target: "withal::pages", page, cursor, "the page repeats an earlier one");
    }
}

#[cfg(not(feature = "tracing"))]
#[inline]
pub(in crate::pages) fn emit_repeat<C: Cursor>(_page: u64, _cursor: Option<&C>, _ends: bool) {}

/// Without the feature `tracing`, there are no spans.
#[cfg(not(feature = "tracing"))]
mod without_tracing {
    use super::{Cursor, ErrorView};

    #[must_use]
    pub(in crate::pages) struct EnteredPage;

    pub(in crate::pages) struct ParentSpan;

    #[allow(clippy::unused_self, reason = "the signatures are those with the feature")]
    impl ParentSpan {
        #[inline]
        pub(in crate::pages) fn current() -> Self {
            Self
        }

        #[inline]
        pub(in crate::pages) fn is_wanted(&self) -> bool {
            false
        }
    }

    #[derive(Default)]
    pub(in crate::pages) struct PageSpan(());

    #[allow(clippy::unused_self, reason = "the signatures are those with the feature")]
    impl PageSpan {
        #[inline]
        pub(in crate::pages) fn open<C: Cursor>(
            _parent: &ParentSpan,
            _page: u64,
            _cursor: Option<&C>,
        ) -> Self {
            Self(())
        }

        #[inline]
        pub(in crate::pages) fn enter(&self) -> EnteredPage {
            EnteredPage
        }

        #[inline]
        pub(in crate::pages) fn record_cursor<C: Cursor>(&self, _cursor: Option<&C>) {}

        #[inline]
        pub(in crate::pages) fn close<E>(
            &mut self,
            _attempt: u32,
            _result: Result<usize, (&E, impl FnOnce() -> ErrorView<E>)>,
        ) {
        }
    }
}
