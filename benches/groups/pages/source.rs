//! The fake API that every row asks.

use std::hint::black_box;
use std::io;

/// As small as an item can be: what is done an item shows best beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doc(pub(super) u64);

/// The documents `0..total`, in pages of `size`. A cursor is the number of the first document of its page.
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

    /// A page, at once.
    pub(super) async fn fetch(self, cursor: u64) -> Answer {
        std::future::ready(self.page(cursor)).await
    }

    /// One copy in the program: the making of a page costs the same wherever it is asked for. Whether it fails is not for
    /// the compiler to know.
    #[inline(never)]
    fn page(self, cursor: u64) -> Answer {
        if black_box(cursor) == u64::MAX {
            return Err(io::ErrorKind::NotFound.into());
        }
        let end = self.total.min(cursor + self.size);
        Ok(((cursor..end).map(Doc).collect(), (end < self.total).then_some(end)))
    }

    /// No row may lose or repeat a document.
    pub(super) fn assert_sum(self, sum: u64) {
        assert_eq!(black_box(sum), self.total * (self.total - 1) / 2, "every document once");
    }
}
