use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::pages::Page;

/// The user's fetch function with its type erased: one page at a time, started and polled in place.
///
/// The future of a page lies beside the function rather than in a box of its own, so a page costs no allocation.
pub(in crate::pages) trait Source<T, C, E>: Send {
    /// Begins to fetch the page at `at`; a fetch that was under way is dropped.
    fn start(self: Pin<&mut Self>, at: Option<C>);

    /// Must not be called unless a fetch was started and has not ended.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Page<T, C>, E>>;

    /// Another source over the same function, to fetch two pages at a time.
    fn fork(&self) -> BoxSource<T, C, E>;
}

pub(in crate::pages) type BoxSource<T, C, E> = Pin<Box<dyn Source<T, C, E>>>;

/// `convert` is a closure type of size zero, so that the conversion is inlined.
#[pin_project]
struct Calls<F, Fut, G> {
    fetch: Arc<Mutex<F>>,
    #[pin]
    page: Option<Fut>,
    convert: G,
}

pub(in crate::pages) fn source<T, C, E, P, F, Fut, G>(fetch: F, convert: G) -> BoxSource<T, C, E>
where
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
    G: Fn(P) -> Page<T, C> + Copy + Send + 'static,
{
    Box::pin(Calls { fetch: Arc::new(Mutex::new(fetch)), page: None, convert })
}

impl<T, C, E, P, F, Fut, G> Source<T, C, E> for Calls<F, Fut, G>
where
    F: FnMut(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<P, E>> + Send + 'static,
    G: Fn(P) -> Page<T, C> + Copy + Send + 'static,
{
    fn start(self: Pin<&mut Self>, at: Option<C>) {
        let mut this = self.project();
        let page = {
            // A panic of the function under the lock leaves nothing half done of ours.
            let mut fetch = this.fetch.lock().unwrap_or_else(PoisonError::into_inner);
            fetch(at)
        };
        this.page.set(Some(page));
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Page<T, C>, E>> {
        let mut this = self.project();
        let page = this.page.as_mut().as_pin_mut().expect("a fetch was started before it is polled");
        let page = ready!(page.poll(cx));
        this.page.set(None);
        Poll::Ready(page.map(*this.convert))
    }

    fn fork(&self) -> BoxSource<T, C, E> {
        Box::pin(Self { fetch: Arc::clone(&self.fetch), page: None, convert: self.convert })
    }
}
