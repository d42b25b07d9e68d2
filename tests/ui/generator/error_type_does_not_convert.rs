use withal::coroutine::Thrown;
use withal::generator::try_generator;
use withal::tasks::BoxError;

fn main() {
    let _ = try_generator(async |mut y| {
        for word in ["1", "x"] {
            let n: u32 = word.parse()?;
            y.yield_(n).await?;
        }
        Ok::<(), Thrown<BoxError>>(())
    });
}
