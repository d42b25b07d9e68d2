//! Fetches pages in order: one at a time, ahead of the consumer, or several at once.
//!
//! ```text
//! Fetcher ─┬─ Sequential ── Request ── Source    one page at a time, when the consumer polls
//!          ├─ Prefetch ──── Sequential ── ..     the same on a task, ahead of the consumer
//!          └─ Concurrent ── Request × n ── ..    several numbered pages at once
//! ```
//!
//! - `Source` calls the user's fetch function once.
//! - `Request` fetches one page. The `Hooks`, which are the user's functions, decide when it waits, retries or
//!   restarts.
//! - `Pagination` (in `next_page`) decides which page comes next, even after a failure. Every fetcher has one.
//! - `PageSlot` holds the page that a fetcher has fetched; the consumer reads it there.

pub(super) mod fetcher;
pub(super) mod hooks;
pub(super) mod next_page;
pub(super) mod page_slot;
pub(super) mod page_span;
pub(super) mod source;

mod concurrent;
mod cycle_detector;
mod decision;
mod prefetch;
mod repeats;
mod request;
mod sequential;
mod spawn;
