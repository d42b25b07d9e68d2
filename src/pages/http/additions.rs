use std::sync::atomic::{AtomicBool, Ordering};

/// The reaction of a server to links with [added parameters](super::Endpoint::links_as_sent).
///
/// It belongs to one stream: a clone of an endpoint does not have it yet. Relaxed, because it publishes nothing, and a
/// request that misses it is only sent twice.
#[derive(Debug, Default)]
pub(super) struct Additions {
    are_rejected: AtomicBool,
}

impl Additions {
    pub(super) fn are_rejected(&self) -> bool {
        self.are_rejected.load(Ordering::Relaxed)
    }

    /// Records that the server rejected a link with additions, and accepted it without them.
    pub(super) fn reject(&self) {
        self.are_rejected.store(true, Ordering::Relaxed);
    }
}

impl Clone for Additions {
    fn clone(&self) -> Self {
        Self::default()
    }
}
