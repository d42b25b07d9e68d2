use slab::Slab;

use crate::tasks::AbortHandle;

/// The tasks of a group that are not over, each in a place of its own: it leaves by that.
pub(super) enum Members {
    /// One at most, which needs no allocation.
    One(Option<AbortHandle>),
    Many(Slab<AbortHandle>),
}

impl Members {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::One(one) => usize::from(one.is_some()),
            Self::Many(many) => many.len(),
        }
    }

    pub(super) fn add(&mut self, abort_handle: AbortHandle) -> usize {
        match self {
            Self::One(one @ None) => {
                *one = Some(abort_handle);
                0
            }
            Self::One(one) => {
                // It keeps its place.
                let mut many: Slab<_> = one.take().into_iter().enumerate().collect();
                let place = many.insert(abort_handle);
                *self = Self::Many(many);
                place
            }
            Self::Many(many) => many.insert(abort_handle),
        }
    }

    /// It comes back: with it the value of a task may be dropped, which is somebody else's code.
    #[must_use]
    pub(super) fn remove(&mut self, place: usize) -> Option<AbortHandle> {
        match self {
            Self::One(one) => one.take(),
            Self::Many(many) => {
                let removed = many.remove(place);
                if many.is_empty() {
                    // Nothing is left of a crowd.
                    *self = Self::default();
                }
                Some(removed)
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Of all but one. To be called when the group is not locked any more.
    pub(super) fn abort_handles(&self, but: Option<usize>) -> Vec<AbortHandle> {
        match self {
            // It has the first place.
            Self::One(_) if but.is_some() => Vec::new(),
            Self::One(one) => one.iter().cloned().collect(),
            Self::Many(many) => {
                let others = many.iter().filter(|(place, _)| but != Some(*place));
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
