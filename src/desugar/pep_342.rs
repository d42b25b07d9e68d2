//! PEP 342 and PEP 380, on which PEP 492 stands: what a coroutine object is driven by, and what an `await` passes on.
//!
//! The Python is the PEPs', cut short. The Rust is compiled, and asserts that both of its forms do the same.
//!
//! # `send`
//!
//! `next` is a `send` of nothing, and the end is an exception with a value:
//!
//! ```python
//! def run(coro, answer):
//!     try:
//!         value = coro.send(None)
//!         while True:
//!             value = coro.send(answer(value))
//!     except StopIteration as stop:
//!         return stop.value
//! ```
//!
//! ```
//! use withal::coroutine::{BoxCoroutine, Exit, Step, coroutine};
//!
//! fn run(mut coro: BoxCoroutine<'_, u32, u32, u32>, answer: fn(u32) -> u32) -> u32 {
//!     let mut step = coro.start().unwrap(); // the first takes nothing, which is said by the name
//!     loop {
//!         match step {
//!             Step::Yielded(value) => step = coro.send(answer(value)).unwrap(),
//!             Step::Complete(value) => return value,
//!         }
//!     }
//! }
//!
//! let sum = coroutine(async |mut y| Ok::<u32, Exit>(y.yield_(1).await? + y.yield_(2).await?));
//! assert_eq!(run(sum.boxed(), |value| value * 10), 30);
//! ```
//!
//! # `throw`
//!
//! Raises at the yield at which the body is. What it comes to then is what the throw comes to:
//!
//! ```python
//! try:
//!     value = yield 1                          # raises, if something is thrown
//! except ValueError:
//!     value = 0
//! ```
//!
//! ```
//! use withal::coroutine::{Step, Thrown, try_coroutine};
//!
//! let mut body = try_coroutine(async |mut y| {
//!     let value = match y.yield_(1).await {
//!         Err(Thrown::Error("value")) => 0,
//!         value => value?,
//!     };
//!     Ok::<u32, Thrown<&str>>(value)
//! });
//! assert_eq!(body.start(), Ok(Step::Yielded(1)));
//! assert_eq!(body.throw("value"), Ok(Step::Complete(0)));
//! ```
//!
//! # `close`
//!
//! A coroutine is closed by a throw (PEP 342):
//!
//! ```python
//! def close(self):
//!     try:
//!         self.throw(GeneratorExit)
//!     except (GeneratorExit, StopIteration):
//!         pass
//!     else:
//!         raise RuntimeError("generator ignored GeneratorExit")
//! ```
//!
//! ```
//! use withal::coroutine::{BoxCoroutine, Error, Exit, Step, coroutine};
//!
//! fn close(body: &mut BoxCoroutine<'_>) -> Result<(), &'static str> {
//!     match body.throw(Exit) {
//!         Err(Error::Exited) | Ok(Step::Complete(())) => Ok(()),
//!         Ok(Step::Yielded(())) => Err("coroutine ignored GeneratorExit"),
//!         Err(_) => Err("another error"),
//!     }
//! }
//!
//! // One that goes, one that returns instead, and one that stays.
//! let bodies: [fn() -> BoxCoroutine<'static>; 3] = [
//!     || coroutine(async |mut y| y.yield_(()).await).boxed(),
//!     || coroutine(async |mut y| Ok(drop(y.yield_(()).await))).boxed(),
//!     || coroutine(async |mut y| { while y.yield_(()).await.is_err() {} Ok(()) }).boxed(),
//! ];
//! for body in bodies {
//!     let (mut by_method, mut by_hand) = (body(), body());
//!     by_method.resume().unwrap();
//!     by_hand.resume().unwrap();
//!     let by_method = by_method.close().map(drop).map_err(|error| error.to_string());
//!     assert_eq!(by_method, close(&mut by_hand).map_err(str::to_owned));
//! }
//! ```
//!
//! # What an `await` passes on
//!
//! While something is awaited, what is sent, thrown or closed goes on to that (PEP 380, of `yield from`):
//!
//! ```python
//! result = await aw                            _y = next(_i)
//!                                              while True:
//!                                                  try:
//!                                                      _s = yield _y
//!                                                  except GeneratorExit as _e:
//!                                                      _i.close()
//!                                                      raise _e
//!                                                  except BaseException as _e:
//!                                                      _y = _i.throw(_e)
//!                                                  else:
//!                                                      _y = _i.send(_s)
//! ```
//!
//! A future takes nothing in: nothing can be sent to it, or thrown. Dropped, it is closed, but its code does not run. So a
//! helper that is to be reached by what is sent and thrown gets the yielder lent, and an await that is to end by a throw is a
//! [`wait`](crate::coroutine::Yielder::wait): there the throw is raised, after the future was dropped.
//!
//! ```
//! use std::future::pending;
//! use withal::coroutine::{Error, Step, Thrown, Yielder, try_coroutine};
//!
//! async fn inner(y: &mut Yielder<'_, u32, u32, Thrown<&'static str>>) -> Result<u32, Thrown<&'static str>> {
//!     y.yield_(1).await // `yield from inner()`: what is sent and thrown comes here
//! }
//!
//! let mut sent = try_coroutine(async |mut y| inner(&mut y).await);
//! assert_eq!(sent.start(), Ok(Step::Yielded(1)));
//! assert_eq!(sent.send(7), Ok(Step::Complete(7)));
//!
//! let mut thrown = try_coroutine(async |mut y: Yielder<'_, u32, u32, Thrown<&'static str>>| {
//!     y.wait(pending::<u32>()).await
//! });
//! assert_eq!(thrown.start(), Err(Error::Waiting));
//! assert_eq!(thrown.throw("enough"), Err(Error::Raised("enough")));
//! ```
