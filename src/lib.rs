//! Async context managers, pagination, generators and task groups for tokio.
//!
//! ```sh
//! cargo add withal
//! cargo add tokio --features full
//! ```
//!
//! A *context manager* pairs setup with async cleanup. [`async_with!`](macro@async_with) awaits that cleanup on every
//! exit path: when the block completes, panics, or is left by `?`, `return` or `break`. If the future is dropped, the
//! cleanup runs on the runtime. Nested cleanups run innermost first. A manager can be made from an async function with
//! one yield: the code before the yield is the setup, the code after it is the cleanup.
//!
//! ```
//! use withal::context::{async_with, asynccontextmanager};
//!
//! async fn withdraw(balance: i64, amount: i64) -> Result<i64, String> {
//!     let transaction = asynccontextmanager(async |y| {
//!         println!("BEGIN");
//!         let ((), exit) = y.yield_(()).await; // the block runs here
//!         println!("{}", if exit.is_ok() { "COMMIT" } else { "ROLLBACK" });
//!         Ok::<(), String>(())
//!     });
//!     async_with!(_ = transaction => {
//!         if amount > balance {
//!             Err(format!("{balance} is not enough"))?; // returned from the function after the rollback
//!         }
//!         balance - amount
//!     })
//! }
//!
//! #[tokio::main]
//! async fn main() {
//!     assert_eq!(withdraw(10, 7).await, Ok(3)); // BEGIN, COMMIT
//!     assert_eq!(withdraw(3, 7).await, Err("3 is not enough".into())); // BEGIN, ROLLBACK
//! }
//! ```
//!
//! [`pages`] turns any paginated API into a stream that never silently skips, duplicates or loses an item:
//!
//! ```
//! use withal::pages::by_cursor;
//!
//! async fn fetch(cursor: Option<u32>) -> Result<(Vec<String>, Option<u32>), std::io::Error> {
//!     let page = cursor.unwrap_or(1); // your request goes here
//!     let items = vec![format!("item {page}.1"), format!("item {page}.2")];
//!     let next_cursor = (page < 3).then_some(page + 1);
//!     Ok((items, next_cursor))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
//!     let mut items = by_cursor(fetch).read_ahead(1);
//!     while let Some(item) = items.try_next().await? {
//!         println!("{item}");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Choosing
//!
//! ## Async cleanup
//!
//! | to | use |
//! |---|---|
//! | run async cleanup on every exit path of a block | [`async_with!`](macro@async_with), [`context`] |
//! | commit or roll back a transaction, or hold a lock in a database, even if the future is dropped | [`resources`] |
//! | start a child process that ends with its block | [`resources::process()`] |
//! | replace a file whole or not at all, lock a file, use a temporary directory | [`resources`] |
//! | enter a number of managers that is only known at run time | [`context::AsyncExitStack`] |
//! | run async cleanup in the background, from a destructor | [`cleanup::detach`] |
//! | test that a cancelled future leaves nothing open | [`testing`] |
//! | run a program's main future, and wait for the cleanups that it leaves | [`cleanup::run_main`] |
//! | stop the tasks of a program, and wait for their cleanups | [`cleanup::shutdown`], [`cleanup::drain`] |
//! | shut a service down in phases, in order, on SIGTERM or Ctrl-C | [`cleanup::GracefulShutdown`] |
//! | handle the failures of cleanups, and the errors of tasks that were not retrieved | [`cleanup::observe`] |
//!
//! ## Pagination
//!
//! | to | use |
//! |---|---|
//! | read a paginated API item by item | [`pages::AsyncGetDocs`] |
//! | read a paginated API page by page | [`pages::Pages`] |
//! | read a paginated HTTP API without a fetch function | [`pages::http`] |
//! | fetch the next page while the current page is processed | [`read_ahead`](pages::AsyncGetDocs::read_ahead) |
//! | fetch several numbered pages at once | [`concurrency`](pages::AsyncGetDocs::concurrency) |
//! | retry failed requests, respect a rate limit | [`retry`](pages::AsyncGetDocs::retry), [`before_request`](pages::AsyncGetDocs::before_request) |
//! | resume after a restart of the program | [`pages::Checkpoint`] |
//! | share a crawl between processes and machines, so that every item is stored once | [`fleet`] |
//!
//! ## Streams, generators and coroutines
//!
//! | to | use |
//! |---|---|
//! | write a stream as a loop that yields | [`generator`](mod@generator), or the cheaper [`stream!`] |
//! | send values and errors into a generator, and close it | [`generator::AsyncGeneratorExt`] |
//! | share a generator, and have it closed on drop | [`generator::ManagedGenerator`] |
//! | loop over a stream, and detect whether the loop reached its end | [`async_for!`] |
//! | step through an async body by hand | [`coroutine`](mod@coroutine) |
//! | run several async bodies in turn, without a runtime | [`coroutine::run_all`] |
//!
//! ## Tasks
//!
//! | to | use |
//! |---|---|
//! | spawn tasks that end before the block is left, and collect their errors | [`tasks::TaskGroup`] |
//! | run futures that may borrow, in place, with the contract of a task group | [`tasks::in_place`](tasks::in_place()) |
//! | limit the time of a block, and await its cleanup | [`tasks::timeout`](tasks::timeout()) |
//! | handle results in the order of completion | [`tasks::as_completed`] |
//! | wait for the first of several tasks, or for all | [`tasks::wait`](tasks::wait()), [`tasks::gather`](tasks::gather()) |
//! | run blocking work on a few threads | [`tasks::ThreadPoolExecutor`] |
//! | run callbacks and coroutines on an event loop like asyncio's | [`tasks::EventLoop`] |
//!
//! # From Python
//!
//! [`from_python`] maps each construct of asyncio, contextlib and concurrent.futures to a line of Rust, and lists the
//! differences. [`desugar`] shows the expansion of `async for`, `async with`, `yield` and `await`, in Python and in
//! Rust.
//!
//! # Cargo features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `anyhow` | no | [`suppress`](context::suppress), [`ExitReason::is`](context::ExitReason::is) and the sources of errors look inside an `anyhow::Error` |
//! | `backon` | yes | [`AsyncGetDocs::retry`](pages::AsyncGetDocs::retry), with the policies of the `backon` crate |
//! | `fleet` | no | [`fleet`]: one crawl by many workers, in one process or several |
//! | `fleet-sqlite`, `fleet-postgres`, `fleet-nats` | no | [`fleet`] on SQLite, PostgreSQL or NATS JetStream, with its client as a dependency |
//! | `fleet-store` | no | [`fleet`] on a store of your own, such as Redis or etcd |
//! | `fs` | no | [`resources`]: files that are replaced whole or not at all, temporary directories, file locks |
//! | `http` | no | [`pages::http`]: pagination over `reqwest`, by Link headers or JSON |
//! | `process` | no | [`resources`]: child processes that end with their block, together with the processes that they have started; adds 8 crates and 3 s to the first build |
//! | `serde` | no | `Serialize` and `Deserialize` for [`pages::Checkpoint`] |
//! | `signal` | no | [`GracefulShutdown::on_signals`](cleanup::GracefulShutdown::on_signals): a shutdown that begins on SIGINT, SIGTERM or Ctrl-Break |
//! | `sqlx` | no | [`resources`]: transactions, savepoints and advisory locks for `sqlx` 0.8; a program that uses sqlx's SQLite cannot also enable `fleet-sqlite` |
//! | `testing` | no | [`testing`]: cancellation of a future at every await, a ledger of resources, a scripted paginated server |
//! | `tracing` | no | [spans and events](#tracing) of scopes, pages, groups and cleanups, and [reports](cleanup#reports) as `tracing` events |
//! | `full` | no | all of the above, except for `fleet-postgres`, `fleet-nats` and `sqlx` |
//!
//! # Tracing
//!
//! With the feature `tracing`, these spans and events are emitted:
//!
//! | target | span | level | covers | fields |
//! |---|---|---|---|---|
//! | `withal::context` | `scope` | `TRACE` | the enter, the block and the exit of a manager | `name` of the guard; `reason`: `ok`, `error`, `panic`, `cancelled` or `enter_failed` |
//! | `withal::cleanup` | `cleanup` | `DEBUG` | a detached cleanup, and the exit of a cancelled scope | `name`; `outcome`: `completed`, `failed`, `panicked` or `abandoned`; if abandoned, the `reason` |
//! | `withal::tasks` | `group` | `DEBUG` | a `TaskGroup`, from its enter to the end of its last task | the numbers of `tasks` and of those that `failed`; `reason`: `ok`, `error` or `cancelled` |
//! | `withal::pages` | `page` | `DEBUG` | the attempts to fetch a page, and the pauses between them | `page`, from 1; `cursor`; `attempt`: the number of attempts; `items` or `error`; with `pages::http` also the `status` and the `bytes` of the body |
//!
//! | target | event | level | fields |
//! |---|---|---|---|
//! | `withal::pages` | a retry: an attempt failed, and the page is requested again | `WARN` | `page`, `cursor`, `attempt`, `delay`, `error` |
//! | `withal::pages` | a cursor cycle, or a page that repeats an earlier one | `WARN`; `DEBUG` if a policy ends the stream there | `page`, `cursor`, `next_cursor` |
//! | `withal::cleanup` | a [report](cleanup#reports), while no observer is registered | `ERROR`; `WARN` for an abandoned cleanup | `error` |
//!
//! - The span of a scope is a child of the span in which the manager is entered, and that of a cleanup is a child of the
//!   span in which it is detached. The block runs in the span of its scope. The exit of a cancelled scope runs in the
//!   span of its cleanup, which is a child of the span of the scope.
//! - The tasks of a group run in its span, except for those that were added before the group was entered.
//! - The span of a page is a child of the span in which its stream was first polled, even if a task fetches the page, as
//!   with [`read_ahead`](pages::AsyncGetDocs::read_ahead) and [`concurrency`](pages::AsyncGetDocs::concurrency). The
//!   fetch function runs in the span of the page, so the spans of an HTTP client are its children. The span closes when
//!   the page has arrived, which may be before the stream yields its items. The subscriber must be installed before the
//!   first poll of the stream.
//! - Secrets in cursors and errors are masked, as in [`pages::Error::cursor`].
//! - If the span of a cleanup is disabled, the cleanup runs in the span in which it was detached.
//!
//! To see everything, enable `withal=trace`. Without the feature, none of this code is compiled. With the feature but
//! without a subscriber, a scope takes about a hundred more instructions and no more memory, a stream compares one level,
//! and a task of a group takes 40 more bytes.
//!
//! # Runtime
//!
//! Streams, generators and coroutines work on any executor. Cleanups and read-ahead run as tasks and need tokio's
//! runtime. Pauses between retries also need tokio's timer, and `http` needs its I/O driver: build the runtime with
//! `enable_all`, as `#[tokio::main]` does.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The crate of the retry policies, in the version that [`retry`](pages::AsyncGetDocs::retry) accepts.
#[cfg(feature = "backon")]
pub use backon;

