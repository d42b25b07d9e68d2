use withal::coroutine::{Yielder, coroutine};

fn main() {
    let mut body = coroutine(async |y: Yielder<'_, u32>| Ok(y));
    body.resume().unwrap();
}
