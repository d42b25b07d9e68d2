//! The managers that the crate provides: those of contextlib, and tokio's locks.

mod asynccontextmanager;
mod closing;
mod decorate;
mod either_manager;
mod exit_kind;
mod locks;
mod nullcontext;
mod on_exit;
mod option;
mod suppress;
mod suspended_function;
mod yield_once;

pub use self::asynccontextmanager::{
    AsyncGeneratorContextManager, AsyncGeneratorContextManagerGuard, asynccontextmanager,
};
pub use self::closing::{AClosing, AsyncClose, Closing, aclosing, closing};
pub use self::decorate::{Decorated, decorate};
pub use self::either_manager::{EitherGuard, EitherManager};
pub use self::exit_kind::ExitKind;
pub use self::locks::{LockGuard, LockManager, permits, permits_owned, read, read_owned, write, write_owned};
pub use self::nullcontext::{NullContext, nullcontext};
pub use self::on_exit::{OnExit, OnExitOutput, on_exit};
pub use self::option::{OptionGuard, SameAsInner};
pub use self::suppress::{Suppress, suppress};
pub use self::yield_once::YieldOnce;