pub use self::as_error::AsError;
#[doc(hidden)]
pub use self::as_error::kind;

/// An async block with `yield` that becomes a stream, from the `async-stream` crate.
///
/// The block can only yield. [`generator`](mod@generator) compares it with generators, which also receive values and
/// errors.
#[doc(alias = "yield")]
pub use async_stream::{stream, try_stream};

mod as_error;
mod box_error;
#[doc(alias = "graceful shutdown")]
#[doc(alias = "AsyncDrop")]
pub mod cleanup;
#[doc(alias = "contextlib")]
#[doc(alias = "async with")]
#[doc(alias = "async drop")]
#[doc(alias = "defer")]
#[doc(alias = "finally")]
pub mod context;
#[doc(alias = "PEP 342")]
pub mod coroutine;
#[doc(alias = "PEP 492")]
pub mod desugar;
mod error_text;
#[cfg(feature = "fleet")]
#[doc(alias = "distributed")]
#[doc(alias = "lease")]
#[doc(alias = "work queue")]
pub mod fleet;
#[doc(alias = "async generator")]
#[doc(alias = "yield")]
#[doc(alias = "PEP 525")]
pub mod generator;
mod known_error;
#[doc(alias = "pagination")]
#[doc(alias = "paginate")]
#[doc(alias = "paginator")]
pub mod pages;
mod panic;
#[cfg(any(feature = "fs", feature = "process", feature = "sqlx"))]
#[doc(alias = "transaction")]
#[doc(alias = "child process")]
#[doc(alias = "file lock")]
pub mod resources;
#[doc(alias = "asyncio")]
#[doc(alias = "concurrent.futures")]
#[doc(alias = "PEP 3148")]
pub mod tasks;
#[cfg(feature = "testing")]
#[doc(alias = "cancellation test")]
pub mod testing;

pub mod from_python {
    #![doc(alias = "asyncio")]
    #![doc(alias = "contextlib")]
    #![doc = include_str!("from_python.md")]
}

/// The programs of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
