//! Context managers: exits that are awaited whichever way a block is left, and in order (PEP 492's `async with`).
//!
//! ```
//! # #[derive(Default)]
//! # struct Pool(std::sync::Mutex<Vec<&'static str>>);
//! # struct Transaction<'a>(&'a Pool);
//! # impl Pool {
//! #     fn transaction(&self) -> Transaction<'_> { Transaction(self) }
//! #     fn say(&self, word: &'static str) { self.0.lock().unwrap().push(word) }
//! # }
//! # impl Transaction<'_> {
//! #     async fn insert(&mut self, _: &str) -> Result<(), std::io::Error> { self.0.say("INSERT"); Ok(()) }
//! # }
//! # impl withal::context::AsyncContextManager for Transaction<'_> {
//! #     type Guard = Self;
//! #     async fn aenter(self) -> Result<Self, std::io::Error> { self.0.say("BEGIN"); Ok(self) }
//! # }
//! # impl withal::context::AsyncGuard for Transaction<'_> {
//! #     type Target = Self;
//! #     type Error = std::io::Error;
//! #     type Suppression = ();
//! #     type OnDrop = withal::context::DropNow;
//! #     fn target(&mut self) -> &mut Self { self }
//! #     async fn aexit(&mut self, exit: withal::context::ExitReason<'_>) -> Result<(), std::io::Error> {
//! #         Ok(self.0.say(if exit.is_ok() { "COMMIT" } else { "ROLLBACK" }))
//! #     }
//! # }
//! use tokio::sync::Mutex;
//! use withal::context::async_with;
//!
//! async fn lock(balance: &Mutex<u32>) -> u32 {
//!     async_with!(balance = balance => { *balance += 1; *balance })
//! }
//!
//! async fn transaction(pool: &Pool) -> Result<usize, std::io::Error> {
//!     async_with!(tx = pool.transaction() => {
//!         tx.insert("a document").await?; // rolls back, and then returns the error
//!         1
//!     })
//! }
//!
//! async fn both(pool: &Pool, count: &Mutex<u32>) -> Result<(), std::io::Error> {
//!     async_with!(tx = pool.transaction(), count = count => {
//!         tx.insert("another").await?;
//!         *count += 1;
//!     })
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! # let (pool, count) = (Pool::default(), Mutex::new(1));
//! # assert_eq!(lock(&count).await, 2);
//! # assert_eq!(transaction(&pool).await?, 1);
//! # both(&pool, &count).await?;
//! # assert_eq!(pool.0.lock().unwrap().join(" "), "BEGIN INSERT COMMIT BEGIN INSERT COMMIT");
//! # Ok(())
//! # }
//! ```
//!
//! Rust has no async drop: what a destructor would have to await is lost or late when an error, a panic or a dropped future
//! ends the block. Here it is an exit, which is awaited.
//!
//! # What runs when
//!
//! | the block | the exit sees | and then |
//! |---|---|---|
//! | comes to its end | [`ExitReason::Ok`] | its value is that of the macro |
//! | says `return`, `break`, `continue` | [`ExitReason::Ok`] | that happens, after the exit |
//! | fails: `?`, or `return Err(..)` | [`ExitReason::Error`] | the function returns the error, unless the exit suppresses it |
//! | panics | [`ExitReason::Panic`] | the panic goes on, and is never suppressed |
//! | is dropped: `select!`, `timeout`, `abort` | [`ExitReason::Cancelled`] | see the next table |
//!
//! **The block's own value is not looked at.** `async_with!(tx = pool.transaction() => { Err("refused") })` has come to its
//! end, and so has a block that is left by the `?` of an `Option`: the transaction commits. An error is what leaves the
//! block by `?` or `return`; the [function](fn@async_with) takes what its body returns.
//!
//! An exit that fails is the error of the macro, and nothing that the block said happens; unless an error or a panic is
//! under way, which goes on, and the exit's error is told to the [observers](crate::cleanup::observe). The
//! [function](fn@async_with) has an [error type](Error) that holds both. An exit that panics is the panic that goes on.
//!
//! Where a manager has no target that is of use, `async_with!(_ = manager => { .. })`. In the `async fn main` of
//! `#[tokio::main]`, which is an `async` block, the compiler may ask for the type of what is returned:
//! `async_with!(-> Result<_, _>; lock = &mutex => { .. })`.
//!
//! **Inner before outer, always.** An exit begins when all that was entered or [detached](crate::cleanup::detach) inside its
//! block is over: also where those were dropped in a `select!`, by the panic of a sibling in a `join!`, or all together.
//!
//! # Which drop policy
//!
//! Whoever implements [`AsyncGuard`] says what becomes of it when nobody is left to await it:
//!
//! 1. Is the guard's destructor all the exit that is needed? May the guard borrow? [`DropNow`]. Is it owned, and should be
//!    kept until what was inside is over? [`DropAfterChildren`].
//! 2. Does the exit await? Then the guard is owned, and the exit goes on as a [cleanup](crate::cleanup). Must an exit that
//!    has begun be the one that ends? [`Detach`]. May it begin anew? [`Restart`].
//!
//! | dropped | [`DropNow`] | [`DropAfterChildren`] | [`Detach`] | [`Restart`] |
//! |---|---|---|---|---|
//! | in the enter | nothing to exit | | | or [`shield_enter`](AsyncContextManagerExt::shield_enter) |
//! | in the block | destructor, at once | destructor, after what is inside | `aexit(Cancelled)` | `aexit(Cancelled)` |
//! | in the exit | destructor | destructor | the same `aexit` goes on | `aexit(Cancelled)`, once more |
//! | on no runtime | as above | as above | on the one it was suspended on, or lost | the same |
//! | runtime shut down | as above | as above | lost | lost |
//! | allocations | none | none | one an exit | none |
//!
//! *Lost* is: the destructors run, and the observers are told. A program that ends waits by
//! [`cleanup::shutdown`](crate::cleanup::shutdown).
//!
//! # From Python
//!
//! `async with`, `contextlib`, and asyncio's locks, line by line: [From Python](crate::from_python). What the statement stands
//! for, step by step: [PEP 492](crate::desugar::pep_492#async-with).
//!
//! # What no library can promise
//!
//! - [`mem::forget`](std::mem::forget) of the future, or of an `Rc` cycle with it; an abort, `panic = "abort"`, a `kill -9`.
//! - An exit on a runtime that is gone, or whose `block_on` is never called again.
//! - That a task which is not polled any more is dropped: stop your tasks, and join them.
//! - What a *task* spawned inside of a block detaches is not inside of the block; join the task in the exit: a
//!   [`push_async_callback`](AsyncExitStack::push_async_callback) that awaits the `JoinSet`, pushed after what the tasks use.
//! - The order of destructors where exits are lost: a runtime that shuts down drops its tasks in any order.
//! - That a block which has ended is told so: dropped while it waits for what is inside, its exit sees
//!   [`ExitReason::Cancelled`].
//! - A scope that holds a generator's `yield` inside is left suspended as long as the generator is (PEP 789): see
//!   [`aclosing`].
//!
//! # Beside others
//!
//! | | awaits in the exit | on `?`, `return` | on a panic | when dropped | inner before outer | allocations |
//! |---|---|---|---|---|---|---|
//! | this | yes | awaited | awaited | by policy | yes | 0 or 1 |
//! | `scopeguard`, tokio's guards | no: destructors | destructor | destructor | destructor | of destructors | 0 |
//! | `async-dropper` | in a destructor, which blocks its thread; panics on a current-thread runtime | | | | yes | many |
//! | `guarden` | by a spawned task, unless told to run in place | spawned | spawned | spawned | no | 1 |
//! | nightly's async drop, an experiment | yes | awaited | no | no: destructor | in a block | 0 |
//!
//! The crate's benches measure it beside these: a lock through [`async_with!`](macro@async_with) costs what the lock costs
//! and about a dozen instructions more, a manager that does nothing about a hundred.

