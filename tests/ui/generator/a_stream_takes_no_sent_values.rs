use withal::coroutine::Yielder;
use withal::generator::generator;

fn is_stream<S: futures_core::Stream>(_: S) {}

fn main() {
    is_stream(generator(async |mut y: Yielder<'_, u8, u8>| {
        y.yield_(1).await?;
        Ok(())
    }));
}
