use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::pages::{AsyncGetDocs, Offset, Page, PageNumber, by_cursor, by_offset, by_page_number};

/// A paginated API in memory: pages of numbers, injected faults, and a log of the requests.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Mutex<Inner>>,
    steps: u32,
    step: Duration,
}

struct Inner {
    pages: Vec<Vec<u32>>,
    links: HashMap<usize, Option<usize>>,
    faults: HashMap<usize, u32>,
    requested: Vec<usize>,
    open: usize,
}

/// The error of an injected fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("fault on page {0}")]
pub struct Fault(pub usize);

/// A fetch in progress: counted until it is dropped.
struct OpenFetch(Arc<Mutex<Inner>>);

impl Drop for OpenFetch {
    fn drop(&mut self) {
        self.0.lock().unwrap().open -= 1;
    }
}

impl Api {
    /// An API with pages of these lengths, which hold 0, 1, 2, …; each page links to the one after it.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut numbers = 0..;
        let pages = lengths.into_iter().map(|n| numbers.by_ref().take(n).collect()).collect();
        let inner =
            Inner { pages, links: HashMap::new(), faults: HashMap::new(), requested: Vec::new(), open: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), steps: 0, step: Duration::ZERO }
    }

    /// Makes page `to` the next page of page `from`.
    pub fn link(self, from: usize, to: impl Into<Option<usize>>) -> Self {
        self.inner.lock().unwrap().links.insert(from, to.into());
        self
    }

    /// Makes the page fail `times` times before it succeeds.
    pub fn fail(self, page: usize, times: u32) -> Self {
        self.inner.lock().unwrap().faults.insert(page, times);
        self
    }

    /// Makes each fetch await `steps` times, for `step` each.
    pub fn slow(mut self, steps: u32, step: Duration) -> Self {
        (self.steps, self.step) = (steps, step);
        self
    }

    /// Returns the requested pages, in order.
    pub fn requested(&self) -> Vec<usize> {
        self.inner.lock().unwrap().requested.clone()
    }

    /// Returns the number of fetches in progress.
    pub fn open(&self) -> usize {
        self.inner.lock().unwrap().open
    }

    /// Returns all items, in order.
    pub fn all(&self) -> Vec<u32> {
        self.inner.lock().unwrap().pages.concat()
    }

    fn open_fetch(&self, page: usize) -> OpenFetch {
        let mut inner = self.inner.lock().unwrap();
        inner.requested.push(page);
        inner.open += 1;
        OpenFetch(Arc::clone(&self.inner))
    }

    fn respond(&self, page: usize) -> Result<Page<u32, usize>, Fault> {
        let mut inner = self.inner.lock().unwrap();
        if let Some(times) = inner.faults.get_mut(&page) {
            if *times > 0 {
                *times -= 1;
                return Err(Fault(page));
            }
        }
        let items = inner.pages.get(page).cloned().unwrap_or_default();
        let after = (page + 1 < inner.pages.len()).then_some(page + 1);
        Ok(Page::new(items, inner.links.get(&page).copied().unwrap_or(after)))
    }

    async fn wait(&self) {
        for _ in 0..self.steps {
            if self.step.is_zero() {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(self.step).await;
            }
        }
    }

    pub async fn get(self, page: usize) -> Result<Page<u32, usize>, Fault> {
        let _open = self.open_fetch(page);
        self.wait().await;
        self.respond(page)
    }

    pub fn by_cursor(&self) -> AsyncGetDocs<u32, usize, Fault> {
        let api = self.clone();
        by_cursor(move |at| api.clone().get(at.unwrap_or(0)))
    }

    pub fn by_page_number(&self) -> AsyncGetDocs<u32, PageNumber, Fault> {
        let api = self.clone();
        by_page_number(0, move |page| {
            let page = api.clone().get(usize::try_from(page).unwrap());
            async move { page.await.map(|page| page.items) }
        })
    }

    /// A server that returns at most `clamp` items, even if the requested limit is higher.
    pub fn by_offset(&self, limit: u64, clamp: usize) -> AsyncGetDocs<u32, Offset, Fault> {
        let api = self.clone();
        by_offset(limit, move |offset, limit| {
            let (api, offset) = (api.clone(), usize::try_from(offset).unwrap());
            async move {
                let _open = api.open_fetch(offset);
                api.wait().await;
                let faulty = api.respond(offset);
                let take = clamp.min(usize::try_from(limit).unwrap());
                faulty.map(|_| api.all().into_iter().skip(offset).take(take).collect::<Vec<_>>())
            }
        })
    }
}
