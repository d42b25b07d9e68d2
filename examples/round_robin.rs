//! Two coroutines that take turns: each `switch` lets the other go on.
//!
//! ```sh
//! cargo run --example round_robin
//! ```
//!
//! No executor, no thread: `run` goes round and sends each coroutine on to its next `switch`, as the scheduler of thirty
//! lines with which one learns what `await` does.

use withal::coroutine::{BoxCoroutine, coroutine, run, switch};

fn coro1() -> BoxCoroutine<'static> {
    coroutine(async |mut y| {
        println!("C1: Start");
        switch(&mut y).await?;
        println!("C1: a");
        switch(&mut y).await?;
        println!("C1: b");
        switch(&mut y).await?;
        println!("C1: c");
        switch(&mut y).await?;
        println!("C1: Stop");
        Ok(())
    })
    .boxed()
}

fn coro2() -> BoxCoroutine<'static> {
    coroutine(async |mut y| {
        println!("C2: Start");
        switch(&mut y).await?;
        println!("C2: a");
        switch(&mut y).await?;
        println!("C2: b");
        switch(&mut y).await?;
        println!("C2: c");
        switch(&mut y).await?;
        println!("C2: Stop");
        Ok(())
    })
    .boxed()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run([coro1(), coro2()])?;
    Ok(())
}
