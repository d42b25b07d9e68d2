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
