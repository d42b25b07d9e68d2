//! PEP 525, construct by construct: what the PEP says that each one stands for, and the same here.
//!
//! The Python is the PEP's, or, cut short, asyncio's where the PEP leaves it to that. The Rust is compiled, and asserts
//! that both of its forms do the same.
//!
//! # `async def` with `yield`
//!
//! PEP 525 begins with the class that one had to write before: an iterator with its place in fields, and what became of
//! it.
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
//!
//! # `__aiter__`, `__anext__`
//!
//! ```python
//! async def genfunc():
//!     yield 1
//!     yield 2
//!
//! gen = genfunc()
//!
//! assert gen.__aiter__() is gen
//!
//! assert await gen.__anext__() == 1
//! assert await gen.__anext__() == 2
//!
//! await gen.__anext__()  # This line will raise StopAsyncIteration.
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::pin::pin;
//! use withal::desugar::aiter;
//! use withal::generator::{AsyncGeneratorExt, generator};
//!
//! let genfunc = || generator(async |mut y| {
//!     y.yield_(1).await?;
//!     y.yield_(2).await
//! });
//! let mut g = pin!(aiter(genfunc())); // `gen` is a keyword to come; `aiter` gives back what it gets
//!
//! assert_eq!(g.anext().await, Ok(Some(1)));
//! assert_eq!(g.anext().await, Ok(Some(2)));
//!
//! assert_eq!(g.anext().await, Ok(None)); // and ever after
//! # }
//! ```
//!
//! `StopAsyncIteration` that a body lets through would look like its end, so the PEP makes a `RuntimeError` of it. Here
//! the end is no error, and no `?` carries it.
//!
//! # `asend`
//!
//! ```python
//! async def gen():
//!     await asyncio.sleep(0.1)
//!     v = yield 42
//!     print(v)
//!     await asyncio.sleep(0.2)
//!
//! g = gen()
//! await g.asend(None)      # Will return 42 after sleeping for 0.1 seconds.
//! await g.asend('hello')   # Will print 'hello' and raise StopAsyncIteration (after sleeping for 0.2 seconds.)
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::pin::pin;
//! use std::time::Duration;
//! use tokio::time::{Instant, sleep};
//! use withal::generator::{AsyncGeneratorExt, generator};
//!
//! let mut g = pin!(generator(async |mut y| {
//!     sleep(Duration::from_millis(100)).await;
//!     let v = y.yield_(42).await?;
//!     assert_eq!(v, "hello");
//!     sleep(Duration::from_millis(200)).await;
//!     Ok(())
//! }));
//! let begin = Instant::now();
//! assert_eq!(g.start().await, Ok(Some(42))); // `asend(None)`, where the answers have a type of their own
//! assert_eq!(begin.elapsed(), Duration::from_millis(100));
//! assert_eq!(g.asend("hello").await, Ok(None));
//! assert_eq!(begin.elapsed(), Duration::from_millis(300));
//! # }
//! ```
//!
//! `__anext__` is `asend(None)`: [`anext`](crate::generator::AsyncGeneratorExt::anext) is there where the answers are
//! `()`.
//!
//! # `athrow`
//!
//! ```python
//! async def gen():
//!     try:
//!         await asyncio.sleep(0.1)
//!         yield 'hello'
//!     except ZeroDivisionError:
//!         await asyncio.sleep(0.2)
//!         yield 'world'
//!
//! g = gen()
//! v = await g.asend(None)
//! print(v)                # Will print 'hello' after sleeping for 0.1 seconds.
//! v = await g.athrow(ZeroDivisionError)
//! print(v)                # Will print 'world' after sleeping 0.2 seconds.
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::pin::pin;
//! use std::time::Duration;
//! use tokio::time::sleep;
//! use withal::coroutine::Thrown;
//! use withal::generator::{AsyncGeneratorExt, try_generator};
//!
//! #[derive(Debug, PartialEq)]
//! struct ZeroDivisionError;
//!
//! let mut g = pin!(try_generator(async |mut y| {
//!     sleep(Duration::from_millis(100)).await;
//!     match y.yield_("hello").await {
//!         Err(Thrown::Error(ZeroDivisionError)) => {
//!             sleep(Duration::from_millis(200)).await;
//!             y.yield_("world").await
//!         }
//!         other => other,
//!     }
//! }));
//! assert_eq!(g.anext().await, Ok(Some("hello")));
//! assert_eq!(g.athrow(ZeroDivisionError).await, Ok(Some("world")));
//! # }
//! ```
//!
//! # `aclose`
//!
//! PEP 342's `close`, awaited:
//!
//! ```python
//! async def aclose(self):
//!     try:
//!         await self.athrow(GeneratorExit)
//!     except (GeneratorExit, StopAsyncIteration):
//!         pass
//!     else:
//!         raise RuntimeError("async generator ignored GeneratorExit")
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use withal::coroutine::Exit;
//! use withal::generator::{AsyncGeneratorExt, BoxAsyncGenerator, Error, generator};
//!
//! async fn aclose(g: &mut BoxAsyncGenerator<'_, u32>) -> Result<(), Error<(), std::convert::Infallible>> {
//!     match g.athrow(Exit).await {
//!         Err(Error::Exited) | Ok(None) => Ok(()),
//!         Ok(Some(_)) => Err(Error::IgnoredExit),
//!         Err(error) => Err(error),
//!     }
//! }
//!
//! // One that goes, one that returns instead, and one that stays.
//! let bodies: [fn() -> BoxAsyncGenerator<'static, u32>; 3] = [
//!     || generator(async |mut y| y.yield_(1).await).boxed(),
//!     || generator(async |mut y| Ok(drop(y.yield_(1).await))).boxed(),
//!     || generator(async |mut y| { while y.yield_(1).await.is_err() {} Ok(()) }).boxed(),
//! ];
//! for body in bodies {
//!     let (mut by_method, mut by_hand) = (body(), body());
//!     assert_eq!(by_method.anext().await, by_hand.anext().await);
//!     assert_eq!(by_method.aclose().await, aclose(&mut by_hand).await);
//! }
//! # }
//! ```
//!
//! # Finalization
//!
//! A generator that is left in the middle has a `finally` which awaits, and nobody who would await it. Asyncio's loop
//! sets two hooks, by which every generator under it is closed in a task; in short,
//!
//! ```python
//! def _asyncgen_firstiter_hook(self, agen):
//!     self._asyncgens.add(agen)  # a weak set
//!
//! def _asyncgen_finalizer_hook(self, agen):
//!     self.create_task(agen.aclose())
//!
//! async def shutdown_asyncgens(self):
//!     await gather(*[agen.aclose() for agen in self._asyncgens], return_exceptions=True)
//! ```
//!
//! Those are the default [`Hooks`](crate::generator::Hooks), with which a generator becomes
//! [`managed`](crate::generator::AsyncGenerator::managed); below are others that do the same by hand.
//! What is not managed is dropped where it is, at once: its destructors run, its `finally` does not.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//! use tokio::task::yield_now;
//! use withal::cleanup;
//! use withal::generator::{Hooks, ManagedGenerator, generator, shutdown_asyncgens};
//!
//! type Log = Arc<Mutex<Vec<&'static str>>>;
//!
//! fn squares(log: &Log, hooks: Hooks) -> ManagedGenerator<u64> {
//!     let log = log.clone();
//!     generator(async move |mut y| {
//!         for n in 0_u64.. {
//!             if let Err(exit) = y.yield_(n * n).await {
//!                 yield_now().await; // `finally`: what the transaction says to its server
//!                 log.lock().unwrap().push("closed");
//!                 return Err(exit);
//!             }
//!         }
//!         Ok(())
//!     })
//!     .managed_with(hooks)
//! }
//!
//! let (by_default, by_hand) = (Log::default(), Log::default());
//! let closings = Arc::new(Mutex::new(Vec::new()));
//! let tasks = closings.clone();
//! let hooks = Hooks::default()
//!     .firstiter({ let log = by_hand.clone(); move |_weak| log.lock().unwrap().push("first") })
//!     .finalizer(move |closing| tasks.lock().unwrap().push(tokio::spawn(closing)));
//!
//! let left_in_the_middle = squares(&by_default, Hooks::default());
//! assert_eq!(left_in_the_middle.anext().await, Ok(Some(0)));
//! drop(left_in_the_middle);
//! cleanup::drain(Duration::from_secs(5)).await?;
//! assert_eq!(*by_default.lock().unwrap(), ["closed"]);
//!
//! let left_in_the_middle = squares(&by_hand, hooks);
//! assert_eq!(left_in_the_middle.anext().await, Ok(Some(0)));
//! drop(left_in_the_middle);
//! let closing = closings.lock().unwrap().pop().expect("it was dropped unfinished");
//! assert!(closing.await?.is_ok());
//! assert_eq!(*by_hand.lock().unwrap(), ["first", "closed"]);
//!
//! // One that somebody still holds.
//! let held = squares(&by_default, Hooks::default());
//! assert_eq!(held.anext().await, Ok(Some(0)));
//! shutdown_asyncgens(Duration::from_secs(5)).await?;
//! assert_eq!(*by_default.lock().unwrap(), ["closed", "closed"]);
//! # Ok(())
//! # }
//! ```
//!
//! Better than either is to close it where it was made, before the next line runs, by
//! [`aclosing`](crate::context::aclosing).
