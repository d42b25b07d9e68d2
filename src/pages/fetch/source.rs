use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::as_error::{AsError, ErrorView};
use crate::pages::page::Page;

/// The user's fetch function with its type erased. It fetches one page at a time.
///
/// The future of a page is stored in the source instead of in a box, so that a page costs no allocation.
pub(in crate::pages) trait Source<T, C, E>: Send {
    /// Polls for a page, which is written into `into`.
    ///
    /// If `fetch` is given, drops the future in progress and starts fetching that page. Otherwise, a future must be in
    /// progress.
    fn poll(
        self: Pin<&mut Self>,
        fetch: Option<FetchPage<C>>,
        cx: &mut Context<'_>,
        into: &mut Page<T, C>,
    ) -> Poll<Result<(), E>>;

    /// Drops the future in progress.
    #[cfg(feature = "tracing")]
    fn cancel(self: Pin<&mut Self>);

    /// Returns another source with the same function, to fetch two pages at once; `None` if the function cannot be
    /// shared.
    fn try_clone(&self) -> Option<BoxSource<T, C, E>>;

    /// Returns the functions that find the cause of an error.
    fn error_view(&self) -> ErrorView<E>;
}

/// The cursor of a page to start fetching; `None` for the first page.
pub(in crate::pages) struct FetchPage<C>(pub(super) Option<C>);

pub(in crate::pages) type BoxSource<T, C, E> = Pin<Box<dyn Source<T, C, E>>>;

/// `share` is a zero-sized closure, so that it is inlined.
#[pin_project]
struct FnSource<F, Fut, S, E> {
    function: F,
    #[pin]
    page: Option<Fut>,
    share: S,
    error_view: ErrorView<E>,
}

/// A source that fetches one page at a time.
pub(in crate::pages) fn exclusive<T, C, E, P, F, Fut, K>(function: F) -> BoxSource<T, C, E>
where
    C: 'static,
    E: AsError<K>,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    Box::pin(FnSource { function, page: None, share: |_: &F| None, error_view: ErrorView::of() })
}

/// A source that can be cloned to fetch several pages at once.
pub(in crate::pages) fn shareable<T, C, E, P, F, Fut, K>(function: F) -> BoxSource<T, C, E>
where
    C: 'static,
    E: AsError<K>,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let function = Arc::new(Mutex::new(function));
    // Poisoning is ignored: if the function panics, the mutex holds nothing but the function itself.
    let function = move |cursor| function.lock().unwrap_or_else(PoisonError::into_inner)(cursor);
    let share = |function: &_| Some(Clone::clone(function));
    Box::pin(FnSource { function, page: None, share, error_view: ErrorView::of() })
}

impl<T, C, E, P, F, Fut, S> Source<T, C, E> for FnSource<F, Fut, S, E>
where
    C: 'static,
    E: 'static,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
    S: Fn(&F) -> Option<F> + Copy + Send + 'static,
{
    fn poll(
        self: Pin<&mut Self>,
        fetch: Option<FetchPage<C>>,
        cx: &mut Context<'_>,
        into: &mut Page<T, C>,
    ) -> Poll<Result<(), E>> {
        let mut this = self.project();
        if let Some(FetchPage(cursor)) = fetch {
            let page = (this.function)(cursor);
            this.page.set(Some(page));
        }
        let page = this.page.as_mut().as_pin_mut().expect("page polled before its fetch was started");
        let result = ready!(page.poll(cx));
        // Drop the future as soon as it is ready: it may hold a connection.
        this.page.set(None);
        result?.into().store(into);
        Poll::Ready(Ok(()))
    }

    #[cfg(feature = "tracing")]
    fn cancel(self: Pin<&mut Self>) {
        self.project().page.set(None);
    }

    fn try_clone(&self) -> Option<BoxSource<T, C, E>> {
        let function = (self.share)(&self.function)?;
        Some(Box::pin(Self { function, page: None, share: self.share, error_view: self.error_view }))
    }

    fn error_view(&self) -> ErrorView<E> {
        self.error_view
    }
}
