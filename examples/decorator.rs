//! Decorators: each call of an async function runs in a new context, or is wrapped by another function.
//!
//! ```sh
//! cargo run --example decorator
//! ```
//!
//! In Python, `@asynccontextmanager` makes a context manager that is also a decorator:
//!
//! ```python
//! @asynccontextmanager              @traced("divide")
//! async def traced(name):           async def divide(n, by):
//!     print(f"{name}: begins")          return n // by
//!     try:
//!         yield
//!     finally:
//!         print(f"{name}: ends")
//! ```
//!
//! In Rust, an attribute would have to be a procedural macro. A higher-order function does the same.

use std::convert::Infallible;

use withal::context::{
    AsyncContextManager, AsyncGuard, Error, async_with, asynccontextmanager, decorate, suppress,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("division by zero")]
struct ZeroDivision;

async fn divide(n: u32, by: u32) -> Result<u32, ZeroDivision> {
    tokio::task::yield_now().await; // some work
    n.checked_div(by).ok_or(ZeroDivision)
}

/// Returns a context manager: the code before the yield enters, the code after it exits.
fn traced(
    name: &'static str,
) -> impl AsyncContextManager<Guard = impl AsyncGuard<Target = (), Error = Infallible, Suppression = ()>> {
    asynccontextmanager(async move |y| {
        println!("{name}: begins");
        let ((), exit) = y.yield_(()).await;
        println!("{name}: ends{}", if exit.is_ok() { "" } else { " with an error" });
        Ok(())
    })
}

/// A decorator without a context manager: a function that takes a function and returns a function.
fn retried<A: Copy, T, E>(
    attempts: u32,
    function: impl AsyncFn(A) -> Result<T, E>,
) -> impl AsyncFn(A) -> Result<T, E> {
    async move |argument| {
        for attempt in 1..attempts {
            if let Ok(value) = function(argument).await {
                return Ok(value);
            }
            println!("attempt {attempt} failed");
        }
        function(argument).await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // async with traced("block"):
    async_with!(() = traced("block") => {
        println!("7 // 2 = {:?}", divide(7, 2).await);
    });

    // @traced("divide"): a new context for each call, as in Python.
    let divide_traced = decorate(|| traced("divide"), async |(n, by)| divide(n, by).await);
    println!("6 // 2 = {:?}", divide_traced.call((6, 2)).await.map_err(Error::into_inner));
    println!("6 // 0 = {:?}", divide_traced.call((6, 0)).await.map_err(Error::into_inner));

    // @suppress(ZeroDivisionError)
    let divide_or_none = decorate(|| suppress(|_: &ZeroDivision| true), async |by| divide(6, by).await);
    println!("suppressed: {:?}, {:?}", divide_or_none.call(3).await, divide_or_none.call(0).await);

    // @retried(2), over @traced("divide")
    let patient = retried(2, async |by| divide_traced.call((6, by)).await.map_err(Error::into_inner));
    println!("6 // 0 = {:?}", patient(0).await);
}
