//! Generators whose bodies fail with a box of any error.

use std::error::Error;
use std::io;
use std::num::ParseIntError;
use std::pin::pin;

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt};
use withal::coroutine::{GeneratorExit, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, try_generator_any};
use withal::tasks::BoxError;

type StdBox = Box<dyn Error + Send + Sync>;

#[tokio::test]
async fn every_error_is_converted_into_an_anyhow_error() {
    let g = try_generator_any(async |mut y| {
        for word in ["1", "x"] {
            let n: u32 = word.parse()?;
            y.yield_(n).await?;
        }
        Ok::<(), anyhow::Error>(())
    });
    let items: Vec<_> = g.collect().await;
    assert_eq!(*items[0].as_ref().unwrap(), 1);
    assert!(items[1].as_ref().unwrap_err().is::<ParseIntError>());
    assert_eq!(items.len(), 2);
}

#[tokio::test]
async fn errors_of_two_types_are_converted() {
    fn files() -> impl Stream<Item = Result<(u32, String), BoxError>> + Send {
        try_generator_any(async |mut y| -> Result<(), BoxError> {
            for word in ["1", "x"] {
                let n: u32 = word.parse()?;
                let text = std::fs::read_to_string("a file that does not exist")?;
                y.yield_((n, text)).await?;
            }
            Ok(())
        })
    }
    let error = files().try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.is::<io::Error>());
}

#[tokio::test]
async fn an_exit_is_recognized() {
    let mut g = pin!(try_generator_any(async |mut y| {
        y.yield_(1).await?;
        Ok::<_, StdBox>(())
    }));
    assert_eq!(g.anext().await.unwrap().unwrap(), 1);
    assert!(g.aclose().await.is_ok());

    // Below contexts, too.
    let mut g = pin!(try_generator_any(async |mut y| {
        y.yield_(1).await.context("inner").context("outer")?;
        Ok::<_, anyhow::Error>(())
    }));
    assert_eq!(g.anext().await.unwrap().unwrap(), 1);
    assert!(g.aclose().await.is_ok());

    // Also an exit that the body creates.
    let mut g =
        pin!(try_generator_any(async |_: Yielder<'_, u8, (), Thrown<BoxError>>| Err(GeneratorExit.into())));
    assert!(g.anext().await.unwrap_err().is_generator_exit());
}

#[tokio::test]
async fn an_error_that_was_thrown_in_is_raised_again_as_it_was() {
    let mut g = pin!(try_generator_any(async |mut y| {
        y.yield_(1).await?;
        Ok::<_, BoxError>(())
    }));
    assert_eq!(g.anext().await.unwrap().unwrap(), 1);
    let error = g.athrow(BoxError::from(GeneratorExit)).await.unwrap_err();
    assert!(format!("{error:?}").contains("GeneratorExit"), "{error:?}");

    // With its contexts.
    let mut g = pin!(try_generator_any(async |mut y| {
        match y.yield_(1).await {
            Err(Thrown::Error(_)) => {}
            other => other.context("first")?,
        }
        y.yield_(2).await.context("second")?;
        Ok::<_, anyhow::Error>(())
    }));
    assert_eq!(g.anext().await.unwrap().unwrap(), 1);
    assert_eq!(g.athrow(anyhow::anyhow!("caught")).await.unwrap().unwrap(), 2);
    let withal::generator::Error::Raised(error) = g.athrow(anyhow::anyhow!("thrown")).await.unwrap_err()
    else {
        panic!("the error is not that of the body");
    };
    assert_eq!(format!("{error:#}"), "second: thrown");
}

#[test]
fn it_is_send_and_as_small_as_its_body() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let text = [0_u8; 256];
    let any = is_send(try_generator_any(async move |mut y| {
        y.yield_(text.len()).await?;
        Ok::<_, anyhow::Error>(())
    }));
    let one = is_send(withal::generator::try_generator(async move |mut y| {
        y.yield_(text.len()).await?;
        Ok::<_, Thrown<anyhow::Error>>(())
    }));
    assert!(size_of_val(&any) <= size_of_val(&one) + 16);
}
