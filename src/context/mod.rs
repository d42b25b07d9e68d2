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
//! block, and is *exited* afterwards. A *scope* is an entered manager with its block. What is entered or
//! [detached](crate::cleanup::detach) inside the block is *nested* in it.
//!
//! The macro has two forms. rustfmt formats the block of the second one:
//!
//! ```
//! # use withal::context::{async_with, nullcontext};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! async_with!(n = nullcontext(1) => { assert_eq!(*n, 1) });
//! async_with!(n = nullcontext(1), {
//!     assert_eq!(*n, 1);
//! });
//! # }
//! ```
//!
//! # Guarantees
//!
//! **The exit runs on every path.** It receives an [`ExitReason`]:
//!
//! | the block | the exit receives | afterwards |
//! |---|---|---|
//! | completes | [`ExitReason::Ok`] | the macro evaluates to the block's value |
//! | is left by `return`, `break` or `continue` | [`ExitReason::Ok`] | the jump takes place |
//! | fails: `?`, `return Err(..)`, or the value `Err(..)` | [`ExitReason::Error`] | the error continues, unless the exit suppresses it |
//! | panics | [`ExitReason::Panic`] | the panic continues; it is never suppressed |
//! | is dropped: `select!`, `abort`, tokio's `timeout` | [`ExitReason::Cancelled`], as the [policy](#cancellation) decides | |
//!
//! **A block that evaluates to an `Err` has failed,** as if `?` had returned the error:
//! `async_with!(tx = pool.transaction() => { insert().await })` rolls back. The `Err` is then the block's value. A
//! value of any other type, even `None`, completes the block. In generic code, the macro recognizes a `Result<T, E>` of
//! any `T` and `E`, but not a `Result` that is hidden in a type parameter: a block whose value is a `T` has always
//! completed.
//!
//! **Innermost first.** An exit begins after everything that is nested in its block has ended, also if the futures were
//! dropped in a `select!`, by the panic of a sibling in a `join!`, or all at once.
//!
//! **No error is lost.** If the exit fails after the block succeeded, the macro evaluates to the exit's error, and a
//! pending `return` or `break` does not take place. If the block has failed or panicked, its error or panic takes
//! precedence, and the exit's error is [reported](#reports). The [function `async_with`](fn@async_with) returns an
//! error that contains both. The block's error is reported if it cannot be returned, because the exit panics or the
//! future is dropped during the exit.
//!
//! # Choosing
//!
//! To release a value in your own way takes one line, [`on_exit`]:
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
//! | the resource | manager |
//! |---|---|
//! | is a value that needs an async release | [`on_exit(value, async \|value, exit\| ..)`](on_exit) |
//! | is a value that is released without an await | [`closing(value, \|value\| ..)`](closing) |
//! | is also acquired by awaiting | [`asynccontextmanager(async \|y\| ..)`](asynccontextmanager): a function with one yield |
//! | is entered in many places, borrows, or inspects errors | implement [`AsyncContextManager`] and [`AsyncGuard`] |
//! | is not `Send` | [`on_exit`], or implement [`LocalAsyncContextManager`] and [`LocalAsyncGuard`]; entered as [`local(manager)`](local) |
//! | is needed only under a condition, or is one of two types | an [`Option`] of a manager; an [`EitherManager`] |
//! | is one of any number | an [`AsyncExitStack`] |
//! | is one of tokio's locks or semaphores | the lock itself, a reference or an `Arc` of it: [`LockManager`] |
//! | is a time limit, or a group of tasks | [`timeout`](crate::tasks::timeout()), [`TaskGroup`](crate::tasks::TaskGroup) |
//!
//! The macro enters managers for a block of the current function. The [function `async_with`](fn@async_with) and
//! [`decorate`] enter them for a closure. In a spawned task, the future of the macro is `Send` if its parts are, and the
//! target may have a lifetime in its type; for the function form, there is [`async_with_send`]. [`suppress`], [`aclosing`] and [`nullcontext`] are those of contextlib.
//!
//! # Cancellation
//!
//! The implementor of a guard chooses a *drop policy*: what happens to the exit if the future of the scope is dropped.
//!
//! - If the destructor is a complete exit: [`DropNow`], the only policy for guards that borrow, or
//!   [`DropAfterChildren`], which waits for nested cleanups.
//! - If the exit awaits, it runs as a [cleanup](crate::cleanup), and the guard must be owned: [`Detach`], if an exit that
//!   has begun must not be called again, or [`Restart`], which saves an allocation, if it may be. [`on_exit`] and
//!   [`asynccontextmanager`] have the policy [`Detach`].
//! - A [local](LocalAsyncGuard) guard has [`DropNow`] or [`Detach`]. With `Detach`, its exit stays on its thread.
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
//! An *abandoned* exit is dropped before it completes: only destructors run, and it is reported.
//!
//! **Surroundings.** A cleanup is a task of its own. With the feature `tracing`, it runs in a [span](crate#tracing) that is
//! a child of the span of its scope, but without the task-locals and the `LocalSet` of the task that was cancelled. An exit that
//! needs such values captures them when the manager is entered. None of this concerns a block that is
//! [interrupted](#interrupts): the scope that interrupts it polls the exits that are nested in the block, in the same
//! task.
//!
//! **The end of a program.** Cleanups need a runtime. [`cleanup::run_main`](crate::cleanup::run_main) runs the main
//! future of a program, and then waits for its cleanups, within a grace period. To stop tasks first, await
//! [`cleanup::shutdown`](crate::cleanup::shutdown) in it.
//!
//! # Interrupts
//!
//! A manager can end its own block. [`timeout`](crate::tasks::timeout()) does so at its deadline, a
//! [`TaskGroup`](crate::tasks::TaskGroup) when a task fails, and a manager of your own by [`interrupt_when`]:
//!
//! ```
//! use std::time::Duration;
//! use withal::context::{async_with, on_exit};
//! use withal::tasks::{TimeoutError, timeout};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let session = on_exit("alice", async |name, exit| println!("log out {name}: {exit:?}")); // Cancelled
//! let result = async_with!(_ = timeout(Duration::from_secs(1)), _ = session => {
//!     std::future::pending::<()>().await
//! });
//! assert_eq!(result, Err(TimeoutError::Elapsed)); // after the logout
//! # }
//! ```
//!
//! The block is dropped at its await, its nested exits are awaited, and then the manager's own exit returns the error.
//! A block that is ready in time is not interrupted. A block that is always busy is interrupted when it has spent
//! tokio's cooperative budget. A manager that wraps another one passes its interrupts on, because it enters the other
//! one in its own `aenter`. So do [`Option`], [`EitherManager`], [`AsyncExitStack`] and [`asynccontextmanager`]. If
//! there is no block that an interrupt could end, entering fails with [`NotEntering`].
//!
//! # Reports
//!
//! A cleanup that fails, panics or is abandoned, and an error of an exit or a block that a scope cannot return, are
//! reported once: to the [observers](crate::cleanup::observe), or, without an observer, in
//! [one line](crate::cleanup#reports) on stderr or as a `tracing` event. The line contains the [name](AsyncGuard::name)
//! of the guard. An error that an exit suppresses is not reported.
//!
//! # Limitations
//!
//! - No exit runs if the future is never dropped: after [`mem::forget`](std::mem::forget), in a cycle of `Rc`s, or in a
//!   task that is never polled again. No exit runs after an abort of the process: a panic with `panic = "abort"`, or
//!   `kill -9`.
//! - No exit runs on a runtime that has shut down, or on a current-thread runtime whose `block_on` is not called again.
//! - Cleanups that a *task* detaches are not nested in the block that spawned the task, unless the task is one of a
//!   [`TaskGroup`](crate::tasks::TaskGroup) in the block. Otherwise, push a callback that joins the tasks, after the
//!   managers that they use: [`push_async_callback`](AsyncExitStack::push_async_callback).
//! - The exit of a [`local`] manager cannot move to another thread. Even with [`Detach`], it is
//!   [abandoned](crate::cleanup::AbandonReason::NotSend) if the future of its scope is dropped outside of a current-thread
//!   runtime and outside of the block of another scope.
//! - The destructors of abandoned exits run in any order, because a runtime that shuts down drops its tasks in any
//!   order.
//! - If the future is dropped after the block has completed, while the scope waits for nested cleanups, the exit
//!   receives [`ExitReason::Cancelled`].
//! - A debug build copies a value to the stack each time that the value is moved. On the 2 MiB stack of a tokio worker,
//!   the future of an enter or an exit may be as large as 384 KiB, and with most managers 512 KiB, as that of a spawned
//!   task. A block, or an enter and an exit in an [`AsyncExitStack`], may be as large as 128 KiB, and a guard or a value
//!   that is moved into a scope 32 KiB. In three nested scopes, the limits of blocks and values are half of these. Box
//!   anything larger.
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
//! Entering a lock with [`async_with!`](macro@async_with) takes about a dozen instructions more than locking it, and
//! entering and exiting a manager that does nothing takes about a hundred, as the crate's benches show. A scope adds
//! about 90 bytes to its future. A scope whose manager can interrupt the block, as a timeout, a task group and an exit
//! stack can, also needs a box, which the next such scope of the thread reuses.
//!
//! ## Cost of the guarantees
//!
//! The figures are instructions on x86-64, counted by callgrind with rustc 1.95 and one codegen unit. Inlining changes
//! each by about 15. A scope around a manager that does nothing takes 105 to 115, and the same code written by hand takes
//! 24. A poll of its block takes 25 to 33 more than under a guard of tokio.
//!
//! | guarantee | cost in instructions |
//! |---|---|
//! | cleanups that are detached in a block end before its exit | 7 a poll and 7 a scope, included above |
//! | a panic of the block reaches the exit | 2 to 9 a poll, included above |
//! | interrupts reach the scope through all wrappers | 7 a scope, included above; about 290 if its manager can interrupt the block |
//! | a dropped exit is called again ([`Restart`]) | 60 a scope |
//! | an exit that has begun completes ([`Detach`]) | 480 a scope, of which its allocation takes 130 |
//! | the exit of a dropped block completes, and outer scopes wait for it ([`Detach`]) | 3,400 to 3,700, including the task |
//! | exits that are pushed at run time run in order, and each has its grace period ([`AsyncExitStack`]) | 4,050 for two managers |
//! | tasks end with their block, and a failure interrupts it ([`TaskGroup`](crate::tasks::TaskGroup)) | more than with a `JoinSet`, by 16 % for one task, 6 % for 100, 2 % for 10,000 |
//! | children that borrow end with their block ([`in_place`](crate::tasks::in_place())) | 1,120 a child of 100, where a task of a `JoinSet` takes 3,180 |
//!
//! [From Python](crate::from_python) compares Python's `async with`, `contextlib` and the locks of asyncio line by line.
//! [PEP 492](crate::desugar::pep_492#async-with) shows the expansion of the statement.

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
mod report;
#[expect(missing_docs, missing_debug_implementations, reason = "the macro's expansion is not an interface")]
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
pub use self::local::{
    Local, LocalAsyncContextManager, LocalAsyncGuard, LocalExitPolicy, async_with_local, local,
};
pub use self::manager::AsyncContextManager;
pub use self::managers::{
    AClosing, AsyncClose, AsyncGeneratorContextManager, AsyncGeneratorContextManagerGuard, Closing,
    Decorated, EitherGuard, EitherManager, ExitKind, LockGuard, LockManager, NullContext, OnExit,
    OnExitOutput, OptionGuard, SameAsInner, Suppress, YieldOnce, aclosing, asynccontextmanager, closing,
    decorate, nullcontext, on_exit, permits, permits_owned, read, read_owned, suppress, write, write_owned,
};
pub use self::policy::{Detach, DropAfterChildren, DropNow, Restart};
pub(crate) use self::report::{report_exit_error, report_reason};
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
