//! Context managers: async cleanup on every exit path, innermost first (PEP 492's `async with`).
//!
//! Rust has no async drop: a destructor cannot await. A rollback, a logout or a close is therefore lost or delayed when
//! an error, a panic or a dropped future ends a block. A context manager has an exit that is awaited:
//!
//! ```
//! # #[derive(Default)]
//! # struct Pool(std::sync::Mutex<Vec<&'static str>>);
//! # struct Transaction<'a>(&'a Pool);
//! # impl Pool {
//! #     fn transaction(&self) -> Transaction<'_> { Transaction(self) }
//! #     fn send(&self, word: &'static str) { self.0.lock().unwrap().push(word) }
//! # }
//! # impl Transaction<'_> {
//! #     async fn insert(&mut self, _: &str) -> Result<(), std::io::Error> { self.0.send("INSERT"); Ok(()) }
//! # }
//! # impl withal::context::AsyncContextManager for Transaction<'_> {
//! #     type Guard = Self;
//! #     async fn aenter(self) -> Result<Self, std::io::Error> { self.0.send("BEGIN"); Ok(self) }
//! # }
//! # impl withal::context::AsyncGuard for Transaction<'_> {
//! #     type Target = Self;
//! #     type Error = std::io::Error;
//! #     type Suppression = ();
//! #     type OnDrop = withal::context::DropNow;
//! #     fn target(&mut self) -> &mut Self { self }
//! #     async fn aexit(&mut self, exit: withal::context::ExitReason<'_>) -> Result<(), std::io::Error> {
//! #         Ok(self.0.send(if exit.is_ok() { "COMMIT" } else { "ROLLBACK" }))
//! #     }
//! # }
//! use tokio::sync::Mutex;
//! use withal::context::async_with;
//!
//! async fn deposit(balance: &Mutex<u32>) -> u32 {
//!     async_with!(balance = balance => { *balance += 1; *balance })
//! }
//!
//! async fn insert(pool: &Pool) -> Result<usize, std::io::Error> {
//!     async_with!(tx = pool.transaction() => {
//!         tx.insert("a row").await?; // on an error: rolls back, then returns the error
//!         1
//!     })
//! }
//!
//! async fn insert_and_count(pool: &Pool, count: &Mutex<u32>) -> Result<(), std::io::Error> {
//!     async_with!(tx = pool.transaction(), count = count => {
//!         tx.insert("another row").await?;
//!         *count += 1;
//!     })
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! # let (pool, count) = (Pool::default(), Mutex::new(1));
//! # assert_eq!(deposit(&count).await, 2);
//! # assert_eq!(insert(&pool).await?, 1);
//! # insert_and_count(&pool, &count).await?;
//! # assert_eq!(pool.0.lock().unwrap().join(" "), "BEGIN INSERT COMMIT BEGIN INSERT COMMIT");
//! # Ok(())
//! # }
//! ```
//!
//! Entering a [*manager*](AsyncContextManager) returns a [*guard*](AsyncGuard). The guard lends its *target* to the
//! block while the block runs, and is *exited* afterwards. A *scope* is an entered manager with its block. Scopes that
//! are entered inside the block, and cleanups that are [detached](crate::cleanup::detach) inside it, are *nested* in
//! it.
//!
//! | item | purpose |
//! |---|---|
//! | [`async_with!`](macro@async_with) | enters managers for a block of the current function |
//! | [`async_with`](fn@async_with), [`decorate`] | enter a manager for a closure, or for each call of a function |
//! | [`on_exit`] | a manager from a value and an async closure that releases it |
//! | [`asynccontextmanager`] | a manager from an async function with one yield |
//! | [`AsyncContextManager`], [`AsyncGuard`] | the traits of managers and guards |
//! | [`Option`], [`EitherManager`] | a manager that is optional, and one of two managers |
//! | [`local`] | enters a manager that is not `Send` |
//! | [`AsyncExitStack`] | holds managers and callbacks whose number is only known at run time |
//! | [`LockGuard`], [`aclosing`], [`closing`], [`suppress`], [`nullcontext`] | ready-made managers |
//!
//! # Guarantees
//!
//! **The exit runs on every path.** It receives an [`ExitReason`]:
//!
//! | the block | the exit receives | afterwards |
//! |---|---|---|
//! | completes | [`ExitReason::Ok`] | the macro evaluates to the block's value |
//! | is left by `return`, `break` or `continue` | [`ExitReason::Ok`] | the jump takes place |
//! | fails: `?`, `return Err(..)`, or the value `Err(..)` | [`ExitReason::Error`] | the function returns the error, unless the exit suppresses it |
//! | panics | [`ExitReason::Panic`] | the panic continues; it is never suppressed |
//! | is dropped: `select!`, `timeout`, `abort` | [`ExitReason::Cancelled`], as the [policy](#choosing) decides | |
//!
//! **Innermost first.** An exit begins after everything that is nested in its block has ended. This also holds if the
//! futures were dropped in a `select!`, by the panic of a sibling in a `join!`, or all at once. Only a guard with the
//! policy [`DropNow`] does not wait for nested cleanups when its future is dropped: it may borrow, and is dropped at
//! once.
//!
//! **No error is lost silently.** If the exit fails after the block succeeded, the macro evaluates to the exit's error,
//! and a pending `return` or `break` does not take place. If the block has failed or panicked, the block's error or
//! panic takes precedence, and the exit's error is reported to the [observers](crate::cleanup::observe). The
//! [function](fn@async_with) returns an [error](Error) that holds both errors. If the exit panics, that panic
//! continues.
//!
//! **A block that evaluates to an `Err` has failed,** as if `?` had returned the error:
//! `async_with!(tx = pool.transaction() => { insert().await })` rolls back. If the exit does not suppress the error, the
//! `Err` is the block's value. Values of all other types, such as `None`, complete the block, and so does the `?` of an
//! `Option`. In generic code, the macro recognizes a `Result<T, E>` of any `T` and `E`, but not a `Result` that is hidden
//! in a type parameter: a block whose value is a `T` has always completed. Write `Result<T, E>` in the signature there.
//! The body of the [function](fn@async_with) always returns a `Result`.
//!
//! **Interrupts pass through managers.** A manager may [interrupt](interrupt_when) its block, as
//! [`timeout`](crate::tasks::timeout()) and [`TaskGroup`](crate::tasks::TaskGroup) do, also if it is wrapped by another
//! manager, entered on an [`AsyncExitStack`], or entered in an [`asynccontextmanager`].
//!
//! # Choosing
//!
//! **A manager of your own.** The shortest way that suffices:
//!
//! | the resource | use |
//! |---|---|
//! | is a value that needs an async release | [`on_exit(value, async \|value, exit\| ..)`](on_exit) |
//! | is released without an await | [`closing(value, \|value\| ..)`](closing) |
//! | is also acquired by awaiting | [`asynccontextmanager(async \|y\| ..)`](asynccontextmanager) |
//! | is entered in many places, borrows, or inspects errors | [`AsyncContextManager`] and [`AsyncGuard`] |
//! | is not `Send` | [`LocalAsyncContextManager`] and [`LocalAsyncGuard`], entered as [`local(manager)`](local) |
//! | is needed only under a condition | an [`Option`] of a manager |
//! | is one of two types | an [`EitherManager`] |
//! | is one of any number | an [`AsyncExitStack`] |
//!
//! ```
//! use withal::context::{async_with, on_exit};
//! # struct Session;
//! # impl Session {
//! #     async fn login() -> std::io::Result<Self> { Ok(Self) }
//! #     async fn ask(&mut self) -> std::io::Result<u32> { Ok(42) }
//! #     async fn logout(self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let session = on_exit(Session::login().await?, async |session, _exit| session.logout().await);
//! let answer = async_with!(session = session.name("session") => { session.ask().await? })?;
//! # assert_eq!(answer, 42);
//! # Ok(())
//! # }
//! ```
//!
//! **A drop policy.**
//! The implementor of a guard chooses a *drop policy*, which decides what happens to the exit if the future of the
//! scope is dropped.
//!
//! 1. A guard whose destructor is a complete exit uses [`DropNow`], or [`DropAfterChildren`] if it is owned and must
//!    outlive the cleanups that are nested in its block. [`DropNow`] is the only policy for guards that borrow.
//! 2. A guard whose exit awaits must be owned, and its exit runs as a [cleanup](crate::cleanup). It uses [`Detach`] if
//!    an exit that has begun must not be started again, or [`Restart`], which saves an allocation, if the exit is
//!    idempotent.
//!
//! | dropped | [`DropNow`] | [`DropAfterChildren`] | [`Detach`] | [`Restart`] |
//! |---|---|---|---|---|
//! | during the enter | nothing to exit; or [`shield_enter`](AsyncContextManagerExt::shield_enter) | the same | the same | the same |
//! | during the block | destructor, at once | destructor, after nested cleanups | `aexit(Cancelled)` | `aexit(Cancelled)` |
//! | during the exit | destructor | destructor | the same `aexit` continues | `aexit(Cancelled)`, a second call |
//! | during either, outside of a runtime | as above | as above | continues on the runtime on which the scope was last suspended, or is abandoned | the same |
//! | at the runtime's shutdown | as above | as above | abandoned | abandoned |
//! | allocations if nothing is dropped | none | none | one for each exit | none |
//!
//! An *abandoned* exit is dropped before it completes: only destructors run, and the observers are notified. At the end
//! of a program, [`cleanup::shutdown`](crate::cleanup::shutdown) waits for the cleanups.
//!
//! # Limitations
//!
//! - No exit runs if the future is never dropped: after [`mem::forget`](std::mem::forget), or in a cycle of `Rc`s. No
//!   exit runs after an abort of the process: a panic with `panic = "abort"`, or `kill -9`.
//! - No exit runs on a runtime that has shut down, or on a current-thread runtime whose `block_on` is not called again.
//! - A task that is never polled again is not dropped either, so its exits do not run: stop your tasks and join them.
//! - Cleanups that a *task* detaches are not nested in the block that spawned the task. Join the tasks in an exit:
//!   after you have entered the managers that the tasks use, push a callback that awaits their `JoinSet`, with
//!   [`push_async_callback`](AsyncExitStack::push_async_callback).
//! - The exit of a [`local`] manager is awaited, but does not run if its future is dropped: only the destructor does.
//! - The destructors of abandoned exits run in any order, because a runtime that shuts down drops its tasks in any
//!   order.
//! - If the future is dropped after the block has completed, while the scope waits for nested cleanups, the exit
//!   receives [`ExitReason::Cancelled`].
//! - A scope around the yield of a generator stays suspended with the generator (PEP 789): close the generator with
//!   [`aclosing`].
//!
//! # Comparison
//!
//! | | awaits in the exit | on `?`, `return` | on a panic | when dropped | innermost first | allocations |
//! |---|---|---|---|---|---|---|
//! | this module | yes | awaited | awaited | by policy | yes | 0 or 1 |
//! | `scopeguard`, tokio's guards | no: destructors | destructor | destructor | destructor | yes, for destructors | 0 |
//! | `async-dropper` | in a destructor, which blocks its thread, and panics on a current-thread runtime | | | | yes | many |
//! | `guarden` | in a spawned task, or in place if configured | spawned | spawned | spawned | no | 1 |
//! | nightly's async drop, an experiment | yes | awaited | no | no: destructor | only within a block | 0 |
//!
//! The crate's benches measure the costs: a lock entered by [`async_with!`](macro@async_with) takes about a dozen
//! instructions more than the lock alone, and a manager that does nothing takes about a hundred.
//!
//! Python's `async with`, `contextlib` and the locks of asyncio are compared line by line in
//! [From Python](crate::from_python). [PEP 492](crate::desugar::pep_492#async-with) shows the expansion of the
//! statement.

