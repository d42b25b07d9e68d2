//! An event loop that calls a callback every second while two coroutines run, until one of them stops the loop.
//!
//! ```sh
//! cargo run --example event_loop            # in virtual time, without waiting
//! cargo run --example event_loop -- --real  # in real seconds
//! ```
//!
//! The callback schedules its next call with `call_later`. The coroutines are tasks of the same loop, and the order of
//! the lines shows that they wait concurrently. Virtual time advances to the next timer whenever the loop has nothing
//! to do.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;
use withal::tasks::{EventLoop, LoopError};

const SECOND: Duration = Duration::from_secs(1);

fn every_second(event_loop: &EventLoop, second: u32) -> Result<(), LoopError> {
    println!("{second} s");
    let next = event_loop.clone();
    event_loop.call_later(SECOND, move || every_second(&next, second + 1)).map(drop)
}

async fn a() -> Result<&'static str, LoopError> {
    for n in 1..=3 {
        println!("A: {n}");
        sleep(SECOND * 3 / 4).await;
    }
    Ok("A is done")
}

async fn b() -> Result<&'static str, LoopError> {
    for n in 1..=3 {
        println!("B: {n}");
        sleep(SECOND * 5 / 4).await;
    }
    // Like `asyncio.get_running_loop().stop()`: the loop stops after its current iteration.
    EventLoop::current()?.stop();
    Ok("B stops the loop")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options: Vec<_> = std::env::args().skip(1).collect();
    let is_real = match options.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--real"] => true,
        _ => return Err(format!("unexpected arguments {options:?}; usage: event_loop [--real]").into()),
    };
    let runtime = Builder::new_current_thread().enable_time().start_paused(!is_real).build()?;
    let event_loop = EventLoop::with_runtime(runtime);

    // A callback may fail, for example if stdout is closed. By default, the loop would then run forever.
    event_loop.set_exception_handler(|error| {
        eprintln!("{error}");
        EventLoop::current().expect("the handler is called by the loop").stop();
    });

    let ticks = event_loop.clone();
    event_loop.call_soon(move || every_second(&ticks, 0))?;
    let tasks = [event_loop.create_task(a())?, event_loop.create_task(b())?];
    tasks[0].add_done_callback(|outcome| println!("callback: {outcome:?}"));
    let never = event_loop.call_later(SECOND / 2, || println!("cancelled: never printed"))?;
    event_loop.call_soon(move || never.cancel())?;

    event_loop.run_forever()?;
    for task in tasks {
        println!("{}", task.into_result()?);
    }
    event_loop.close()?;
    Ok(())
}
