use withal::generator::{try_generator, try_generator_any};

fn before() {
    let _ = try_generator(async |mut y| {
        for word in ["1", "x"] {
            let n: u32 = word.parse()?;
            let text = std::fs::read_to_string("file")?;
            y.yield_((n, text)).await?;
        }
        Ok(())
    });
}

fn after() {
    let _ = try_generator_any(async |mut y| {
        for word in ["1", "x"] {
            let n: u32 = word.parse()?;
            let text = std::fs::read_to_string("file")?;
            y.yield_((n, text)).await?;
        }
        Ok::<_, withal::tasks::BoxError>(())
    });
}

fn main() {
    before();
    after();
}
