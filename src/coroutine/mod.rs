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
//! | `coro.send(None)` | [`resume`](Coroutine::resume), [`start`](Coroutine::start) | runs the body to its next yield |
//! | `coro.send(value)` | [`send`](Coroutine::send) | does the same; the current yield returns `value` |
//! | `coro.throw(error)` | [`throw`](Coroutine::throw) | does the same; the current yield returns the error |
//! | `coro.close()` | [`close`](Coroutine::close) | does the same; the current yield returns [`GeneratorExit`] |
//! | `StopIteration(value)` | [`Step::Complete`] | reports that the body has returned |
//!
//! # Guarantees
//!
//! - **No executor is needed.** A step polls the body on the calling thread. To drive a body that awaits I/O or timers,
//!   [`poll_resume`](Coroutine::poll_resume) takes the waker of any executor.
//! - **Nothing is silently lost.** [Limitations](#limitations) lists the exceptions.
//!   - A yielded value is delivered exactly once, even if its yield is dropped in a `select!`, or if the body ends
//!     right after the yield.
//!   - A value that is sent in reply to a dropped yield is never received by another yield.
//!   - A value that cannot be sent is returned in the error, unless the coroutine is closed.
//!   - An error that is thrown in while the body is not suspended at a yield is raised at the next yield, or returned
//!     when the body ends.
//!   - If the body awaits something that is not ready, the step fails with [`Error::Pending`], and a later step
//!     continues it.
//! - **No stalls.** A yield can be awaited in `join!`, `select!` or a `FuturesUnordered`. The future that polls it
//!   there is woken when a value is sent.
//! - **The yielder cannot leave its body.** Code that stores the yielder outside of the body, sends it to another task,
//!   or swaps it with the yielder of another body does not compile. The body can lend it to helper functions as
//!   `&mut Yielder<'_, ..>`, also recursively.
//! - **`Send` if possible.** A coroutine is `Send` if its body and the types of its values are.
//! - **The end is final.** After a return, an error, a panic or a close, the body is dropped, and all further steps
//!   fail with [`Error::AlreadyAwaited`]. Dropping the coroutine drops the body at once.
//!
//! # Limitations
//!
//! - An error cannot be thrown into an `await` that is not a yield. It is raised at the next yield, or in an
//!   [`interruptible`](Yielder::interruptible) await. (PEP 492 raises it in any `await`.)
//! - Dropping a coroutine runs the destructors in its body, but no other code of the body. Async cleanup needs
//!   [`close`](Coroutine::close). In PEP 342, the finalizer calls `close`; here, the program has to call it.
//! - A value that is sent in reply to a dropped yield is discarded.
//! - A thrown error replaces an earlier error that has not been raised yet. If an error and a [`GeneratorExit`] are
//!   both waiting to be raised, the error is raised first.
//! - A yielded value is dropped if the body panics in the same step, which the step reports by the panic, or if the
//!   body yields it during a [`close`](Coroutine::close), which then fails with [`Error::IgnoredExit`]. If the body has
//!   yielded several values in one step, `close` also drops the values that were not delivered yet.
//! - A [`GeneratorExit`] that the body catches is not raised again.
//!
//! # PEP 479
//!
//! In Python, a `StopIteration` that escapes from a body would look like a return. Therefore, PEP 479 has the
//! interpreter turn it into a `RuntimeError`. Here, the end of a body is [`Step::Complete`], which is not an error, so
//! `?` cannot propagate the end of an inner coroutine out of an outer one. If `?` propagates the
//! [`Error::AlreadyAwaited`] of an inner coroutine, the outer one fails with [`Error::Raised`]. A body that returns
//! [`GeneratorExit`] without having been closed fails with [`Error::GeneratorExit`].

#[expect(unsafe_code, reason = "the pointer from a body to its mailbox; see the invariants in the file")]
mod body_cell;
mod boxed_error;
mod coroutine;
mod error;
mod machine;
mod mailbox;
mod raw_coroutine;
mod run_all;
mod stage;
mod step;
mod throw;
mod yielder;

pub use self::body_cell::Yielder;
pub(crate) use self::body_cell::{PinnedBody, body_cell};
pub(crate) use self::boxed_error::BoxedErrorBody;
pub(crate) use self::coroutine::is_unit_like;
pub use self::coroutine::{BoxCoroutine, Coroutine, LocalBoxCoroutine, coroutine, try_coroutine};
pub use self::error::Error;
pub(crate) use self::machine::Machine;
pub use self::raw_coroutine::RawCoroutine;
pub use self::run_all::{run_all, yield_now};
pub use self::step::{State, Step};
pub use self::throw::{GeneratorExit, Throw, Thrown};
pub use self::yielder::Yield;
