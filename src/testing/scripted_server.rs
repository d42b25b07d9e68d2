use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::pages::{AsyncGetDocs, Offset, Page, PageNumber, by_cursor, by_offset, by_page_number};

/// A paginated API in memory, which follows a script and records its requests.
///
/// The pages are numbered from 0. Clones share the pages and the record. The streams are those of
/// [`pages`](crate::pages): a test passes them to the code that it tests, or passes [`get`](Self::get) as a fetch function.
/// With [`slow`](Self::slow), each request takes several awaits, so it can be
/// [cancelled at each of them](super::cancel_at_every_await).
///
/// # Examples
///
/// ```
/// use withal::testing::ScriptedServer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = ScriptedServer::new([vec!["a", "b"], vec![], vec!["c"]]).fail(2, 1);
/// let mut items = server.by_cursor();
/// let mut received = Vec::new();
/// loop {
///     match items.try_next().await {
///         Ok(Some(item)) => received.push(item),
///         Ok(None) => break,
///         Err(_) => assert!(items.retry_failed()),
///     }
/// }
/// assert_eq!(received, server.all());
/// assert_eq!(server.requested(), [0, 1, 2, 2]);
/// assert_eq!(server.in_progress(), 0);
/// # }
/// ```
#[doc(alias("mock", "stub", "fake server"))]
pub struct ScriptedServer<T> {
    script: Arc<Mutex<Script<T>>>,
    awaits: u32,
    each: Duration,
}

struct Script<T> {
    pages: Vec<Vec<T>>,
    /// The next pages, where they differ from the following page.
    links: HashMap<usize, Option<usize>>,
    /// The number of requests of a page that still fail.
    failures: HashMap<usize, u32>,
    /// The requests that fail, counted from 0.
    failed_requests: HashSet<usize>,
    requested: Vec<usize>,
    in_progress: usize,
}

/// The error of a request that fails because of the script of a [`ScriptedServer`], with the number of the page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault on page {0}")]
pub struct ScriptedFailure(pub usize);

/// A request in progress: counted until it is dropped.
struct Request<T> {
    server: ScriptedServer<T>,
    page: usize,
    /// The number of requests before it.
    number: usize,
}

impl ScriptedServer<u32> {
    /// Creates a server with pages of these lengths, and with the items 0, 1, 2 and so on.
    #[must_use]
    pub fn numbers(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut numbers = 0..;
        Self::new(lengths.into_iter().map(|length| numbers.by_ref().take(length).collect::<Vec<_>>()))
    }
}

