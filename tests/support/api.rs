use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use withal::pages::{AsyncGetDocs, Offset, Page, PageNumber, by_cursor, by_offset, by_page_number};

/// A paginated API in memory: pages of numbers, faults where the test wants them, and a ledger of what was asked.
#[derive(Clone)]
pub(crate) struct Api {
    inner: Arc<Mutex<Inner>>,
    steps: u32,
    step: Duration,
}

struct Inner {
    pages: Vec<Vec<u32>>,
    links: HashMap<usize, Option<usize>>,
    faults: HashMap<usize, u32>,
    asked: Vec<usize>,
    open: usize,
}

/// What a fetch that was told to fail returns.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("fault on page {0}")]
pub(crate) struct Fault(pub(crate) usize);

/// One fetch under way; the ledger is closed whichever way it ends.
struct Opened(Arc<Mutex<Inner>>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.lock().unwrap().open -= 1;
    }
}

impl Api {
    /// Pages of these lengths, holding 0, 1, 2, …; each leads to the one after it.
    pub(crate) fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut numbers = 0..;
        let pages = lengths.into_iter().map(|n| numbers.by_ref().take(n).collect()).collect();
        let inner =
            Inner { pages, links: HashMap::new(), faults: HashMap::new(), asked: Vec::new(), open: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), steps: 0, step: Duration::ZERO }
    }

    /// The page `from` names the page `to` as its next.
    pub(crate) fn link(self, from: usize, to: impl Into<Option<usize>>) -> Self {
        self.inner.lock().unwrap().links.insert(from, to.into());
        self
    }

    /// The page fails so many times before it comes.
    pub(crate) fn fail(self, page: usize, times: u32) -> Self {
        self.inner.lock().unwrap().faults.insert(page, times);
        self
    }

    /// Each fetch awaits so many times.
    pub(crate) fn slow(mut self, steps: u32, step: Duration) -> Self {
        (self.steps, self.step) = (steps, step);
        self
    }

    /// Every page that was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<usize> {
        self.inner.lock().unwrap().asked.clone()
    }

    /// How many fetches are under way.
    pub(crate) fn open(&self) -> usize {
        self.inner.lock().unwrap().open
    }

    /// Every item, in order.
    pub(crate) fn all(&self) -> Vec<u32> {
        self.inner.lock().unwrap().pages.concat()
    }

    fn ask(&self, page: usize) -> Opened {
        let mut inner = self.inner.lock().unwrap();
        inner.asked.push(page);
        inner.open += 1;
        Opened(Arc::clone(&self.inner))
    }

    fn answer(&self, page: usize) -> Result<Page<u32, usize>, Fault> {
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

    pub(crate) async fn get(self, page: usize) -> Result<Page<u32, usize>, Fault> {
        let _opened = self.ask(page);
        self.wait().await;
        self.answer(page)
    }

    pub(crate) fn by_cursor(&self) -> AsyncGetDocs<u32, usize, Fault> {
        let api = self.clone();
        by_cursor(move |at| api.clone().get(at.unwrap_or(0)))
    }

    pub(crate) fn by_page_number(&self) -> AsyncGetDocs<u32, PageNumber, Fault> {
        let api = self.clone();
        by_page_number(0, move |page| {
            let page = api.clone().get(usize::try_from(page).unwrap());
            async move { page.await.map(|page| page.items) }
        })
    }

    /// A server that gives `clamp` items at most, whatever the limit.
    pub(crate) fn by_offset(&self, limit: u64, clamp: usize) -> AsyncGetDocs<u32, Offset, Fault> {
        let api = self.clone();
        by_offset(limit, move |offset, limit| {
            let (api, offset) = (api.clone(), usize::try_from(offset).unwrap());
            async move {
                let _opened = api.ask(offset);
                api.wait().await;
                let faulty = api.answer(offset);
                let take = clamp.min(usize::try_from(limit).unwrap());
                faulty.map(|_| api.all().into_iter().skip(offset).take(take).collect::<Vec<_>>())
            }
        })
    }
}
