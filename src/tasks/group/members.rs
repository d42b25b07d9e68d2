use slab::Slab;

use crate::tasks::abort_handle::AbortHandle;

/// The unfinished tasks of a group, each at an index that stays the same until it is removed.
pub(super) enum Members {
    /// At most one task, at index 0, which needs no allocation.
    One(Option<AbortHandle>),
    Many(Slab<AbortHandle>),
}

impl Members {
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(one) => usize::from(one.is_some()),
            Self::Many(many) => many.len(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn add(&mut self, abort_handle: AbortHandle) -> usize {
        match self {
            Self::One(one @ None) => {
                *one = Some(abort_handle);
                0
            }
            Self::One(one) => {
                // The first task stays at index 0.
                let mut many: Slab<_> = one.take().into_iter().enumerate().collect();
                let index = many.insert(abort_handle);
                *self = Self::Many(many);
                index
            }
            Self::Many(many) => {
                if many.len() == many.capacity() {
                    many.reserve(3 * many.len());
                }
                many.insert(abort_handle)
            }
        }
    }

    /// Returns the removed handle, to be dropped after the lock is released: it may own the value of the task, whose
    /// destructor is user code.
    #[inline]
    #[must_use]
    pub(super) fn remove(&mut self, index: usize) -> Option<AbortHandle> {
        match self {
            Self::One(one) => one.take(),
            Self::Many(many) => {
                let removed = many.remove(index);
                if many.is_empty() {
                    // Free the memory of many tasks.
                    *self = Self::default();
                }
                Some(removed)
            }
        }
    }

    /// Returns the handles of all tasks but `except`, to be used after the lock is released.
    pub(super) fn abort_handles(&self, except: Option<usize>) -> Vec<AbortHandle> {
        match self {
            // The only task is at index 0, so it is the exception.
            Self::One(_) if except.is_some() => Vec::new(),
            Self::One(one) => one.iter().cloned().collect(),
            Self::Many(many) => {
                let others = many.iter().filter(|(index, _)| except != Some(*index));
                others.map(|(_, abort_handle)| abort_handle.clone()).collect()
            }
        }
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::One(None)
    }
}
