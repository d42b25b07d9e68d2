use withal::coroutine::{Yielder, coroutine};

fn main() {
    let mut body = coroutine(async |y: Yielder<'_, u32>| {
        std::thread::scope(|scope| {
            scope.spawn(|| drop(&y));
        });
        Ok(())
    });
    body.resume().unwrap();
}
