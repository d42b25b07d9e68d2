use withal::coroutine::Yielder;
use withal::generator::{AsyncGeneratorExt, generator};

async fn operate() {
    let mut g = generator(async |mut y: Yielder<'_, u8>| y.yield_(1).await);
    g.anext().await.unwrap();
}

fn main() {
    drop(operate());
}
