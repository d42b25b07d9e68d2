use withal::coroutine::{Yielder, coroutine};

fn main() {
    let mut body = coroutine(async |mut y: Yielder<'_, u32>| {
        let first = y.yield_(1);
        let second = y.yield_(2);
        first.await?;
        second.await
    });
    body.resume().unwrap();
}
