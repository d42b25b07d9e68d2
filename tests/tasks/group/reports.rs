//! The text and the causes of the errors of a group.

#![allow(clippy::items_after_statements, reason = "each item stands where it is used")]

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use withal::AsError;
use withal::context::{EitherError, async_with, async_with_send};
use withal::tasks::{BoxError, ErrorGroup, TaskGroup};

/// An error of an application, with a cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the config")]
struct ConfigError(#[source] io::Error);

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the file is gone")
}

fn config() -> ConfigError {
    ConfigError(gone())
}

/// Runs tasks that fail with `errors`, and `succeeding` more.
async fn group<E, K>(errors: Vec<E>, succeeding: usize) -> ErrorGroup<E>
where
    E: AsError<K> + Debug + Send,
{
    let manager = TaskGroup::with_sources();
    let result = async_with!(group = manager => {
        for _ in 0..succeeding {
            group.create_task(async { Ok(()) });
        }
        for error in errors {
            group.create_task(async { Err::<(), _>(error) });
        }
    });
    result.unwrap_err()
}

/// The report of the group's error in an `anyhow` main.
async fn report<E, K>(error: E) -> String
where
    E: AsError<K> + Debug + Display + Send + Sync,
{
    let report = anyhow::Error::from(group(vec![error], 0).await);
    format!("{report:#}")
}

#[tokio::test]
async fn an_anyhow_main_shows_the_error_of_a_task_and_its_context() {
    async fn main() -> anyhow::Result<()> {
        async_with!(group = TaskGroup::new() => {
            group.create_task(async { Err::<(), _>(anyhow::anyhow!("boom").context("while reading the config")) });
        })?;
        Ok(())
    }
    let report = format!("{:?}", main().await.unwrap_err());
    let expected = "1 of 1 tasks failed: while reading the config: boom\n\n\
        Caused by:\n    0: while reading the config\n    1: boom";
    assert!(report.starts_with(expected), "{report}");
}

#[tokio::test]
async fn every_cause_is_reported() {
    let chain = "cannot read the config: the file is gone";
    let expected = format!("1 of 1 tasks failed: {chain}: {chain}");
    assert_eq!(report(config()).await, expected);
    assert_eq!(report(BoxError::from(config())).await, expected);
    assert_eq!(report(anyhow::Error::from(config())).await, expected);
    assert_eq!(report(eyre::Report::new(config())).await, expected);
    let boxed: Box<dyn Error + Send + Sync> = Box::new(config());
    assert_eq!(report(boxed).await, expected);
    assert_eq!(report(Arc::new(anyhow::Error::from(config()))).await, expected);
    assert_eq!(report("a text").await, "1 of 1 tasks failed: a text: a text");
    assert_eq!(report(String::from("a text")).await, "1 of 1 tasks failed: a text: a text");
}

#[tokio::test]
async fn the_text_counts_the_tasks_and_names_every_cause() {
    let errors = group(vec!["one", "two"], 3).await;
    assert_eq!(errors.to_string(), "2 of 5 tasks failed: one; two");
    let (one, two) = errors.split(|error| *error == "one");
    assert_eq!(one.unwrap().to_string(), "1 of 5 tasks failed: one");
    assert_eq!(two.unwrap().to_string(), "1 of 5 tasks failed: two");
    let errors = group(vec![BoxError::msg("first"), config().into()], 0).await;
    let expected = "2 of 2 tasks failed: first; cannot read the config: the file is gone";
    assert_eq!(errors.to_string(), expected);
    let (found, rest) = errors.split_type::<ConfigError>();
    assert_eq!((found.len(), rest.unwrap().to_string()), (1, "1 of 2 tasks failed: first".to_owned()));
}

#[tokio::test]
async fn the_source_is_the_first_error() {
    let errors = group(vec![config(), ConfigError(io::Error::other("another"))], 0).await;
    let source = errors.source().unwrap();
    assert_eq!(source.downcast_ref::<ConfigError>().unwrap().0.kind(), io::ErrorKind::NotFound);
    let errors = group(vec![BoxError::from(gone())], 0).await;
    assert!(errors.source().unwrap().is::<io::Error>());
}

/// The group of one error of a type without bounds.
async fn unbounded<E: Debug + Send + 'static>(error: E) -> ErrorGroup<E> {
    let result = async_with_send(TaskGroup::new(), async move |group: &mut TaskGroup<E>| {
        group.create_task(async { Err::<(), _>(error) });
        Ok::<_, E>(())
    });
    match result.await {
        Err(withal::context::Error::Exit { error, .. }) => error,
        _ => unreachable!("the task fails"),
    }
}

