//! Streams of parents, each of which has pages of its own: `AsyncGetDocs::try_flat_map`.
//!
//! `Nested` polls the stream of parents and the streams of its open children, in the task of the consumer. Its
//! `NestedCheckpoint` consists of theirs.

pub(super) mod checkpoint;
pub(super) mod error;
pub(super) mod nested;

mod child;
mod children;
mod parents;
