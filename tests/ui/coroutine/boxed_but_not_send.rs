use std::rc::Rc;

use withal::coroutine::{BoxCoroutine, Yielder, coroutine};

fn body() -> BoxCoroutine<'static> {
    coroutine(async |mut y: Yielder<'_>| {
        let held = Rc::new(());
        y.yield_(()).await?;
        drop(held);
        Ok(())
    })
    .boxed()
}

fn main() {
    drop(body());
}
