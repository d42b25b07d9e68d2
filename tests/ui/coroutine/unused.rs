#![deny(unused_must_use)]
use withal::coroutine::{Yielder, coroutine, switch};

fn main() {
    let mut body = coroutine(async |mut y: Yielder<'_>| {
        y.yield_(());
        switch(&mut y);
        Ok(())
    });
    body.close().unwrap();
    coroutine(async |mut y: Yielder<'_>| y.yield_(()).await);
}
