//! The event loop of the article: a callback every second, beside two coroutines, until one of them stops the loop.
//!
//! ```sh
//! cargo run --example event_loop            # in virtual time: at once
//! cargo run --example event_loop -- --real  # in real seconds
//! ```
//!
//! A callback that is to come again asks for it itself, by `call_later`. The coroutines are tasks of the same loop; that
//! they wait at the same time is what the order of the lines shows. Where nothing else is to be done, virtual time goes on
//! to the next thing that is.

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
    // As `asyncio.get_running_loop().stop()`: what is ready in this turn is still done.
    EventLoop::current()?.stop();
    Ok("B stops the loop")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options: Vec<_> = std::env::args().skip(1).collect();
    let is_real = match options.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--real"] => true,
        _ => return Err(format!("usage: event_loop [--real], and not {options:?}").into()),
    };
    let runtime = Builder::new_current_thread().enable_time().start_paused(!is_real).build()?;
    let event_loop = EventLoop::with_runtime(runtime);

    // Say, the output cannot be written. By default the loop would go on, for as long as nobody stops it.
    event_loop.set_exception_handler(|exception| {
        eprintln!("{exception}");
        EventLoop::current().expect("it is called by a loop").stop();
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
