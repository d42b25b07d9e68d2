//! Managers whose guards and futures are not `Send`, for blocks that stay on one thread.

pub(super) mod manager;
#[expect(missing_debug_implementations, reason = "the scope is not an interface")]
pub(super) mod scope;
mod with;

pub use self::manager::{Local, LocalAsyncContextManager, LocalAsyncGuard, local};
pub use self::with::async_with_local;
