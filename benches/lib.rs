//! withal beside its peers: the groups of rows, and the harness that measures them.
//!
//! A group is one file under `groups/` with one table of rows, and a line in `groups/mod.rs`.

mod groups;
mod harness;

pub use harness::{compare, count_allocations};
