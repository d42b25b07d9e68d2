//! What Python's `async for`, `async with`, `aiter`, `anext` and `yield` stand for (PEP 492, PEP 525): macros and
//! functions that do the same, and each construct beside what it is without.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::stream;
//! use withal::async_for;
//!
//! async_for!(line in stream::iter(["a", "b", "needle", "c"]) => {
//!     if line == "needle" {
//!         println!("found");
//!         break;
//!     }
//! } else {
//!     println!("not found");
//! });
//! # }
//! ```
//!
//! # What each construct stands for
//!
//! | Python | what the PEP makes of it, and the same here |
//! |---|---|
//! | `async def`, `await` | [PEP 492](pep_492#async-def-and-await) |
//! | `coro.send`, `throw`, `close` | [PEP 342](pep_342#send), and what an `await` passes on: [PEP 380](pep_342#what-an-await-passes-on) |
//! | `async with` | [PEP 492](pep_492#async-with): [`async_with!`](crate::async_with) |
//! | `async for`, and its `else` | [PEP 492](pep_492#async-for-and-its-else): [`async_for!`] |
//! | `__aiter__`, `__anext__` | [PEP 492](pep_492#__aiter__-and-__anext__): [`AsyncIterable`], [`Stream`](futures_core::Stream) |
//! | `aiter(xs)`, `anext(xs)`, `anext(xs, default)` | [below](#aiter-and-anext): [`aiter`], [`anext`], [`anext_or`] |
//! | `async def` with `yield` | [PEP 525](pep_525#async-def-with-yield) |
//! | `agen.asend`, `athrow`, `aclose` | [PEP 525](pep_525#asend) |
//! | `sys.set_asyncgen_hooks`, `loop.shutdown_asyncgens()` | [PEP 525](pep_525#finalization) |
//!
//! Which lines of Rust take their places in a program, and what differs: [From Python](crate::from_python).
//!
//! # What can be awaited
//!
//! | Python | here | |
//! |---|---|---|
//! | a coroutine: an `async def`, called | an `async fn`, called, or an `async` block | nothing of it has run, in both |
//! | an object with `__await__` | a type with [`IntoFuture`]: `shutdown()` of an [executor](crate::tasks::ThreadPoolExecutor) | `.await` calls it, as `await` does |
//! | a C object with `am_await` | a type with [`Future`]: `poll`, written by hand | a state machine, as in C |
//! | a generator with `types.coroutine` | a [`Coroutine`](crate::coroutine::Coroutine), driven from a [`poll_fn`](std::future::poll_fn) | what it yields has to be for somebody: there is no chain up to the loop |
//! | an asyncio `Future` | a [`tasks::TaskHandle`](crate::tasks::TaskHandle), or tokio's [`oneshot`](tokio::sync::oneshot) | |
//! | a `Task` | a [`tasks::TaskHandle`](crate::tasks::TaskHandle), or tokio's [`JoinHandle`](tokio::task::JoinHandle) | |
//! | a PEP 3148 `Future`, by `wrap_future` | a [`tasks::TaskHandle`](crate::tasks::TaskHandle) | as it is: both kinds are one |
//! | `agen.__anext__()`, `asend`, `athrow`, `aclose` | those of [`AsyncGeneratorExt`](crate::generator::AsyncGeneratorExt) | they borrow the generator: two at once do not compile |
//! | `gather(..)`, `wait(..)`, `shield(..)` | [`gather`](crate::tasks::gather()), [`wait`](crate::tasks::wait()), [`shield`](crate::tasks::shield()) | |
//! | anything else: "can't be used in 'await' expression" | does not compile | E0277 |
//! | outside of an `async def`: a `SyntaxError` | does not compile | E0728 |
//! | the same coroutine again: "cannot reuse already awaited coroutine" | does not compile | E0382: the first `.await` has taken it |
//! | never: "was never awaited", when it is collected | the compiler warns | `#[must_use]` |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//! use std::future::{poll_fn, ready};
//! use std::pin::pin;
//! use withal::coroutine::{Step, coroutine};
//! use withal::generator::{AsyncGeneratorExt, generator};
//! use withal::tasks::{Promise, ThreadPoolExecutor, create_task, gather, shield, wait};
//!
//! async fn coro() -> Result<u32, Infallible> {
//!     Ok(1)
//! }
//!
//! assert_eq!(coro().await, Ok(1));
//! assert_eq!(async { coro().await }.await, Ok(1));
//! assert_eq!(ready(1).await, 1);
//!
//! let mut driven = coroutine(async |mut y| {
//!     let () = y.yield_(1).await?;
//!     Ok(())
//! });
//! assert_eq!(poll_fn(|cx| driven.poll_resume(cx)).await, Ok(Step::Yielded(1)));
//!
//! let (promise, future) = Promise::<u32, Infallible>::new();
//! promise.set_result(1)?;
//! assert_eq!(future.await, Ok(1));
//! assert_eq!(create_task(coro()).await, Ok(1));
//!
//! let executor = ThreadPoolExecutor::new(1)?;
//! assert_eq!(executor.submit(|| Ok::<_, Infallible>(1))?.await, Ok(1));
//! executor.shutdown().await; // by `IntoFuture`
//!
//! let mut agen = pin!(generator(async |mut y| y.yield_(1).await));
//! assert_eq!(agen.anext().await, Ok(Some(1)));
//! assert_eq!(agen.aclose().await, Ok(()));
//!
//! assert_eq!(gather([create_task(coro())]).await, Ok(vec![1]));
//! assert_eq!(wait([create_task(coro())]).await.done, [(0, Ok(1))]);
//! assert_eq!(shield(coro()).await, Ok(1));
//! # Ok(())
//! # }
//! ```
//!
//! ```compile_fail,E0382
//! # async fn twice() {
//! let coro = async { 1 };
//! coro.await;
//! coro.await; // the first has taken it
//! # }
//! ```
//!
//! ```compile_fail,E0277
//! # async fn anything_else() {
//! 7.await;
//! # }
//! ```
//!
//! ```compile_fail,E0728
//! fn outside() {
//!     async { 1 }.await;
//! }
//! ```
//!
//! # `aiter` and `anext`
//!
//! Where the iterator ends `anext` raises, and with a default it does not. `None` is both: there is nothing to catch.
//!
//! ```python
//! async def anext(it, default):
//!     try:
//!         return await type(it).__anext__(it)
//!     except StopAsyncIteration:
//!         return default
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use futures::{StreamExt, stream};
//! use withal::desugar::{aiter, anext, anext_or};
//!
//! let [mut ours, mut by_hand] = [(); 2].map(|()| aiter(stream::iter([1, 2])));
//! for _ in 0..3 {
//!     assert_eq!(anext_or(&mut ours, 9).await, by_hand.next().await.unwrap_or(9));
//! }
//! assert_eq!(anext(&mut ours).await, None);
//! # }
//! ```

mod aiter;
mod anext;
mod async_for;

pub use self::aiter::{AsyncIterable, aiter};
pub use self::anext::{Next, anext, anext_or};
#[doc(inline)]
pub use crate::async_for;

pub mod pep_342 {
    #![doc = include_str!("pep_342.md")]
}

pub mod pep_492 {
    #![doc = include_str!("pep_492.md")]
}

pub mod pep_525 {
    #![doc = include_str!("pep_525.md")]
}
