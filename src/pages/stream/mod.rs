//! The streams: `AsyncGetDocs` yields items and `Pages` yields pages. Both consume a `Pager`, which keeps a `Position`.

pub(super) mod async_get_docs;
pub(super) mod pages;

mod pager;
mod position;
