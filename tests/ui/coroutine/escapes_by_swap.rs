use withal::coroutine::{Yielder, coroutine};

fn main() {
    let mut outer = coroutine(async |mut a: Yielder<'_, u32>| {
        let mut inner = coroutine(async |mut b: Yielder<'_, u32>| {
            std::mem::swap(&mut a, &mut b);
            Ok(())
        });
        inner.resume().unwrap();
        Ok(())
    });
    outer.resume().unwrap();
}
