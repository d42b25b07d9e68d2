//! What Python's `async for`, `aiter` and `anext` stand for (PEP 492, PEP 525), as macros and functions that do the same.
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

mod aiter;
mod anext;
mod async_for;

pub use self::aiter::{AsyncIterable, aiter};
pub use self::anext::{Anext, anext, anext_or};
#[doc(inline)]
pub use crate::async_for;
