//! Async generators: bodies that yield items, are answered, can be thrown into and closed (PEP 525), as streams.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::StreamExt;
//! use withal::generator::generator;
//!
//! let ticks = generator(async |mut y| {
//!     for n in 0..3 {
//!         tokio::task::yield_now().await; // any await
//!         y.yield_(n).await?; // Python's `yield n`
//!     }
//!     Ok(())
//! });
//! assert_eq!(ticks.collect::<Vec<_>>().await, [0, 1, 2]);
//! # }
//! ```
//!
//! The yields of such a body take no answers. Where they do, and where errors are thrown in:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::pin::pin;
//! use withal::coroutine::Thrown;
//! use withal::generator::{AsyncGeneratorExt, try_generator};
//!
//! let mut pages = pin!(try_generator(async |mut y| {
//!     let mut number = 0;
//!     loop {
//!         match y.yield_(format!("page {number}")).await {
//!             Ok(steps) => number += steps,
//!             Err(Thrown::Error("from the start")) => number = 0,
//!             Err(thrown) => return Err(thrown),
//!         }
//!     }
//! }));
//! assert_eq!(pages.start().await.unwrap().unwrap(), "page 0");
//! assert_eq!(pages.asend(5).await.unwrap().unwrap(), "page 5");
//! assert_eq!(pages.athrow("from the start").await.unwrap().unwrap(), "page 0");
//! pages.aclose().await.unwrap();
//! # }
//! ```
//!
//! # From Python
//!
//! Python's async generator object, method by method: [From Python](crate::from_python). What each method stands for, and the
//! hooks: [PEP 525](crate::desugar::pep_525).
//!
//! # Which one
//!
//! | I want | use | it costs |
//! |---|---|---|
//! | items out, and nothing else, in the least time | [`stream!`](crate::stream), [`try_stream!`](crate::try_stream) of `async-stream` | a macro around the body: 52 instructions an item |
//! | that, and helpers that yield, delegation, a close that awaits | [`generator`] | 65 |
//! | answers, errors thrown in | [`generator`], [`try_generator`] | 86 a round trip |
//! | a name for its type: a field, an array | [`boxed`](AsyncGenerator::boxed) | an allocation, and a call by pointer |
//! | several holders; to be closed when it is dropped | [`managed`](AsyncGenerator::managed) | that, and two locks an item |
//!
//! Layers cost: four generators that each loop over the next take 242 instructions an item (`stream!`: 169), and 492 by
//! `yield_from`, which passes answers and throws through. Three helper functions that get the yielder, as
//! `&mut Yielder<'_, ..>`, take 89: prefer them where there is a choice. What a hand-written `poll_next` takes in the same
//! places is 13; all of it by the crate's benches.
//!
//! # Types, and errors
//!
//! A function that returns a generator says what is yielded and sent, or boxes it:
//!
//! ```
//! use withal::generator::{AsyncGenerator, BoxAsyncGenerator, GeneratorBody, generator};
//!
//! fn totals() -> AsyncGenerator<impl GeneratorBody<u32, u32>> {
//!     generator(async |mut y| {
//!         let mut total = 0;
//!         loop {
//!             total += y.yield_(total).await?;
//!         }
//!     })
//! }
//!
//! fn boxed() -> BoxAsyncGenerator<'static, u32, u32> {
//!     totals().boxed()
//! }
//! # drop(boxed());
//! ```
//!
//! In the body of a [`try_generator`] the `?` takes errors of the one type that it fails with, and converts no others:
//! what is converted there is an error into [`Thrown`](crate::coroutine::Thrown). Helpers convert:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::TryStreamExt;
//! use withal::generator::try_generator;
//!
//! async fn read(line: &str) -> Result<u32, Box<dyn std::error::Error>> {
//!     Ok(line.trim().parse()?) // any error
//! }
//!
//! let numbers = try_generator(async |mut y| {
//!     for line in ["1", " 2 "] {
//!         y.yield_(read(line).await?).await?; // this one
//!     }
//!     Ok(())
//! });
//! assert_eq!(numbers.try_collect::<Vec<_>>().await.unwrap(), [1, 2]);
//! # }
//! ```
//!
//! # What is promised
//!
//! - **Nothing is allocated**, neither for an item nor for a generator, until it is boxed.
//! - **Nothing is lost by cancellation.** The step lives in the generator: after an operation was dropped, the next one
//!   goes on with it.
//! - **Nothing is lost in silence.** A value that was yielded is delivered once; one that cannot be sent comes back in
//!   the error; a throw that no yield was there for is raised at the next, or comes out in the end.
//! - **It never stalls.** A yield may be in `join!`, in `select!`, in a `FuturesUnordered`.
//! - **The yielder stays inside**, and overlapping operations are borrow errors; see [`coroutine`](crate::coroutine).
//! - **An end is an end.** After a return, an error, a panic or a close the body is dropped, and every operation says
//!   `None`; [`FusedStream`](futures_core::FusedStream).
//!
//! # What is not
//!
//! - Dropping an [`AsyncGenerator`] runs nothing of its body but destructors: PEP 525's finalizer is that of a
//!   [`ManagedGenerator`]. Better still, close it where it was made.
//! - An error cannot be thrown into an `await` that is no yield; see [`interruptible`](crate::coroutine::Yielder::interruptible).
//! - An answer to a yield that was dropped is nobody's. A throw replaces an error that was not raised yet. What the body
//!   had yielded is dropped with it when it panics in the same step, and by a close.
//! - Do not yield inside a scope that is bound to a task: a timeout, a lock, a task group. The consumer decides when the
//!   body goes on, if ever (PEP 533, PEP 789).

mod aclose;
mod anext;
mod asend;
mod async_generator;
mod athrow;
mod error;
mod ext;
mod hooks;
mod live;
mod managed;
mod operation;
mod pending_close;
mod shared;
mod start;
mod weak;
mod yield_from;

pub use self::aclose::Aclose;
pub use self::anext::Anext;
pub use self::asend::Asend;
pub use self::async_generator::{
    AsyncGenerator, BoxAsyncGenerator, Failure, GeneratorBody, LocalBoxAsyncGenerator, Stepped, generator,
    try_generator,
};
pub use self::athrow::Athrow;
pub use self::error::Error;
pub use self::ext::AsyncGeneratorExt;
pub use self::hooks::Hooks;
pub use self::live::shutdown_asyncgens;
pub use self::managed::ManagedGenerator;
pub use self::pending_close::PendingClose;
pub use self::start::Start;
pub use self::weak::WeakGenerator;
