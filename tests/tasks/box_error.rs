//! `BoxError`: the error of tasks that fail in several ways.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::num::ParseIntError;

use withal::tasks::{BoxError, Error, Promise, create_task};

use super::Failed;

#[tokio::test]
async fn box_error_returns_the_original_error() {
    async fn fails() -> Result<u32, BoxError> {
        Ok(create_task(async { Ok::<_, BoxError>("x".parse::<u32>()?) }).await?)
    }
    async fn boxed() -> Result<u32, Box<dyn StdError + Send + Sync>> {
        Ok(create_task(async { fails().await }).await?)
    }
    async fn local() -> Result<u32, Box<dyn StdError>> {
        Ok(create_task(async { fails().await }).await?)
    }
    assert!(fails().await.unwrap_err().is::<ParseIntError>());
    assert!(boxed().await.unwrap_err().is::<ParseIntError>());
    assert!(local().await.unwrap_err().is::<ParseIntError>());
}

#[tokio::test]
async fn box_error_of_a_cancelled_or_panicked_task() {
    let (promise, future) = Promise::<(), BoxError>::new();
    drop(promise);
    let error = BoxError::from(future.await.unwrap_err());
    assert!(error.downcast_ref::<Error<Infallible>>().unwrap().is_cancelled());
    let panics =
        create_task(async { Err::<(), BoxError>(if true { panic!("doh!") } else { Failed("").into() }) });
    let error = BoxError::from(panics.await.unwrap_err());
    assert_eq!(error.to_string(), "the task panicked: doh!");
}
