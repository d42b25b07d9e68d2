//! What [`async_with!`](macro@crate::async_with) expands to, and no interface of the crate: all of it may change.

mod after;
mod block;
mod merge;
mod returned;

pub use std::convert::Infallible;
pub use std::mem::forget;

pub use self::after::{After, Which, left, no_jump};
pub use self::block::{
    Block, Fell, ToBreakWriteLoopFirst, ToContinueWriteLoopFirst, Witness, named, once, target,
};
pub use self::merge::{Bare, Different, Errors, First, Nested, Result_, Same, Settle, Settled};
pub use self::returned::{Known, Other, Return, Returned, Shown, Unsendable};
pub use super::body::Body;
pub use super::scope::Scope;
