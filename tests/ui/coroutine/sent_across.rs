use std::cell::Cell;

use withal::coroutine::{Yielder, coroutine};

/// What goes in and out goes to the thread that the body is on.
fn main() {
    let shared = Cell::new(0);
    let body = coroutine(async |mut y: Yielder<'_, (), &Cell<i32>>| {
        y.yield_(()).await?.set(1);
        Ok(())
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut body = body;
            body.start().unwrap();
            body.send(&shared).unwrap();
        });
    });
}
