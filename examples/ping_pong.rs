//! A crawler that its consumer controls: the crawler yields batches, and receives the size of the next batch.
//!
//! ```sh
//! cargo run --example ping_pong
//! ```
//!
//! The consumer doubles the batch size while it keeps up with the crawler, and resets the size to one when it does not.
//! Once, the consumer throws an error into the crawler, which makes the crawler start over. At the end, the consumer
//! closes the crawler, which cleans up before `aclose` returns.

use std::error::Error;
use std::pin::pin;

use withal::coroutine::{Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, try_generator};

/// Yields batches of items, and receives the size of the next batch.
type Y<'g> = Yielder<'g, Vec<u32>, usize, Thrown<StartOver>>;

#[derive(Debug, thiserror::Error)]
#[error("the source has changed")]
struct StartOver;

async fn crawl(mut y: Y<'_>) -> Result<(), Thrown<StartOver>> {
    let (mut at, mut size) = (0, 1);
    loop {
        let batch = fetch(at, size).await;
        at += size;
        match y.yield_(batch).await {
            Ok(next) => size = next,
            Err(Thrown::Error(reason)) => {
                println!("crawler: {reason}, starting over");
                (at, size) = (0, 1);
            }
            Err(exit) => {
                println!("crawler: closing after {at} items");
                tokio::task::yield_now().await; // stands for a last request to the server
                println!("crawler: closed");
                return Err(exit);
            }
        }
    }
}

/// Stands for a request.
async fn fetch(at: usize, size: usize) -> Vec<u32> {
    tokio::task::yield_now().await;
    (0..).skip(at).take(size).collect()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut crawler = pin!(try_generator(crawl));
    let mut batch = crawler.start().await?;
    let mut is_changed = false;
    while let Some(docs) = batch {
        println!("consumer: {docs:?}");
        if docs.contains(&20) {
            break;
        }
        batch = if docs.contains(&5) && !is_changed {
            is_changed = true;
            crawler.athrow(StartOver).await?
        } else {
            let keeps_up = docs.len() < 8;
            crawler.asend(if keeps_up { 2 * docs.len() } else { 1 }).await?
        };
    }
    crawler.aclose().await?;
    Ok(())
}
