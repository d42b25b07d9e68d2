//! Sizes: the memory of a cleanup, the stack that large futures take, and the bytes of a scope. `.ci/run` also runs them
//! optimized, because the compiler lays out and copies futures differently then.

#![expect(unsafe_code, reason = "an allocator that counts implements an unsafe trait")]

mod allocations;
mod cleanups;
mod entry_points;
mod scopes;
mod stack;
