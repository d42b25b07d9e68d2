//! `async for` with its `else`: searches the lines of a poem for a word, and reports when no line contains it.
//!
//! ```sh
//! cargo run --example async_for_else
//! ```

use futures::Stream;
use withal::async_for;
use withal::generator::generator;

const POEM: &str = "Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye,\nCould frame thy fearful symmetry?";

/// Returns the lines of the poem as a stream, as if they were read from a socket.
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
        println!("{word}: in none of {number} lines");
    });
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for word in ["night", "lamb", "symmetry"] {
        look_up(word).await;
    }
}
