use std::time::Duration;

/// What happens on a walk, as [`observe`](super::AsyncGetDocs::on_event) sees it, at the moment it happens.
///
/// `page` is the page's position in the walk, from 1; `cursor` is what it is asked with, `None` at the start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, C, E> {
    /// The page is about to be asked for, after the [`before_request`](super::AsyncGetDocs::before_request) has let it pass.
    #[non_exhaustive]
    Request {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it is asked with.
        cursor: Option<&'a C>,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// The page has arrived. It may have been read ahead, and not be delivered yet.
    #[non_exhaustive]
    Response {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: Option<&'a C>,
        /// How many items it holds.
        items: usize,
    },
    /// The attempt failed, and the page will be asked for again.
    #[non_exhaustive]
    Retry {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it will be asked with.
        cursor: Option<&'a C>,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// How long until the next one.
        delay: Duration,
        /// Why it failed.
        error: &'a E,
    },
    /// The attempt failed, and was the last.
    #[non_exhaustive]
    Failure {
        /// The page's position in the walk.
        page: u64,
        /// The cursor it was asked with.
        cursor: Option<&'a C>,
        /// How often it was asked.
        attempts: u32,
        /// Why it failed.
        error: &'a E,
    },
}

/// How far a walk has come; a copy, taken by [`progress`](super::AsyncGetDocs::progress).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Items yielded, those of the runs before a [`resume`](super::AsyncGetDocs::resume) included.
    pub items: u64,
    /// Pages that have reached the consumer, likewise. An empty page that marked the end is not counted.
    pub pages: u64,
    /// Attempts beyond each page's first, in this run.
    pub retries: u64,
    /// How many items there are in all, as the API said last; many an API estimates.
    pub total: Option<u64>,
}

impl Progress {
    /// The share of the items that has been yielded, from 0.0 to 1.0, where the API told the total.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of more than 2^52 items may be off by one of them"
    )]
    pub fn fraction(&self) -> Option<f64> {
        match self.total? {
            0 => Some(1.0),
            total => Some((self.items as f64 / total as f64).min(1.0)),
        }
    }
}