#[tokio::test]
async fn a_group_without_bounds_reports_boxes_and_common_errors() {
    let text = "1 of 1 tasks failed: cannot read the config: the file is gone";
    let errors = unbounded(anyhow::Error::from(config())).await;
    assert_eq!(errors.to_string(), text);
    assert!(errors.source().unwrap().is::<ConfigError>());
    let errors = unbounded(BoxError::from(config())).await;
    assert_eq!(errors.to_string(), text);
    assert!(errors.source().unwrap().is::<ConfigError>());
    let boxed: Box<dyn Error + Send + Sync> = Box::new(config());
    assert_eq!(unbounded(boxed).await.to_string(), text);
    assert_eq!(unbounded(eyre::Report::from(config())).await.to_string(), text);
    assert!(unbounded(gone()).await.source().unwrap().is::<io::Error>());
    // Other errors are sources with the same text.
    let errors = unbounded(config()).await;
    assert_eq!(errors.to_string(), "1 of 1 tasks failed: cannot read the config");
    assert_eq!(errors.source().unwrap().to_string(), "cannot read the config");
    assert_eq!(unbounded("boom").await.source().unwrap().to_string(), "boom");
    // A type that is formatted by its `Debug` only.
    #[derive(Debug)]
    struct Opaque;
    assert_eq!(unbounded(Opaque).await.errors().len(), 1);
}

#[tokio::test]
async fn a_boxed_error_formats_its_causes() {
    let error = BoxError::from(config());
    assert_eq!(format!("{error}"), "cannot read the config");
    assert_eq!(format!("{error:#}"), "cannot read the config: the file is gone");
    assert!(error.source().unwrap().is::<io::Error>());
    assert_eq!(BoxError::from_boxed("a text".into()).to_string(), "a text");
    assert_eq!(BoxError::msg(String::from("a text")).to_string(), "a text");
}

#[tokio::test]
async fn either_of_two_managers_errors_converts_with_the_question_mark() {
    type Either = EitherError<BoxError, ErrorGroup<BoxError>>;

    async fn second() -> Result<(), Either> {
        Err(EitherError::Second(group(vec![BoxError::from(config())], 0).await))
    }
    async fn anyhow_main() -> anyhow::Result<()> {
        Ok(second().await?)
    }
    async fn boxed() -> Result<(), BoxError> {
        Ok(second().await?)
    }
    #[expect(clippy::unused_async, reason = "the test is about functions that return errors by `?`")]
    async fn standard() -> Result<(), Box<dyn Error>> {
        Err(Either::First(config().into()))?
    }
    let chain = "cannot read the config: the file is gone";
    let group = format!("1 of 1 tasks failed: {chain}: {chain}");
    assert_eq!(format!("{:#}", anyhow_main().await.unwrap_err()), group);
    assert_eq!(format!("{:#}", boxed().await.unwrap_err()), group);
    let error = standard().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the config");
    assert!(error.source().unwrap().is::<io::Error>());
}

/// Fails with `depth` nested groups of two errors each.
fn nested(depth: u32) -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return Err(BoxError::msg("leaf"));
        }
        let errors = vec![nested(depth - 1).await.unwrap_err(), BoxError::msg("other")];
        Err(group(errors, 0).await.into())
    })
}

#[tokio::test]
async fn the_text_of_nested_groups_contains_each_error_once() {
    let text = nested(2).await.unwrap_err().to_string();
    assert_eq!(text, "2 of 2 tasks failed: 2 of 2 tasks failed: leaf; other; other");
    let text = nested(16).await.unwrap_err().to_string();
    assert_eq!(text.matches("leaf").count(), 1);
    // The same without a view of the errors, through `{:#}`.
    let opaque = ErrorGroupOf(nested(8).await.unwrap_err());
    let result = async_with!(group = TaskGroup::<ErrorGroupOf>::new() => {
        group.create_task(async { Err::<(), _>(opaque) });
    });
    assert_eq!(result.unwrap_err().to_string().matches("leaf").count(), 1);
}

/// An error that shows another one, in the form that it is asked for.
#[derive(Debug)]
struct ErrorGroupOf(BoxError);

impl Display for ErrorGroupOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Display::fmt(&self.0, f)
    }
}

#[tokio::test]
async fn a_cause_that_ends_the_text_of_its_error_is_not_repeated() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot start: {0}")]
    struct Start(#[source] ConfigError);

    let text = group(vec![Start(config())], 0).await.to_string();
    assert_eq!(text, "1 of 1 tasks failed: cannot start: cannot read the config: the file is gone");
}
