//! Python's `async for`, `aiter` and `anext`, and the expansion of each construct of PEP 342, PEP 492 and PEP 525.
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
//! # Constructs
//!
//! Each expansion is shown in Python and in Rust. The Rust code is compiled and tested. For the line of Rust that
//! replaces a line of Python, and for the differences, see [From Python](crate::from_python).
//!
//! | Python | Rust | expansion |
//! |---|---|---|
//! | `async def`, `await` | `async fn`, `.await` | [PEP 492](pep_492#async-def-and-await) |
//! | `coro.send`, `throw`, `close` | [`Coroutine`](crate::coroutine::Coroutine) | [PEP 342](pep_342#send) |
//! | `yield from` | `inner(&mut y).await?` | [PEP 380](pep_342#delegation) |
//! | `async with` | [`async_with!`](crate::async_with) | [PEP 492](pep_492#async-with) |
//! | `async for`, and its `else` | [`async_for!`] | [PEP 492](pep_492#async-for-and-its-else) |
//! | `__aiter__`, `__anext__` | [`AsyncIterable`], [`Stream`](futures_core::Stream) | [PEP 492](pep_492#__aiter__-and-__anext__) |
//! | `aiter(xs)`, `anext(xs)`, `anext(xs, default)` | [`aiter`], [`anext`], [`anext_or`] | [below](#aiter-and-anext) |
//! | `async def` with `yield` | [`generator`](mod@crate::generator) | [PEP 525](pep_525#async-def-with-yield) |
//! | `agen.asend`, `athrow`, `aclose` | [`AsyncGeneratorExt`](crate::generator::AsyncGeneratorExt) | [PEP 525](pep_525#asend) |
//! | `sys.set_asyncgen_hooks`, `loop.shutdown_asyncgens()` | [`Hooks`](crate::generator::Hooks) | [PEP 525](pep_525#finalization) |
//!
//! # Awaitables
//!
//! The objects that `await` accepts in Python, and their counterparts in Rust:
//!
//! | Python | Rust | note |
//! |---|---|---|
//! | a coroutine: the result of calling an `async def` | the result of calling an `async fn`, or an `async` block | in both languages, its body has not started |
//! | an object with `__await__` | a type with [`IntoFuture`], such as `shutdown()` of an [executor](crate::tasks::ThreadPoolExecutor) | `.await` calls `into_future` |
//! | a C object with `am_await` | a type with [`Future`], whose `poll` is written by hand | in both languages, a state machine |
//! | a generator with `types.coroutine` | a [`Coroutine`](crate::coroutine::Coroutine), driven from a [`poll_fn`](std::future::poll_fn) | the code that drives it receives the yielded values; they do not travel up to an event loop |
//! | an asyncio `Future` or `Task`, a PEP 3148 `Future` by `wrap_future` | a [`TaskHandle`](crate::tasks::TaskHandle); tokio's [`oneshot`](tokio::sync::oneshot) or [`JoinHandle`](tokio::task::JoinHandle) | |
//! | `agen.__anext__()`, `asend`, `athrow`, `aclose` | those of [`AsyncGeneratorExt`](crate::generator::AsyncGeneratorExt) | each borrows the generator, so two concurrent calls do not compile |
//! | `gather(..)`, `wait(..)`, `shield(..)` | [`gather`](crate::tasks::gather()), [`wait`](crate::tasks::wait()), [`shield`](crate::tasks::shield()) | |
//!
//! In Rust, the compiler reports each misuse of `await`:
//!
//! | misuse | Python | Rust |
//! |---|---|---|
//! | `await` on any other object | "can't be used in 'await' expression" | E0277 |
//! | `await` outside of an `async def` | `SyntaxError` | E0728 |
//! | a coroutine awaited twice | "cannot reuse already awaited coroutine" | E0382: the first `.await` moved it |
//! | a coroutine never awaited | "was never awaited", when it is garbage-collected | a warning: `#[must_use]` |
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
//! executor.shutdown().await; // through `IntoFuture`
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
//! coro.await; // error: use of moved value
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
//! Python's `anext` raises `StopAsyncIteration` at the end, unless a default is passed. In Rust, [`anext`] returns an
//! `Option`, and [`anext_or`] returns the item or the default:
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
