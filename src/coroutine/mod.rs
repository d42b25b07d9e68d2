//! Coroutines: async bodies that yield values to their driver and receive values and errors from it.
//!
//! ```
//! use withal::coroutine::{Step, coroutine};
//!
//! let mut body = coroutine(async |mut y| {
//!     let name: &str = y.yield_("name?").await?;
//!     let town: &str = y.yield_("town?").await?;
//!     Ok(format!("{name} of {town}"))
//! });
//! assert_eq!(body.resume().unwrap(), Step::Yielded("name?"));
//! assert_eq!(body.send("Ada").unwrap(), Step::Yielded("town?"));
//! assert_eq!(body.send("London").unwrap(), Step::Complete("Ada of London".to_owned()));
//! ```
//!
//! # From Python
//!
//! [From Python](crate::from_python) lists the methods of Python's coroutine object with their equivalents here.
//! [PEP 492](crate::desugar::pep_492) shows the expansion of `await` and of `close`.
//!
//! | Python | here | |
//! |---|---|---|
//! | `coro.send(None)` | [`resume`](Coroutine::resume), [`start`](Coroutine::start) | the body runs to its next yield |
//! | `coro.send(value)` | [`send`](Coroutine::send) | the same, and the yield returns `value` |
//! | `coro.throw(error)` | [`throw`](Coroutine::throw) | the same, and the yield returns the error |
//! | `coro.close()` | [`close`](Coroutine::close) | the same, and the yield returns [`GeneratorExit`] |
//! | `StopIteration(value)` | [`Step::Complete`] | the body has returned |
//!
//! # Guarantees
//!
//! - **No executor.** A step polls the body once. [`poll_resume`](Coroutine::poll_resume) takes a waker, and drives
//!   bodies that await I/O or timers on any executor.
//! - **Nothing is silently lost.**
//!   - A yielded value is delivered exactly once, even if its yield is dropped in a `select!`, or if the body ends
//!     right after it.
//!   - A reply to a dropped yield is never received by another yield.
//!   - A value that cannot be sent is returned in the error, unless the coroutine is closed.
//!   - An error that is thrown in while the body is not at a yield is raised at the next yield, or returned when the
//!     body ends.
//!   - A body that awaits something that is not ready is not lost: the step fails with [`Error::Pending`] and can be
//!     continued.
//! - **No stalls.** A yield can be awaited in `join!`, `select!` or a `FuturesUnordered`. The future that polls it
//!   there is woken when a value is sent.
//! - **The yielder stays inside of its body.** Code that stores it, sends it away, or swaps it with that of another
//!   body does not compile. The body can lend it to helper functions as `&mut Yielder<'_, ..>`, also recursively.
//! - **`Send` if possible.** A coroutine is `Send` if its body is, and the types of its values are.
//! - **Closed for good.** After a return, an error, a panic or a close, the body is dropped, and all further steps fail
//!   with [`Error::AlreadyAwaited`]. Dropping the coroutine drops the body at once.
//!
//! # Limitations
//!
//! - An error cannot be thrown into an `await` that is not a yield. It is raised at the next yield, or in an
//!   [`interruptible`](Yielder::interruptible) await. (PEP 492 raises it in any `await`.)
//! - Dropping a coroutine runs the destructors of its body, but no other code of it. Async cleanup needs
//!   [`close`](Coroutine::close). This is `close` as in PEP 342, without the call from the finalizer.
//! - A value that is sent in reply to a dropped yield is discarded. An error replaces an earlier error that has not
//!   been raised yet. An exit is raised after a pending error.
//! - A value is dropped if the body panics in the step in which it yields the value, or if the body yields it in spite
//!   of an exit. The step reports the panic, or [`Error::IgnoredExit`]. If the body yields several values in one step,
//!   [`close`](Coroutine::close) drops those that were not taken.
//! - An exit that the body catches is not raised again. A body can ignore the exit, and then `close` fails.
//!
//! # PEP 479
//!
//! In Python, a body that lets a `StopIteration` escape seems to return. Therefore the interpreter turns it into a
//! `RuntimeError`. Here, the end of a body is [`Step::Complete`], which is not an error. So `?` cannot carry the end of
//! an inner coroutine out of an outer one. It can carry [`Error::AlreadyAwaited`], which is reported as
//! [`Error::Raised`]. A body that returns [`GeneratorExit`] without having been closed fails with
//! [`Error::GeneratorExit`].

#[expect(unsafe_code, reason = "the pointer from a body to its mailbox; see the invariants in the file")]
mod body_cell;
mod coroutine;
mod error;
mod machine;
mod mailbox;
mod raw_coroutine;
mod run_all;
mod step;
mod throw;
mod yielder;

pub use self::body_cell::Yielder;
pub(crate) use self::coroutine::is_unit_like;
pub use self::coroutine::{BoxCoroutine, Coroutine, LocalBoxCoroutine, coroutine, try_coroutine};
pub use self::error::Error;
pub(crate) use self::machine::machine;
pub use self::raw_coroutine::RawCoroutine;
pub use self::run_all::{run_all, yield_now};
pub use self::step::{State, Step};
pub use self::throw::{GeneratorExit, Throw, Thrown};
pub use self::yielder::Yield;