use std::any::Any;

#[expect(missing_docs, missing_debug_implementations, reason = "no interface: what the macro expands to")]
mod body;
mod closing;
mod decorate;
mod either;
mod error;
mod exit;
#[doc(hidden)]
#[expect(
    missing_debug_implementations,
    clippy::must_use_candidate,
    clippy::unused_self,
    reason = "no interface: what the macro expands to"
)]
pub mod expansion;
mod fault;
mod function;
mod locks;
mod macros;
mod manager;
mod nullcontext;
mod policy;
#[expect(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_panics_doc,
    reason = "no interface: what the macro expands to"
)]
mod scope;
mod shield;
mod stack;
mod suppress;
mod verdict;
mod with;

#[doc(inline)]
pub use crate::async_with;

pub use self::closing::{AClosing, AsyncClose, Closing, aclosing, closing};
pub use self::decorate::{Decorated, decorate};
pub use self::either::EitherError;
pub use self::error::Error;
pub use self::exit::ExitReason;
pub use self::fault::OpaqueError;
pub use self::function::{
    AsyncGeneratorContextManager, AsyncGeneratorContextManagerGuard, ExitKind, YieldOnce, asynccontextmanager,
};
pub use self::locks::{
    LockGuard, LockManager, Permits, Read, Write, permits, permits_owned, read, read_owned, write,
    write_owned,
};
pub use self::manager::{AsyncContextManager, AsyncGuard};
pub use self::nullcontext::{NullContext, nullcontext};
pub use self::policy::{Detach, DropAfterChildren, DropNow, ExitPolicy, Restart};
pub use self::shield::{AsyncContextManagerExt, ShieldEnter};
pub use self::stack::{
    AsyncExitStack, AsyncExitStackGuard, ExitErrors, ExitFn, ExitOutput, GuardInUse, StackGuard,
};
pub use self::suppress::{Suppress, suppress};
pub use self::verdict::Suppression;
pub use self::with::{ErrorOf, Out, SendAsyncFnOnce, async_with, async_with_send};
use crate::cleanup::{CleanupEvent, notify_observers};

/// The panic of a manager that broke the contract of [`AsyncGuard::target_and_interrupt`].
const NEITHER: &str = "an exit has to fail, or to suppress it, after its manager interrupted the block";

/// Tells the observers of the error of an exit that gave way to what was under way.
fn report<G: AsyncGuard>(error: &(dyn Any + Send)) {
    notify_observers(&CleanupEvent::Failed { name: std::any::type_name::<G>(), error });
}
