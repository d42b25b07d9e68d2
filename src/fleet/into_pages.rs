use crate::pages::{AsyncGetDocs, Checkpoint, Cursor, Pages};

/// A stream that [`Work::drive`](super::Work::drive) can commit: an [`AsyncGetDocs`], which it resumes, or [`Pages`] that
/// were resumed.
///
/// This trait is sealed.
pub trait IntoPages<T, C, X>: sealed::Sealed + Send {
    /// Returns the pages after a checkpoint; `None` if the stream is at another position and cannot be resumed.
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
        // The checkpoint of a new stream may contain the number of its first page, so that it is not the default.
        let is_start =
            *checkpoint == Checkpoint::default() && (own.items(), own.pages(), own.skip()) == (0, 0, 0);
        (is_start || own == *checkpoint).then_some(self)
    }
}
