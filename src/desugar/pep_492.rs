//! PEP 492, construct by construct: what the PEP says that each one stands for, and the same here.
//!
//! The Python is the PEP's, cut short. The Rust is compiled, and
//! asserts that both of its forms do the same. How the macros hold up against these forms, event for event, is what
//! `tests/desugar/expansion` is about.
//!
//! # `async def`, and `await`
//!
//! A call of either runs nothing. In Python what is called is a generator in disguise, and `await` is its `yield from`:
//!
//! ```python
//! async def read_data(db):                     @types.coroutine
//!     data = await db.fetch('SELECT ...')      def read_data(db):
//!     return len(data)                             data = yield from db.fetch('SELECT ...').__await__()
//!                                                  return len(data)
//! ```
//!
//! Here it is a [`Future`], with a state for each `await`. Where the generator would yield it is pending, and what
//! takes the place of the yield's way out is the waker in `cx`.
//!
//! ```
//! use std::pin::Pin;
//! use std::task::{Context, Poll};
//! # use std::cell::Cell;
//! # use futures::future::LocalBoxFuture;
//! # #[derive(Default)]
//! # struct Db(Cell<u32>);
//! # impl Db {
//! #     fn fetch(&self, _: &'static str) -> LocalBoxFuture<'_, Vec<u8>> {
//! #         Box::pin(async { self.0.set(self.0.get() + 1); tokio::task::yield_now().await; vec![0; 3] })
//! #     }
//! # }
//!
//! async fn read_data(db: &Db) -> usize {
//!     let data = db.fetch("SELECT ...").await;
//!     data.len()
//! }
//!
//! enum ReadData<'a> {
//!     Start(&'a Db),
//!     Fetching(LocalBoxFuture<'a, Vec<u8>>),
//! }
//!
//! impl Future for ReadData<'_> {
//!     type Output = usize;
//!     fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
//!         loop {
//!             match &mut *self {
//!                 ReadData::Start(db) => {
//!                     let fetching = db.fetch("SELECT ...");
//!                     *self = ReadData::Fetching(fetching);
//!                 }
//!                 ReadData::Fetching(data) => return data.as_mut().poll(cx).map(|data| data.len()),
//!             }
//!         }
//!     }
//! }
//!
//! # let db = Db::default();
//! let (by_the_compiler, by_hand) = (read_data(&db), ReadData::Start(&db));
//! # assert_eq!(db.0.get(), 0);
//! let both = async { (by_the_compiler.await, by_hand.await) };
//! assert_eq!(futures::executor::block_on(both), (3, 3));
//! # assert_eq!(db.0.get(), 2);
//! ```
//!
//! `await` itself takes whatever [can be awaited](super#what-can-be-awaited), and passes on what is not ready:
//!
//! ```python
//! result = await aw                            _i = type(aw).__await__(aw)
//!                                              while True:
//!                                                  try:
//!                                                      _y = next(_i)
//!                                                  except StopIteration as _e:
//!                                                      result = _e.value
//!                                                      break
//!                                                  yield _y
//! ```
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! # let aw = || async { tokio::task::yield_now().await; 7 };
//! use std::future::poll_fn;
//! use std::pin::pin;
//! use std::task::Poll;
//!
//! let result = aw().await;
//!
//! let mut i = pin!(aw().into_future());
//! let by_hand = poll_fn(|cx| match i.as_mut().poll(cx) {
//!     Poll::Ready(value) => Poll::Ready(value),
//!     Poll::Pending => Poll::Pending, // the `yield`: this is polled again when it was woken
//! });
//! assert_eq!(by_hand.await, result);
//! # }
//! ```
//!
//! The `yield` is the way in, too: what is sent or thrown into whoever awaits goes on to what is awaited, as
//! [PEP 380](super::pep_342#what-an-await-passes-on) has it.
//!
//! # `async with`
//!
//! ```python
//! async with EXPR as VAR:                      mgr = (EXPR)
//!     BLOCK                                    aexit = type(mgr).__aexit__
//!                                              aenter = type(mgr).__aenter__
//!
//!                                              VAR = await aenter(mgr)
//!                                              try:
//!                                                  BLOCK
//!                                              except:
//!                                                  if not await aexit(mgr, *sys.exc_info()):
//!                                                      raise
//!                                              else:
//!                                                  await aexit(mgr, None, None, None)
//! ```
//!
//! What Python catches in one `except` comes in two ways here: a `?` that leaves the block, and a panic. A block that
//! only fails by `?` is an `async` block with a `Result`:
//!
//! ```
//! use std::convert::Infallible;
//! use std::num::{IntErrorKind, ParseIntError};
//! use std::panic::{AssertUnwindSafe, resume_unwind};
//! use futures::FutureExt;
//! use withal::context::{AsyncContextManager, AsyncExit, Exit, async_with, suppress};
//!
//! fn manager() -> impl AsyncContextManager<Entered: AsyncExit<Verdict = bool, Error = Infallible>> {
//!     suppress(|error: &ParseIntError| *error.kind() == IntErrorKind::Empty)
//! }
//!
//! async fn by_the_macro(text: &str) -> Result<Option<u32>, ParseIntError> {
//!     Ok(async_with!(_var = manager() => { text.parse::<u32>()? }))
//! }
//!
//! async fn by_hand(text: &str) -> Result<Option<u32>, ParseIntError> {
//!     let Ok(mut mgr) = manager().aenter().await; //              VAR = await aenter(mgr)
//!     let block = async {
//!         let _var = mgr.target();
//!         Ok(text.parse::<u32>()?)
//!     };
//!     let left = AssertUnwindSafe(block).catch_unwind().await; // try: BLOCK
//!     match left {
//!         Ok(Err(mut error)) => { //                              except:
//!             let Ok(swallow) = mgr.aexit(Exit::Error(&mut error)).await;
//!             if swallow { Ok(None) } else { Err(error) } //          if not ..: raise
//!         }
//!         Err(mut panic) => {
//!             let Ok(_) = mgr.aexit(Exit::Panic(&mut *panic)).await;
//!             resume_unwind(panic) //                                 whatever the exit says
//!         }
//!         Ok(Ok(value)) => { //                                   else:
//!             let Ok(_) = mgr.aexit(Exit::Ok).await;
//!             Ok(Some(value))
//!         }
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//!
//! for text in ["7", "", "x"] {
//!     assert_eq!(by_the_macro(text).await, by_hand(text).await);
//! }
//! # }
//! ```
//!
//! To that the macro adds what Python gets from its exceptions for nothing, and a hand would have to write out each
//! time: `return`, `break` and `continue` leave the block *after* the exit, and a block that is dropped is exited all
//! the same, where Python raises `CancelledError` in it. What is different is told in
//! [`context`](crate::context#what-runs-when).
//!
//! Several managers are one statement inside of another, and the macro has nothing of its own for them:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use tokio::sync::Mutex;
//! use withal::context::async_with;
//!
//! let (a, b) = (Mutex::new(1), Mutex::new(2));
//! let in_one = async_with!(x = &a, y = &b => { *x + *y });
//! let nested = async_with!(x = &a => { async_with!(y = &b => { *x + *y }) });
//! assert_eq!(in_one, nested);
//! # }
//! ```
//!
//! # `async for`, and its `else`
//!
//! ```python
//! async for TARGET in ITER:                    iter = (ITER)
//!     BLOCK                                    iter = type(iter).__aiter__(iter)
//! else:                                        running = True
//!     BLOCK2                                   while running:
//!                                                  try:
//!                                                      TARGET = await type(iter).__anext__(iter)
//!                                                  except StopAsyncIteration:
//!                                                      running = False
//!                                                  else:
//!                                                      BLOCK
//!                                              else:
//!                                                  BLOCK2
//! ```
//!
//! ```
//! use std::pin::pin;
//! use futures::stream;
//! use withal::async_for;
//! use withal::desugar::{aiter, anext};
//!
//! async fn by_the_macro(word: &str) -> Vec<String> {
//!     let mut log = Vec::new();
//!     async_for!(target in stream::iter(["a", "b", "c"]) => {
//!         log.push(format!("saw {target}"));
//!         if target == word {
//!             break;
//!         }
//!     } else {
//!         log.push(format!("no {word}"));
//!     });
//!     log
//! }
//!
//! async fn by_hand(word: &str) -> Vec<String> {
//!     let mut log = Vec::new();
//!     let mut iter = pin!(aiter(stream::iter(["a", "b", "c"])));
//!     let mut running = true;
//!     while running {
//!         match anext(&mut iter).await {
//!             None => running = false,
//!             Some(target) => {
//!                 log.push(format!("saw {target}"));
//!                 if target == word {
//!                     break; // with `running` still set, as Python's `while` skips its `else`
//!                 }
//!             }
//!         }
//!     }
//!     if !running {
//!         log.push(format!("no {word}"));
//!     }
//!     log
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//!
//! for word in ["b", "x"] {
//!     assert_eq!(by_the_macro(word).await, by_hand(word).await);
//! }
//! # }
//! ```
//!
//! Without an `else` it is `while let Some(target) = iter.next().await { .. }`, with `next` of `StreamExt`.
//!
//! # `__aiter__` and `__anext__`
//!
//! The PEP's utility class, which makes an asynchronous iterator of a plain one:
//!
//! ```python
//! class AsyncIteratorWrapper:
//!     def __init__(self, obj):
//!         self._it = iter(obj)
//!
//!     def __aiter__(self):
//!         return self
//!
//!     async def __anext__(self):
//!         try:
//!             value = next(self._it)
//!         except StopIteration:
//!             raise StopAsyncIteration
//!         return value
//! ```
//!
//! `__anext__` is [`poll_next`](futures_core::Stream::poll_next), and the end is `None` in both kinds of iterators:
//! there is no `StopIteration` that would have to be told from a `StopAsyncIteration`, and none that could escape (PEP
//! 479). A stream is its own `__aiter__`.
//!
//! ```
//! use std::pin::Pin;
//! use std::task::{Context, Poll};
//! use futures::{Stream, StreamExt, stream};
//!
//! struct AsyncIteratorWrapper<I>(I);
//!
//! impl<I: Iterator + Unpin> Stream for AsyncIteratorWrapper<I> {
//!     type Item = I::Item;
//!     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
//!         Poll::Ready(self.0.next())
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//!
//! let by_hand = AsyncIteratorWrapper("abc".chars()).collect::<String>().await;
//! assert_eq!(by_hand, stream::iter("abc".chars()).collect::<String>().await);
//! # }
//! ```
