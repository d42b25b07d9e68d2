//! The fake API that every row reads.

use std::hint::black_box;
use std::io;

/// A small item, so that the cost per item is visible.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doc(pub(super) u64);

/// The items `0..total`, in pages of `size`. A cursor is the number of the first item of its page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) size: u64,
    pub(super) total: u64,
}

pub(super) type Answer = io::Result<(Vec<Doc>, Option<u64>)>;

impl Source {
    pub(super) fn new(size: u64, total: u64) -> Self {
        Source { size, total }
    }

    /// Returns a page, ready at the first poll.
    pub(super) async fn fetch(self, cursor: u64) -> Answer {
        std::future::ready(self.page(cursor)).await
    }

    /// Not inlined, so that creating a page costs the same in every row, and the compiler cannot see that it does not fail.
    #[inline(never)]
    fn page(self, cursor: u64) -> Answer {
        if black_box(cursor) == u64::MAX {
            return Err(io::ErrorKind::NotFound.into());
        }
        let end = self.total.min(cursor + self.size);
        Ok(((cursor..end).map(Doc).collect(), (end < self.total).then_some(end)))
    }

    /// Asserts that no item is lost or repeated.
    pub(super) fn assert_sum(self, sum: u64) {
        assert_eq!(black_box(sum), self.total * (self.total - 1) / 2, "every document once");
    }
}
