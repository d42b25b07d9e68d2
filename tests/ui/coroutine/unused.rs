#![deny(unused_must_use)]
use withal::coroutine::{Yielder, coroutine, yield_now};

fn main() {
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        y.yield_(());
        yield_now(&mut y);
        Ok(())
    });
    body.close().unwrap();
    coroutine(async |mut y: Yielder<'_>| y.yield_(()).await);
}
