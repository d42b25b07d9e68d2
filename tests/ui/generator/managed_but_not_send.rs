use std::rc::Rc;

use withal::coroutine::Yielder;
use withal::generator::generator;

fn main() {
    let managed = generator(async |mut y: Yielder<'_>| {
        let held = Rc::new(());
        y.yield_(()).await?;
        drop(held);
        Ok(())
    })
    .managed();
    drop(managed);
}
