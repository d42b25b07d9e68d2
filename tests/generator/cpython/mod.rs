//! `CPython`'s tests of async generators. The tables are in `main.rs`.

/// Returns the output of a future that is ready at the first poll.
macro_rules! now {
    ($operation:expr) => {
        futures::FutureExt::now_or_never($operation).expect("the future is ready")
    };
}

mod anext;
mod asyncio;
mod closing;
mod completed;
mod operations;
mod protocol;
mod running;
mod shutdown;

/// The error that `1 / 0` raises.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ZeroDivision;

/// The exception class that the tests define.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MyError(&'static str);
