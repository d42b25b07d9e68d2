//! Async generators (PEP 525): streams written as an async body that yields.
//!
//! A generator is a [`Stream`](futures_core::Stream) of the values that its body yields. Its users can also send values
//! to its yields, throw errors into it, and close it, which awaits its cleanup. Generators need neither a procedural
//! macro nor an allocation.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::{Stream, StreamExt};
//! use withal::generator::generator;
//!
//! fn ticks(count: u32) -> impl Stream<Item = u32> {
//!     generator(async move |mut y| {
//!         for n in 0..count {
//!             tokio::task::yield_now().await; // any await
//!             y.yield_(n).await?; // Python's `yield n`
//!         }
//!         Ok(())
//!     })
//! }
//!
//! assert_eq!(ticks(3).collect::<Vec<_>>().await, [0, 1, 2]);
//! # }
//! ```
//!
//! The methods of [`AsyncGeneratorExt`] send values, throw errors and close the generator:
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
//!             Err(Thrown::Error("rewind")) => number = 0,
//!             Err(thrown) => return Err(thrown),
//!         }
//!     }
//! }));
//! assert_eq!(pages.start().await.unwrap().unwrap(), "page 0");
//! assert_eq!(pages.asend(5).await.unwrap().unwrap(), "page 5");
//! assert_eq!(pages.athrow("rewind").await.unwrap().unwrap(), "page 0");
//! pages.aclose().await.unwrap();
//! # }
//! ```
//!
//! # Signatures
//!
//! The return type of a function that creates a generator depends on what its callers do with the generator:
//!
//! ```
//! use futures_core::Stream;
//! use withal::coroutine::Thrown;
//! use withal::generator::{
//!     AsyncGenerator, BoxAsyncGenerator, GeneratorBody, ManagedGenerator, generator, try_generator,
//! };
//!
//! // Callers iterate.
//! fn numbers() -> impl Stream<Item = u32> {
//!     generator(async |mut y| y.yield_(1).await)
//! }
//!
//! // Callers iterate and close. `+ Send` promises that the generator is `Send`.
//! fn ticks() -> AsyncGenerator<impl GeneratorBody<u32> + Send> {
//!     generator(async |mut y| y.yield_(1).await)
//! }
//!
//! // Callers send values: their type is the second parameter.
//! fn totals() -> AsyncGenerator<impl GeneratorBody<u32, u32>> {
//!     generator(async |mut y| {
//!         let mut total = 0;
//!         loop {
//!             total += y.yield_(total).await?;
//!         }
//!     })
//! }
//!
//! // Callers throw errors, or the body can fail: the type of the error is in the third parameter.
//! fn notes() -> AsyncGenerator<impl GeneratorBody<String, (), Thrown<std::io::Error>>> {
//!     try_generator(async |mut y| {
//!         y.yield_(std::fs::read_to_string("notes.txt")?).await?;
//!         Ok(())
//!     })
//! }
//!
//! // Callers store the generator in a field.
//! fn stored() -> BoxAsyncGenerator<'static, u32> {
//!     ticks().boxed()
//! }
//!
//! // Callers share the generator, or drop it before its end.
//! fn shared() -> ManagedGenerator<u32> {
//!     ticks().managed()
//! }
//! # drop((numbers(), totals(), notes(), stored(), shared()));
//! ```
//!
//! # From Python
//!
//! [From Python](crate::from_python) lists the methods of Python's async generator object with their equivalents here.
//! [PEP 525](crate::desugar::pep_525) shows their expansions, and documents the hooks.
//!
//! | Python | here | |
//! |---|---|---|
//! | `async for item in agen:` | [`async_for!`](crate::async_for), or the methods of `StreamExt` | |
//! | `await anext(agen)` | [`anext`](AsyncGeneratorExt::anext) | runs the body to its next yield |
//! | `await agen.asend(None)`, the first time | [`start`](AsyncGeneratorExt::start) | does the same; unlike `anext`, also if the type of sent values is not `()` |
//! | `await agen.asend(value)` | [`asend`](AsyncGeneratorExt::asend) | does the same; the current yield returns `value` |
//! | `await agen.athrow(error)` | [`athrow`](AsyncGeneratorExt::athrow) | does the same; the current yield returns the error |
//! | `await agen.aclose()` | [`aclose`](AsyncGeneratorExt::aclose) | does the same; the current yield returns [`GeneratorExit`](crate::coroutine::GeneratorExit) |
//! | `StopAsyncIteration` | `None` | reports that the body has ended |
//! | `sys.set_asyncgen_hooks` | [`Hooks`] | sets functions that are called at the first iteration, and when a generator is dropped before its end |
//! | `loop.shutdown_asyncgens()` | [`shutdown_asyncgens`] | closes the generators that are left at the end of the program |
//!
//! # Errors in a body
//!
//! In the body of a [`try_generator`], `?` accepts errors of one type only: the error type `E` of the generator. It
//! does not convert other errors into `E`, because it already converts `E` into
//! [`Thrown<E>`](crate::coroutine::Thrown). In the body of a [`try_generator_any`], `?` converts all errors into the
//! box that the body names:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::TryStreamExt;
//! use withal::generator::try_generator_any;
//! use withal::tasks::BoxError;
//!
//! let numbers = try_generator_any(async |mut y| {
//!     for line in [&b"1"[..], b" 2 "] {
//!         let line = std::str::from_utf8(line)?;
//!         y.yield_(line.trim().parse::<u32>()?).await?;
//!     }
//!     Ok::<_, BoxError>(())
//! });
//! assert_eq!(numbers.try_collect::<Vec<_>>().await.unwrap(), [1, 2]);
//! # }
//! ```
//!
//! # Guarantees
//!
//! - **No allocation.** A generator allocates only if it is boxed or managed. Its items do not allocate as long as the
//!   body awaits its yields one by one; a yield that is dropped, or is awaited inside a `FuturesUnordered`, may
//!   allocate.
//! - **Cancellation loses nothing.** The step in progress belongs to the generator. If the future of an operation is
//!   dropped, the next operation continues the step.
//! - **No silent loss.** A yielded value is delivered exactly once. A value that cannot be sent is returned in the
//!   error, unless the generator is closed. An error that is thrown in while the body is not suspended at a yield is
//!   raised at the next yield, or returned when the body ends.
//! - **No stalls.** A yield can be awaited inside `join!`, `select!` and `FuturesUnordered`.
//! - **No misuse.** The yielder cannot leave the body, and overlapping operations are borrow errors; see
//!   [`coroutine`](crate::coroutine).
//! - **The end is final.** After a return, an error, a panic or a close, the body is dropped. From then on, every
//!   operation resolves to `Ok(None)`, and `aclose` to `Ok(())`. The stream is fused: see
//!   [`FusedStream`](futures_core::FusedStream).
//!
//! # Limitations
//!
//! - Dropping an [`AsyncGenerator`] runs only destructors. Only a [`ManagedGenerator`] has the finalizer of PEP 525,
//!   which closes a generator that is dropped. Prefer to close a generator explicitly, in the function that created it.
//! - An error cannot be thrown into an `await` that is not a yield. It is raised at the next yield, or in an
//!   [`interruptible`](crate::coroutine::Yielder::interruptible) await.
//! - A value that is sent in reply to a dropped yield is discarded. A thrown error replaces an earlier error that has
//!   not been raised yet.
//! - A yielded value is dropped if the body panics in the same step, or if the body yields it while it is being closed.
//! - Do not yield inside a timeout, a lock, a task group or any other scope that belongs to a task. The body stays in
//!   the scope until the consumer resumes it, which may be much later, in another task, or never (PEP 533, PEP 789).
//!
//! # Comparison
//!
//! The number of CPU instructions per item, measured by the benches of this crate:
//!
//! | | [`generator`] | [`stream!`](crate::stream) of async-stream | hand-written `poll_next` |
//! |---|---|---|---|
//! | one generator | 59 | 52 | 13 |
//! | one generator that receives a value at each yield | 85 | not possible | 14 |
//! | a generator and three nested helper functions that yield | 84 | not possible | 13 |
//! | four generators, each iterating over the next | 218 | 169 | 13 |
//! | four generators, each delegating to the next by [`yield_from`](crate::coroutine::Yielder::yield_from) | 309 | not possible | 13 |
//!
//! If a helper function that takes `&mut Yielder<'_, ..>` can replace a nested generator, prefer the function.
//! Delegation costs more because it passes sent values and thrown errors on to the inner generator. A boxed generator
//! costs 95 per item, one virtual call.
//!
//! Of the 59 instructions, the loop around the generator takes 13, and the states of an async block take 6. Throws,
//! closes and several values in one step cost nothing per item: one comparison detects that none of them is to be
//! handled. The other guarantees cost, per item:
//!
//! | guarantee | instructions |
//! |---|---|
//! | a yield does nothing unless it is polled | 7 |
//! | a yield does not stall in `join!` or `FuturesUnordered` | 4 |
//! | a reply is received by the yield that it replies to, and by no other | 5 |
//! | a value is delivered once, and a dropped yield does not lose it | 7 |
//! | the end is final, and a step that panics closes the generator | 3 |
//!
//! The body of a `stream!` is a block inside a macro, in which `yield` is a keyword. Such a stream can neither be
//! closed nor receive values or errors.
//!
//! # Choosing
//!
//! | I need | use | additional cost |
//! |---|---|---|
//! | only items, at the lowest cost | [`stream!`](crate::stream), [`try_stream!`](crate::try_stream) | none |
//! | sent values, helper functions that yield, delegation, or a close that is awaited | [`generator`] | none |
//! | errors, from the body or thrown into it | [`try_generator`] | none |
//! | a type that can be named, for a field or an array | [`boxed`](AsyncGenerator::boxed) | an allocation and dynamic dispatch |
//! | several handles, or a generator that is closed when it is dropped | [`managed`](AsyncGenerator::managed) | as `boxed`, and a lock that is taken twice per operation |
//!
//! Most programs can start with [`generator`] and return `impl Stream`.

mod async_generator;
mod error;
mod ext;
mod generator_body;
mod hooks;
mod managed;
mod managed_state;
mod operation;
mod pending_close;
mod shutdown_asyncgens;
mod weak_generator;
mod yield_from;

pub use self::async_generator::{
    AsyncGenerator, BoxAsyncGenerator, LocalBoxAsyncGenerator, generator, try_generator, try_generator_any,
};
pub use self::error::Error;
pub use self::ext::AsyncGeneratorExt;
pub use self::generator_body::GeneratorBody;
pub use self::hooks::Hooks;
pub use self::managed::ManagedGenerator;
pub use self::operation::{Aclose, Anext, Asend, Athrow, Start};
pub use self::pending_close::PendingClose;
pub use self::shutdown_asyncgens::shutdown_asyncgens;
pub use self::weak_generator::WeakGenerator;
