use std::pin::pin;

use withal::generator::{AsyncGeneratorExt, generator};

async fn operate() {
    let mut g = pin!(generator(async |mut y| y.yield_(1).await));
    let first = g.anext();
    let second = g.anext();
    first.await.unwrap();
    second.await.unwrap();
}

fn main() {
    drop(operate());
}