mod error;
mod exit_reason;
#[doc(hidden)]
#[expect(
    missing_debug_implementations,
    clippy::must_use_candidate,
    clippy::type_complexity,
    reason = "the macro's expansion is not an interface"
)]
pub mod expansion;
mod ext;
mod guard;
mod local;
mod manager;
mod managers;
mod policy;
#[expect(
    missing_docs,
    missing_debug_implementations,
    clippy::unused_self,
    clippy::ref_option,
    reason = "the macro's expansion is not an interface"
)]
mod scope;
mod send_async_fn;
mod stack;
mod suppression;
mod with;

#[doc(inline)]
pub use crate::async_with;

pub use self::error::{EitherError, Error};
pub use self::exit_reason::{ExitReason, OpaqueError};
pub use self::ext::{AsyncContextManagerExt, ShieldEnter};
pub use self::guard::{AsyncGuard, ExitPolicy};
pub use self::local::{Local, LocalAsyncContextManager, LocalAsyncGuard, async_with_local, local};
pub use self::manager::AsyncContextManager;
pub use self::managers::{
    AClosing, AsyncClose, AsyncGeneratorContextManager, AsyncGeneratorContextManagerGuard, Closing,
    Decorated, EitherGuard, EitherManager, ExitKind, LockGuard, LockManager, NullContext, OnExit,
    OnExitOutput, OptionGuard, SameAsInner, Suppress, YieldOnce, aclosing, asynccontextmanager, closing,
    decorate, nullcontext, on_exit, permits, permits_owned, read, read_owned, suppress, write, write_owned,
};
pub use self::policy::{Detach, DropAfterChildren, DropNow, Restart};
pub use self::scope::collector::NotEntering;
pub(crate) use self::scope::collector::register as register_interrupt;
pub(crate) use self::scope::interrupt::Interrupt;
pub use self::scope::interrupt_when::interrupt_when;
pub use self::send_async_fn::SendAsyncFnOnce;
pub use self::stack::{
    AsyncExitStack, AsyncExitStackGuard, ExitErrors, ExitOutput, GuardInUse, InterruptedByMoved, StackGuard,
};
pub use self::suppression::Suppression;
pub use self::with::{async_with, async_with_send};
