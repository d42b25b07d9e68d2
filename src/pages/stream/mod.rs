//! The streams: `AsyncGetDocs` yields items, `Pages` yields pages, and `Batches` pages with their checkpoints. All of them
//! consume a `Pager`, which keeps a `Position`.

pub(super) mod async_get_docs;
pub(super) mod batch;
pub(super) mod batches;
pub(super) mod pages;

mod pager;
mod position;
mod tail;
