use std::pin::pin;

use withal::coroutine::Yielder;
use withal::generator::{AsyncGeneratorExt, generator};

async fn operate() {
    let words = vec![String::from("a")];
    let mut kept = None;
    let mut g = pin!(generator(async |y: Yielder<'_, &str>| {
        kept = Some(y);
        Ok(())
    }));
    g.anext().await.unwrap();
    drop(words);
}

fn main() {
    drop(operate());
}
