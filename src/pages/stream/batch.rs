use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::pages::checkpoint::Checkpoint;

/// The items of a page, and the checkpoint after them: what one transaction writes.
///
/// It is yielded by [`Batches`](crate::pages::Batches).
#[derive(Clone)]
#[must_use]
#[non_exhaustive]
pub struct Batch<T, C> {
    /// The items of the page, without those that `max_items`, `unique_by` or `resume` remove.
    pub items: Vec<T>,
    /// The position after these items. A stream that [resumes](crate::pages::AsyncGetDocs::resume) from it yields the
    /// items after them.
    pub checkpoint: Checkpoint<C>,
    pub(super) extra: Option<Arc<dyn Any + Send + Sync>>,
}

impl<T, C> Batch<T, C> {
    /// Returns the [extra value](crate::pages::Page::extra) of the page; `None` if it has none of this type.
    #[must_use]
    pub fn extra<X: Any>(&self) -> Option<&X> {
        self.extra.as_ref()?.downcast_ref()
    }
}

impl<T: fmt::Debug, C: fmt::Debug> fmt::Debug for Batch<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("items", &self.items)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
