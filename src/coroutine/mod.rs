//! Coroutines: async bodies that yield to whoever drives them, are answered, and can be thrown into and closed.
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
//! Python's coroutine object, method by method: [From Python](crate::from_python). What `await` stands for, and `close`:
//! [PEP 492](crate::desugar::pep_492).
//!
//! # What is promised
//!
//! - **No executor.** A step polls the body once. [`poll_resume`](Coroutine::poll_resume) is for bodies that await what
//!   has to wake them, on any executor.
//! - **Nothing is lost in silence.** A value that was yielded is delivered once, also when its yield was dropped in a
//!   `select!`, also when the body ends with it. The answer to a yield that was dropped is taken by no other. A value
//!   that cannot be sent comes back in the error, unless the coroutine is over. A throw that no yield was there for is
//!   raised at the next, or comes out in the end. A body that awaits what is not ready is a state of its own:
//!   [`Error::Pending`].
//! - **It never stalls.** A yield may be in `join!`, in `select!`, in a `FuturesUnordered`: whoever polls it there is
//!   woken by the answer.
//! - **The yielder stays inside.** It cannot be kept, sent away, or swapped with another body's: that does not compile.
//!   It can be lent to helpers, as `&mut Yielder<'_, ..>`, and recursion works.
//! - **It is `Send` when the body is**, and what goes in and out.
//! - **An end is an end.** After a return, an error, a panic or a close the body is dropped, and every step says
//!   [`Error::AlreadyAwaited`]. Dropping the coroutine drops the body at once.
//!
//! # What is not
//!
//! - An error cannot be thrown into an `await` that is no yield. [`Yielder::interruptible`] is an await which can be
//!   interrupted; at any other, it is raised at the next yield (PEP 492 lets it into any `await`).
//! - Dropping a coroutine runs nothing of its body but destructors. What is to be awaited on the way out needs
//!   [`close`](Coroutine::close): that is PEP 342's `close`, without its call from the finalizer.
//! - A value sent in answer to a yield that was dropped is dropped, too. A throw replaces an error that was not raised yet;
//!   an exit comes after it.
//! - A value that a body had yielded is dropped with it when it panics in the same step, and when it ignores the exit: what
//!   is told then is the panic, or [`Error::IgnoredExit`]. Values of one step that wait behind another are dropped by
//!   [`close`](Coroutine::close).
//! - An exit that the body catches is not raised again: a body may ignore it, and `close` says so.
//!
//! # PEP 479, by construction
//!
//! In Python a body that lets `StopIteration` escape seems to return, unless the interpreter turns it into a
//! `RuntimeError`. Here the end of a body is [`Step::Complete`], which is no error: no `?` can carry the end of an
//! inner coroutine out of an outer one. What `?` carries is [`Error::AlreadyAwaited`], which comes out as
//! [`Error::Raised`]. A body that ends with [`GeneratorExit`] when nobody closed it gives [`Error::GeneratorExit`].

mod drive;
mod error;
mod exchange;
mod handle;
mod machine;
mod run;
#[expect(
    unsafe_code,
    reason = "the one place where a body reaches what lies beside it; see the invariants there"
)]
mod slot;
mod state;
mod step;
mod suspend;
mod throw;
mod yielder;

pub use self::drive::RawCoroutine;
pub use self::error::Error;
pub use self::handle::{
    BoxCoroutine, Coroutine, Failure, LocalBoxCoroutine, Stepped, coroutine, try_coroutine,
};
pub(crate) use self::machine::machine;
pub use self::run::{run_all, yield_now};
pub use self::slot::Yielder;
pub use self::state::State;
pub use self::step::Step;
pub use self::suspend::Yield;
pub use self::throw::{GeneratorExit, Throw, Thrown};
