//! Two coroutines that take turns: each `yield_now` lets the other one continue.
//!
//! ```sh
//! cargo run --example round_robin
//! ```
//!
//! There is neither an executor nor another thread. `run_all` resumes each coroutine in turn, until the next
//! `yield_now` of the coroutine: a minimal scheduler that shows how an `await` suspends.

use withal::coroutine::{BoxCoroutine, coroutine, run_all, yield_now};

fn coro1() -> BoxCoroutine<'static> {
    coroutine(async |mut y| {
        println!("C1: Start");
        yield_now(&mut y).await?;
        println!("C1: a");
        yield_now(&mut y).await?;
        println!("C1: b");
        yield_now(&mut y).await?;
        println!("C1: end");
        Ok(())
    })
    .boxed()
}

fn coro2() -> BoxCoroutine<'static> {
    coroutine(async |mut y| {
        println!("C2: Start");
        yield_now(&mut y).await?;
        println!("C2: a");
        yield_now(&mut y).await?;
        println!("C2: b");
        yield_now(&mut y).await?;
        println!("C2: end");
        Ok(())
    })
    .boxed()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run_all([coro1(), coro2()])?;
    Ok(())
}
