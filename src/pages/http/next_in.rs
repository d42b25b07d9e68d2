/// The part of a response that identifies the next page, for a page that is not read because it has not changed.
pub(super) enum NextIn<C> {
    /// The body, which is the same.
    Body,
    /// A header, which may have changed.
    Headers,
    /// Either, as a function of the user decides.
    Anywhere,
    /// The number of the page. Without a `step`, the next one follows from the number of its items.
    Count { number: u64, step: Option<u64>, cursor: fn(u64) -> C },
}

impl<C> Clone for NextIn<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for NextIn<C> {}
