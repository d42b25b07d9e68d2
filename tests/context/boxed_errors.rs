//! Errors inside boxes: what `suppress` suppresses, and what an exit finds.

#![allow(clippy::items_after_statements, reason = "each item stands where it is used")]

use std::error::Error;
use std::io;
use std::num::ParseIntError;

use withal::context::{ExitReason, async_with, suppress};
use withal::tasks::BoxError;

/// An error of an application, with a cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the config")]
struct ConfigError(#[source] io::Error);

fn gone() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

/// Runs a block that fails with `error`, which `?` converts into an `E`. Returns `true` if it is suppressed.
async fn is_suppressed<E, F>(error: F) -> bool
where
    E: From<F> + Send + 'static,
{
    async fn run<E: From<F> + Send + 'static, F>(error: F) -> Result<Option<()>, E> {
        let not_found = suppress(|error: &io::Error| error.kind() == io::ErrorKind::NotFound);
        Ok(async_with!(_ = not_found => { Err(error)? }))
    }
    run::<E, F>(error).await.is_ok_and(|value| value.is_none())
}

#[tokio::test]
async fn suppress_looks_inside_boxes() {
    assert!(is_suppressed::<io::Error, _>(gone()).await);
    assert!(is_suppressed::<Box<dyn Error + Send + Sync>, _>(gone()).await);
    assert!(is_suppressed::<BoxError, _>(gone()).await);
    assert!(is_suppressed::<anyhow::Error, _>(gone()).await);
}

#[tokio::test]
async fn the_predicate_decides_about_a_boxed_error() {
    assert!(!is_suppressed::<Box<dyn Error + Send + Sync>, _>(io::Error::other("refused")).await);
    assert!(!is_suppressed::<BoxError, _>(io::Error::other("refused")).await);
    assert!(!is_suppressed::<anyhow::Error, _>(io::Error::other("refused")).await);
    assert!(!is_suppressed::<BoxError, _>("x".parse::<u32>().unwrap_err()).await);
}

#[tokio::test]
async fn the_contexts_of_anyhow_are_looked_through_and_sources_are_not() {
    let error = anyhow::Error::from(gone()).context("while starting").context("while reading the config");
    assert!(is_suppressed::<anyhow::Error, _>(error).await);
    assert!(!is_suppressed::<anyhow::Error, _>(ConfigError(gone())).await);
    assert!(!is_suppressed::<BoxError, _>(ConfigError(gone())).await);
}

#[tokio::test]
async fn suppress_accepts_types_that_do_not_implement_error() {
    let texts = || suppress(|error: &String| error == "401");
    #[expect(clippy::unused_async, reason = "the test is about functions that return errors by `?`")]
    async fn fails(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }
    let value = async { Ok::<_, String>(async_with!(_ = texts() => { fails("401").await? })) };
    assert_eq!(value.await, Ok(None));
    let value = async { Ok::<_, String>(async_with!(_ = texts() => { fails("402").await? })) };
    assert_eq!(value.await, Err("402".to_owned()));
}

#[test]
fn an_exit_finds_the_error_inside_a_box() {
    let number = || "x".parse::<u32>().unwrap_err();
    let mut plain = number();
    let mut standard: Box<dyn Error + Send + Sync> = number().into();
    let mut boxed = BoxError::from(number());
    let mut report = anyhow::Error::from(number()).context("while reading the config");
    let errors: [&mut (dyn std::any::Any + Send); 4] = [&mut plain, &mut standard, &mut boxed, &mut report];
    for error in errors {
        let exit = ExitReason::Error(error);
        assert!(exit.is::<ParseIntError>());
        assert!(!exit.is::<io::Error>());
        assert_eq!(exit.downcast_ref::<ParseIntError>(), Some(&number()));
    }
    assert!(!ExitReason::Panic(&mut number()).is::<ParseIntError>());
    assert!(!ExitReason::Ok.is::<ParseIntError>());
}
