//! Managers whose guards and futures are not `Send`, for blocks that stay on one thread.

mod detach;
mod drop_now;
pub(super) mod guard;
pub(super) mod manager;
#[expect(missing_debug_implementations, reason = "the scope is not an interface")]
pub(super) mod scope;
mod with;

pub use self::guard::{LocalAsyncGuard, LocalExitPolicy};
pub use self::manager::{Local, LocalAsyncContextManager, local};
pub use self::with::async_with_local;
