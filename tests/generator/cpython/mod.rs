//! What `CPython` tests of its async generators; the tables are in `main.rs`.

/// What a future of these tests comes to, which waits for nothing.
macro_rules! now {
    ($operation:expr) => {
        futures::FutureExt::now_or_never($operation).expect("it waits for nothing")
    };
}

mod anext;
mod asyncio;
mod closing;
mod operations;
mod protocol;
mod running;
mod shutdown;
mod spent;

/// What its bodies raise by `1 / 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ZeroDivision;

/// The exception class that its tests define for themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MyError(&'static str);
