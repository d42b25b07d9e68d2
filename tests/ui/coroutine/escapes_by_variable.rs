use withal::coroutine::{Yielder, coroutine};

fn main() {
    let mut kept = None;
    let mut body = coroutine(async |y: Yielder<'_, u32>| {
        kept = Some(y);
        Ok(())
    });
    body.resume().unwrap();
}
