//! The state of one entered manager, from its enter to the end of its exit.
//!
//! ```text
//!            block completes, fails, panics            exit completes
//!  ENTERED ----------------------------------> EXITING ---------------> EXITED
//!     | dropped in the block                      | dropped in the exit
//!     +--------------------> drop policy <--------+
//! ```
//!
//! [`BlockFuture`](block::BlockFuture) polls the block and detects how it ends. [`Scope`](scope::Scope) owns the guard
//! and runs the exit. If the future is dropped before the exit completes, the guard's [policy](super::policy) decides
//! what happens. Cleanups that are detached inside the block are [collected](state::ScopeState), and the exit waits for
//! them.

pub(super) mod block;
pub(super) mod collector;
pub(super) mod enter;
pub(super) mod failure;
pub(super) mod function_poll;
pub(super) mod interrupt;
pub(super) mod interrupt_when;
pub(super) mod interrupts;
#[expect(clippy::module_inception, reason = "the file is named after its type")]
pub(super) mod scope;
pub(super) mod scope_span;
pub(super) mod state;
pub(super) mod traced;
