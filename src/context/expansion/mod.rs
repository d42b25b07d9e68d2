//! The expansion of [`async_with!`](macro@crate::async_with). It is not part of the public interface: everything here
//! may change.
//!
//! A macro does not know the types in its input. Where the expansion depends on a type, it uses *autoref
//! specialization*: several traits have a method of the same name. Each trait is implemented for the type behind a
//! different number of references, and the method is called on as many references as the most specific trait needs.
//! Method resolution then chooses the first trait whose bounds hold. Each trait is called `..Kind`, and its method
//! returns a tag: a unit struct that implements the case.
//!
//! Whether the returned value and the block's value are a `Result` is decided later, when the whole function is
//! type-checked: see `maybe_result.rs`.
//!
//! | decision | file | cases, most specific first |
//! |---|---|---|
//! | whether the manager is in `local(..)` | `manager_kind.rs` | [`Local`], [`Ordinary`], [`NoLocal`], [`NoManager`] |
//! | how the errors of nested managers are merged | `merge_errors.rs` | [`OuterOnly`], [`InnerOnly`], [`Same`], [`Either`] |
//! | whether the macro's value is a `Result` | `merge_errors.rs` | [`PlainValue`] or [`NeitherValue`], [`FirstValue`], [`SecondValue`], [`SameValue`], [`ResultValue`] |

mod async_with;
mod block_exit;
mod manager_kind;
mod maybe_result;
mod merge_errors;
mod return_capture;
mod value_kind;

pub use std::convert::Infallible;

pub use self::block_exit::{
    BlockValue, Disposition, ErrorOrigin, block_failure, disposition, forget, no_jump,
};
pub use self::manager_kind::{
    Local, LocalKind, Manager, NoLocal, NoLocalKind, NoManager, NoManagerKind, Ordinary, OrdinaryKind,
    enter_error,
};
pub use self::maybe_result::{case, inspect, inspected};
pub use self::merge_errors::{
    Either, EitherKind, FirstValue, FirstValueKind, InnerOnly, InnerOnlyKind, MergeErrors, NeitherValue,
    NeitherValueKind, OuterOnly, OuterOnlyKind, PlainValue, PlainValueKind, ResultValue, ResultValueKind,
    Same, SameKind, SameValue, SameValueKind, SecondValue, SecondValueKind, Value,
};
pub use self::return_capture::{
    ReachedEnd, ReturnCapture, ReturnWitness, ToBreakWriteLoopFirst, ToContinueWriteLoopFirst, named, once,
    target,
};
pub use super::scope::block::BlockFuture;
