use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::pages::Page;

/// The user's fetch function with its type erased: one page at a time, polled in place.
///
/// The future of a page lies beside the function rather than in a box of its own, so a page costs no allocation.
pub(in crate::pages) trait Source<T, C, E>: Send {
    /// `begin`: what to fetch a page with; what was under way is dropped. Without it, something must be under way.
    /// The page comes into `into`.
    fn poll(
        self: Pin<&mut Self>,
        begin: Option<Begin<C>>,
        cx: &mut Context<'_>,
        into: &mut Page<T, C>,
    ) -> Poll<Result<(), E>>;

    /// Another source over the same function, to fetch two pages at a time, where it can be shared.
    fn fork(&self) -> Option<BoxSource<T, C, E>>;
}

/// A page to begin to fetch, at this cursor; `None` is the start.
pub(in crate::pages) struct Begin<C>(pub(super) Option<C>);

pub(in crate::pages) type BoxSource<T, C, E> = Pin<Box<dyn Source<T, C, E>>>;

/// `share` is a closure of size zero, so that it is inlined.
#[pin_project]
struct Calls<F, Fut, S> {
    fetch: F,
    #[pin]
    page: Option<Fut>,
    share: S,
}

/// One page at a time.
pub(in crate::pages) fn chain<T, C, E, P, F, Fut>(fetch: F) -> BoxSource<T, C, E>
where
    C: 'static,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    Box::pin(Calls { fetch, page: None, share: |_: &F| None })
}

/// Several at a time, should that be asked for.
pub(in crate::pages) fn shared<T, C, E, P, F, Fut>(fetch: F) -> BoxSource<T, C, E>
where
    C: 'static,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
{
    let fetch = Arc::new(Mutex::new(fetch));
    // A panic of the function under the lock leaves nothing half done of ours.
    let fetch = move |at| fetch.lock().unwrap_or_else(PoisonError::into_inner)(at);
    Box::pin(Calls { fetch, page: None, share: |fetch: &_| Some(Clone::clone(fetch)) })
}

impl<T, C, E, P, F, Fut, S> Source<T, C, E> for Calls<F, Fut, S>
where
    C: 'static,
    P: Into<Page<T, C>>,
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
    S: Fn(&F) -> Option<F> + Copy + Send + 'static,
{
    fn poll(
        self: Pin<&mut Self>,
        begin: Option<Begin<C>>,
        cx: &mut Context<'_>,
        into: &mut Page<T, C>,
    ) -> Poll<Result<(), E>> {
        let mut this = self.project();
        if let Some(Begin(at)) = begin {
            let page = (this.fetch)(at);
            this.page.set(Some(page));
        }
        let page = this.page.as_mut().as_pin_mut().expect("a page is begun before it is waited for");
        let result = ready!(page.poll(cx));
        this.page.set(None);
        *into = result?.into();
        Poll::Ready(Ok(()))
    }

    fn fork(&self) -> Option<BoxSource<T, C, E>> {
        let fetch = (self.share)(&self.fetch)?;
        Some(Box::pin(Self { fetch, page: None, share: self.share }))
    }
}
