//! Async streams and context managers, on tokio.
//!
//! What Python's asyncio gives its users, in Rust's own terms. Its main job first, paginated APIs as streams:
//!
//! ```
//! use withal::pages::by_cursor;
//! # async fn fetch_page(at: Option<u32>) -> Result<(Vec<String>, Option<u32>), std::io::Error> {
//! #     Ok((vec!["a document".into()], at.is_none().then_some(2)))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), withal::pages::Error<std::io::Error>> {
//!
//! let mut docs = by_cursor(fetch_page).read_ahead(1);
//! while let Some(doc) = docs.try_next().await? {
//!     println!("{doc}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Which part do I need?
//!
//! | I want to | use |
//! |---|---|
//! | read a paginated API document by document, and lose none | [`pages::AsyncGetDocs`] |
//! | read it page by page | [`pages::Pages`] |
//! | fetch the next page while I work on this one | [`read_ahead`](pages::AsyncGetDocs::read_ahead) |
//! | fetch several numbered pages at once | [`concurrency`](pages::AsyncGetDocs::concurrency) |
//! | survive errors, rate limits and restarts of my program | [`retry`](pages::AsyncGetDocs::retry), [`before_request`](pages::AsyncGetDocs::before_request), [`pages::Checkpoint`] |
//! | speak HTTP and JSON without writing the fetch function | [`pages::http`] |
//! | write a stream as a loop that yields | [`generator`](mod@generator), or [`stream!`] |
//! | answer it, throw errors into it, close it and wait until it has cleaned up | [`generator`](mod@generator) |
//! | loop over it, and know whether it came to its end | [`async_for!`] |
//! | share it, and have it closed when it is dropped | [`generator::ManagedGenerator`] |
//! | release, commit, roll back, say goodbye, whichever way a block is left | [`async_with!`](macro@async_with), [`context`] |
//! | do so for as many resources as there happen to be | [`context::AsyncExitStack`] |
//! | finish what is left when the program ends | [`cleanup::shutdown`], [`cleanup::drain`] |
//! | have a body that yields values, gets answers, and is driven by hand | [`coroutine`] |
//! | let several bodies take turns, without a runtime | [`coroutine::run_all`] |
//! | start tasks that end with the block, and see all their errors | [`tasks::TaskGroup`] |
//! | limit how long a block takes, and have its exits awaited | [`tasks::timeout`](tasks::timeout()) |
//! | take results as they come, wait for some of several, run blocking work on a few threads | [`tasks`] |
//! | have asyncio's event loop, turn by turn | [`tasks::EventLoop`] |
//!
//! # From Python
//!
//! Each construct of asyncio, contextlib and concurrent.futures, the line that takes its place, and what differs:
//! [`from_python`]. What `async for`, `async with`, `yield` and `await` stand for, in Python and here: [`desugar`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `backon` | yes | `AsyncGetDocs::retry`, with the policies of the `backon` crate |
//! | `http` | no | [`pages::http`]: Link headers, cursors in JSON, Retry-After, over `reqwest` |
//! | `serde` | no | checkpoints that can be written down |
//! | `full` | no | all of these |
//!
//! Streams and generators work on any executor; cleanups and reading ahead on a task need tokio's runtime, pauses between
//! attempts its timer, and `http` needs both and tokio's IO: `enable_all`, as `#[tokio::main]` has it.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The crate of the retry policies, so that its version is the one that [`retry`](pages::AsyncGetDocs::retry) takes.
#[cfg(feature = "backon")]
pub use backon;

/// An async block whose `yield`s make it a stream: those of the `async-stream` crate, for streams that go one way.
///
/// When to use which, and at what cost: [`generator`](mod@generator).
pub use async_stream::{stream, try_stream};

pub mod cleanup;
pub mod context;
pub mod coroutine;
pub mod desugar;
pub mod generator;
pub mod pages;
mod panic;
pub mod tasks;

pub mod from_python {
    #![doc = include_str!("from_python.md")]
}

/// The README's program, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
