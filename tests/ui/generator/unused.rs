#![deny(unused_must_use)]
use std::pin::pin;

use withal::coroutine::{GeneratorExit, Yielder};
use withal::generator::{AsyncGeneratorExt, generator};

async fn operate() {
    let mut g = pin!(generator(async |mut y: Yielder<'_>| {
        y.yield_(());
        Ok(())
    }));
    g.anext();
    g.start();
    g.asend(());
    g.athrow(GeneratorExit);
    g.aclose();
    generator(async |mut y: Yielder<'_>| y.yield_(()).await);
    generator(async |mut y: Yielder<'_>| y.yield_(()).await).managed();
}

fn main() {
    drop(operate());
}