impl<T: Clone + Send + 'static> ScriptedServer<T> {
    /// Creates a server with these pages. Each page links to the one after it, and requests complete at once.
    #[must_use]
    pub fn new(pages: impl IntoIterator<Item = Vec<T>>) -> Self {
        let script = Script {
            pages: pages.into_iter().collect(),
            links: HashMap::new(),
            failures: HashMap::new(),
            failed_requests: HashSet::new(),
            requested: Vec::new(),
            in_progress: 0,
        };
        Self { script: Arc::new(Mutex::new(script)), awaits: 0, each: Duration::ZERO }
    }

    /// Makes page `to` the next page of page `from`; `None` makes `from` the last page.
    #[must_use]
    pub fn link(self, from: usize, to: impl Into<Option<usize>>) -> Self {
        self.lock().links.insert(from, to.into());
        self
    }

    /// Makes the next `times` requests of this page fail.
    #[must_use]
    pub fn fail(self, page: usize, times: u32) -> Self {
        self.lock().failures.insert(page, times);
        self
    }

    /// Makes one request fail, whichever page it requests. `number` is the number of requests before it.
    #[must_use]
    pub fn fail_request(self, number: usize) -> Self {
        self.lock().failed_requests.insert(number);
        self
    }

    /// Makes each request wait `awaits` times, for the duration `each` of tokio's clock. A duration of zero yields to the
    /// runtime.
    ///
    /// This applies to this handle and to its later clones.
    #[must_use]
    pub fn slow(self, awaits: u32, each: Duration) -> Self {
        Self { awaits, each, ..self }
    }

    /// Returns the pages that were requested, in order, including those of requests that failed or were dropped.
    #[must_use]
    pub fn requested(&self) -> Vec<usize> {
        self.lock().requested.clone()
    }

    /// Returns the number of requests that are in progress.
    #[must_use]
    pub fn in_progress(&self) -> usize {
        self.lock().in_progress
    }

    /// Returns the items of all pages, in order.
    #[must_use]
    pub fn all(&self) -> Vec<T> {
        self.lock().pages.concat()
    }

    /// Requests a page. A page that does not exist is empty.
    ///
    /// # Errors
    ///
    /// [`ScriptedFailure`] if the script makes the request fail.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the request stays in the record, but is not in progress. A scripted failure is used up by
    /// the response, not by the request.
    pub async fn get(self, page: usize) -> Result<Page<T, usize>, ScriptedFailure> {
        let request = self.request(page);
        request.wait().await;
        request.respond()
    }

    /// Returns a stream over the items by cursor: each response contains the number of the next page.
    pub fn by_cursor(&self) -> AsyncGetDocs<T, usize, ScriptedFailure> {
        let server = self.clone();
        by_cursor(move |page| server.clone().get(page.unwrap_or(0)))
    }

    /// Returns a stream over the items by page number, up to the first empty page.
    pub fn by_page_number(&self) -> AsyncGetDocs<T, PageNumber, ScriptedFailure> {
        let server = self.clone();
        by_page_number(0, move |page| {
            let page = server.clone().get(index(page));
            async move { page.await.map(|page| page.items) }
        })
    }

    /// Returns a stream over the items by offset, `limit` at a time. The server returns at most `most` items, even if the
    /// limit is higher.
    ///
    /// The record contains the offsets, and [`fail`](Self::fail) refers to them.
    pub fn by_offset(&self, limit: u64, most: usize) -> AsyncGetDocs<T, Offset, ScriptedFailure> {
        let server = self.clone();
        by_offset(limit, move |offset, limit| {
            let (server, offset) = (server.clone(), index(offset));
            async move {
                let request = server.request(offset);
                request.wait().await;
                drop(request.respond()?);
                let items = server.all().into_iter().skip(offset).take(most.min(index(limit)));
                Ok::<_, ScriptedFailure>(items.collect::<Vec<_>>())
            }
        })
    }

    fn request(&self, page: usize) -> Request<T> {
        let mut script = self.lock();
        let number = script.requested.len();
        script.requested.push(page);
        script.in_progress += 1;
        drop(script);
        Request { server: self.clone(), page, number }
    }
}

impl<T> ScriptedServer<T> {
    /// Ignores poisoning: a panic leaves the script valid.
    fn lock(&self) -> MutexGuard<'_, Script<T>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Converts a number. Every page beyond the range of `usize` is empty.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<T: Clone> Request<T> {
    async fn wait(&self) {
        for _ in 0..self.server.awaits {
            if self.server.each.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(self.server.each).await;
            }
        }
    }

    fn respond(&self) -> Result<Page<T, usize>, ScriptedFailure> {
        let mut script = self.server.lock();
        if script.failed_requests.contains(&self.number) {
            return Err(ScriptedFailure(self.page));
        }
        if let Some(left) = script.failures.get_mut(&self.page).filter(|left| **left > 0) {
            *left -= 1;
            return Err(ScriptedFailure(self.page));
        }
        let items = script.pages.get(self.page).cloned().unwrap_or_default();
        let after = self.page.checked_add(1).filter(|after| *after < script.pages.len());
        Ok(Page::new(items, script.links.get(&self.page).copied().unwrap_or(after)))
    }
}

impl<T> Drop for Request<T> {
    fn drop(&mut self) {
        self.server.lock().in_progress -= 1;
    }
}

/// Shares the pages and the records.
impl<T> Clone for ScriptedServer<T> {
    fn clone(&self) -> Self {
        Self { script: Arc::clone(&self.script), awaits: self.awaits, each: self.each }
    }
}

impl<T> fmt::Debug for ScriptedServer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer").field("requested", &self.lock().requested).finish_non_exhaustive()
    }
}
