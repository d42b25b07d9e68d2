use crate::pages::{AsyncGetDocs, Checkpoint, Cursor, Pages};

/// A stream that [`Work::drive`](super::Work::drive) commits: an [`AsyncGetDocs`], which it resumes, or [`Pages`] that were
/// resumed.
///
/// The trait is sealed.
pub trait IntoPages<T, C, X>: sealed::Sealed + Send {
    /// Returns the pages from a checkpoint on; `None` if the stream is at another position and cannot be moved.
    #[doc(hidden)]
    fn into_pages_from(self, checkpoint: &Checkpoint<C>) -> Option<Pages<T, C, X>>;
}

mod sealed {
    pub trait Sealed {}
}

impl<T, C, X> sealed::Sealed for AsyncGetDocs<T, C, X> {}
impl<T, C, X> sealed::Sealed for Pages<T, C, X> {}

impl<T, C, X> IntoPages<T, C, X> for AsyncGetDocs<T, C, X>
where
    T: Send + 'static,
    C: Cursor,
    X: Send + 'static,
{
    fn into_pages_from(self, checkpoint: &Checkpoint<C>) -> Option<Pages<T, C, X>> {
        Some(self.resume(checkpoint.clone()).into_pages())
    }
}

impl<T, C, X> IntoPages<T, C, X> for Pages<T, C, X>
where
    T: Send + 'static,
    C: Cursor,
    X: Send + 'static,
{
    fn into_pages_from(self, checkpoint: &Checkpoint<C>) -> Option<Pages<T, C, X>> {
        let own = self.checkpoint();
        // The checkpoint of a new stream may contain the number of its first page.
        let is_start =
            *checkpoint == Checkpoint::default() && (own.items(), own.pages(), own.skip()) == (0, 0, 0);
        (is_start || own == *checkpoint).then_some(self)
    }
}
