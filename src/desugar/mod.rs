//! What Python's `async for`, `async with`, `aiter`, `anext` and `yield` stand for (PEP 492, PEP 525): macros and functions
//! that do the same, and each construct beside what it is without.
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
//! # Which construct
//!
//! | Python | here | what it is without |
//! |---|---|---|
//! | `async for x in xs: .. else: ..` | [`async_for!`] | `while let Some(x) = xs.next().await { .. }`, if there is no `else` |
//! | `async with m as x: ..` | [`async_with!`](crate::async_with) | [step by step](crate::async_with#examples) |
//! | `aiter(xs)` | [`aiter`], by [`AsyncIterable`] | nothing, for what is a [`Stream`](futures_core::Stream) already |
//! | `await anext(xs)` | [`anext`] | `xs.next().await` of `StreamExt` |
//! | `await anext(xs, default)` | [`anext_or`] | `xs.next().await.unwrap_or(default)` |
//! | `[f(x) async for x in xs if p(x)]` (PEP 530) | `xs.filter(..).map(..).collect::<Vec<_>>().await` of `StreamExt` | |
//! | `yield x` in an `async def` | [`y.yield_(x).await?`](crate::coroutine::Yielder::yield_) | |
//!
//! # What can be awaited
//!
//! | Python | here |
//! |---|---|
//! | a coroutine, called and not awaited | an `async` block or the future of an `async fn`: nothing of it has run, either |
//! | an object with `__await__` | a type with [`IntoFuture`], or a [`Future`] |
//! | a `Task` | tokio's `JoinHandle` |
//! | a `Future` with a result that somebody sets | the receiver of tokio's `oneshot` channel |
//! | a generator with `types.coroutine` | a [`Coroutine`](crate::coroutine::Coroutine), driven by hand |
//! | awaited again: "cannot reuse already awaited coroutine" | moved into the first `.await`: does not compile |
//!
//! # `async for`, step by step
//!
//! PEP 492 defines
//!
//! ```python
//! async for TARGET in ITER:
//!     BLOCK
//! else:
//!     BLOCK2
//! ```
//!
//! by the following, which is the same in Rust:
//!
//! ```python
//! iter = (ITER)
//! iter = type(iter).__aiter__(iter)
//! running = True
//! while running:
//!     try:
//!         TARGET = await type(iter).__anext__(iter)
//!     except StopAsyncIteration:
//!         running = False
//!     else:
//!         BLOCK
//! else:
//!     BLOCK2
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # use std::pin::pin;
//! # use futures::stream;
//! # use withal::desugar::{aiter, anext};
//! # let (mut block, mut block_2) = (Vec::new(), 0);
//! let mut iter = pin!(aiter(stream::iter([1, 2, 3])));
//! let mut running = true;
//! while running {
//!     match anext(&mut iter).await {
//!         None => running = false,
//!         Some(target) => {
//!             block.push(target);
//!         }
//!     }
//! }
//! if !running {
//!     // A `break` in the block leaves the loop with `running` still set.
//!     block_2 += 1;
//! }
//! # assert_eq!((block, block_2), (vec![1, 2, 3], 1));
//! # }
//! ```
//!
//! # An async generator, step by step
//!
//! PEP 525 begins with the class that one had to write before: an iterator with its place in fields, and what became of it.
//!
//! ```python
//! class Ticker:                                        async def ticker(delay, to):
//!     def __init__(self, delay, to):                       for i in range(to):
//!         self.delay = delay                                   yield i
//!         self.i = 0                                           await asyncio.sleep(delay)
//!         self.to = to
//!     def __aiter__(self):
//!         return self
//!     async def __anext__(self):
//!         i = self.i
//!         if i >= self.to:
//!             raise StopAsyncIteration
//!         self.i += 1
//!         if i:
//!             await asyncio.sleep(self.delay)
//!         return i
//! ```
//!
//! Here the class is a [`Stream`](futures_core::Stream), whose every await is a state of its own:
//!
//! ```
//! use std::pin::Pin;
//! use std::task::{Context, Poll, ready};
//! use std::time::Duration;
//! use futures::{Stream, StreamExt};
//! use tokio::time::{Sleep, sleep};
//! use withal::generator::generator;
//!
//! struct Ticker {
//!     delay: Duration,
//!     i: u32,
//!     to: u32,
//!     sleep: Option<Pin<Box<Sleep>>>,
//! }
//!
//! impl Stream for Ticker {
//!     type Item = u32;
//!     fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
//!         if let Some(sleep) = &mut self.sleep {
//!             ready!(sleep.as_mut().poll(cx));
//!         }
//!         let (i, delay) = (self.i, self.delay);
//!         if i >= self.to {
//!             return Poll::Ready(None);
//!         }
//!         self.i += 1;
//!         self.sleep = Some(Box::pin(sleep(delay)));
//!         Poll::Ready(Some(i))
//!     }
//! }
//!
//! fn ticker(delay: Duration, to: u32) -> impl Stream<Item = u32> {
//!     generator(async move |mut y| {
//!         for i in 0..to {
//!             y.yield_(i).await?;
//!             sleep(delay).await;
//!         }
//!         Ok(())
//!     })
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let delay = Duration::from_secs(1);
//! let class = Ticker { delay, i: 0, to: 3, sleep: None };
//! assert_eq!(class.collect::<Vec<_>>().await, ticker(delay, 3).collect::<Vec<_>>().await);
//! # }
//! ```

mod aiter;
mod anext;
mod async_for;

pub use self::aiter::{AsyncIterable, aiter};
pub use self::anext::{Anext, anext, anext_or};
#[doc(inline)]
pub use crate::async_for;
