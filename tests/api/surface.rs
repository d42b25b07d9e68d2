//! The public surface of the crate: its snapshot, and what its names may not be.

mod globs;
mod names;
mod snapshot;
