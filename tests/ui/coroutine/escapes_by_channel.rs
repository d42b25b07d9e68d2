use withal::coroutine::{Yielder, coroutine};

fn main() {
    let (tx, rx) = std::sync::mpsc::channel();
    let mut body = coroutine(async move |y: Yielder<'_, u32>| {
        tx.send(y).unwrap();
        Ok(())
    });
    body.resume().unwrap();
    drop(rx);
}
