//! `async for` with its `else`: looks a word up, line by line, and says so when the lines are over.
//!
//! ```sh
//! cargo run --example async_for_else
//! ```

use futures::Stream;
use withal::async_for;
use withal::generator::generator;

const POEM: &str = "Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye,\nCould frame thy fearful symmetry?";

/// The lines, as they would come from a file or a socket.
fn lines() -> impl Stream<Item = &'static str> {
    generator(async |mut y| {
        for line in POEM.lines() {
            tokio::task::yield_now().await;
            y.yield_(line).await?;
        }
        Ok(())
    })
}

async fn look_up(word: &str) {
    let mut number = 0;
    async_for!(line in lines() => {
        number += 1;
        if !line.contains(word) {
            continue;
        }
        println!("{word}: in line {number}");
        break;
    } else {
        println!("{word}: not in {number} lines");
    });
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for word in ["night", "lamb", "symmetry"] {
        look_up(word).await;
    }
}
