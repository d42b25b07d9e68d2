//! The error types of applications in fetch functions: `?` inside and outside, and the report at the end.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use withal::AsError;
use withal::pages::{
    self, AsyncGetDocs, ErrorKind, PageNumber, by_cursor, by_link, by_offset, by_page_number,
};
use withal::tasks::BoxError;

/// An error of an application, with a cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the config")]
struct ConfigError(#[source] io::Error);

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the file is gone")
}

async fn first<T: Send + 'static, E>(mut items: AsyncGetDocs<T, PageNumber, E>) -> anyhow::Result<Option<T>>
where
    E: Debug + Send + Sync + 'static,
{
    Ok(items.try_next().await?)
}

/// The report of the stream's error in an `anyhow` main.
async fn report<E, K>(error: E) -> String
where
    E: AsError<K> + Debug + Send + Sync,
    K: 'static,
{
    let mut error = Some(error);
    let items = by_page_number(1, move |_| {
        let error = error.take().expect("called once");
        async { Err::<Vec<u32>, _>(error) }
    });
    format!("{:#}", first(items).await.unwrap_err())
}

const FAILED: &str = "page 1 (cursor page=1): fetch failed after 1 attempt";

#[tokio::test]
async fn an_anyhow_main_accepts_a_fetch_function_that_returns_anyhow() {
    let items = by_page_number(1, |page| async move {
        let text = std::fs::read_to_string(format!("/no/such/page{page}"))?;
        let number: u32 = text.parse()?;
        anyhow::Ok(vec![number])
    });
    let error = first(items).await.unwrap_err();
    assert!(error.chain().any(<dyn std::error::Error>::is::<io::Error>));
    assert!(error.downcast_ref::<pages::Error<anyhow::Error>>().is_some());
}

#[tokio::test]
async fn an_anyhow_main_accepts_a_fetch_function_that_returns_the_boxed_error() {
    async fn fetch(page: u64) -> Result<Vec<u64>, BoxError> {
        let text = std::fs::read_to_string(format!("/no/such/page{page}"))?;
        Ok(vec![text.parse()?])
    }
    let error = first(by_page_number(1, fetch)).await.unwrap_err();
    assert!(error.root_cause().is::<io::Error>());
}

#[tokio::test]
async fn every_cause_is_reported() {
    let chain = format!("{FAILED}: cannot read the config: the file is gone");
    assert_eq!(report(ConfigError(gone())).await, chain);
    assert_eq!(report(Arc::new(ConfigError(gone()))).await, chain);
    assert_eq!(report(anyhow::Error::from(ConfigError(gone()))).await, chain);
    assert_eq!(report(anyhow::Error::from(gone()).context("cannot read the config")).await, chain);
    assert_eq!(report(eyre::Report::new(ConfigError(gone()))).await, chain);
    assert_eq!(report(BoxError::from(ConfigError(gone()))).await, chain);
    let boxed: Box<dyn Error + Send + Sync> = Box::new(ConfigError(gone()));
    assert_eq!(report(boxed).await, chain);
    // Errors that are shared or borrowed are errors themselves.
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(ConfigError(gone()));
    assert_eq!(report(shared).await, chain);
}

#[tokio::test]
async fn an_error_that_is_a_text_is_reported() {
    assert_eq!(report("401").await, format!("{FAILED}: 401"));
    assert_eq!(report(String::from("401")).await, format!("{FAILED}: 401"));
    assert_eq!(report(401_u16).await, format!("{FAILED}: 401"));
}

/// A type that does not implement `Error`.
#[derive(Debug)]
struct Refused;

impl AsError for Refused {}

#[tokio::test]
async fn an_error_without_a_cause_is_reported_by_the_stream_alone() {
    assert_eq!(report(()).await, FAILED);
    assert_eq!(report(Refused).await, FAILED);
    assert_eq!(report((401, "Unauthorized")).await, FAILED);
}

#[tokio::test]
async fn a_box_of_the_standard_library_accepts_the_stream_error() {
    async fn numbers() -> Result<u32, Box<dyn Error>> {
        let mut items = by_page_number(1, |_| async { Ok::<_, anyhow::Error>(vec!["x".parse::<u32>()?]) });
        Ok(items.try_next().await?.unwrap_or(0))
    }
    async fn boxed() -> Result<u32, BoxError> {
        let mut items = by_page_number(1, |_| async { Ok::<_, BoxError>(vec!["x".parse::<u32>()?]) });
        Ok(items.try_next().await?.unwrap_or(0))
    }
    async fn report() -> eyre::Result<u32> {
        let mut items = by_page_number(1, |_| async { eyre::Ok(vec!["x".parse::<u32>()?]) });
        Ok(items.try_next().await?.unwrap_or(0))
    }
    assert_eq!(numbers().await.unwrap_err().source().unwrap().to_string(), "invalid digit found in string");
    assert!(boxed().await.unwrap_err().is::<pages::Error<BoxError>>());
    assert_eq!(report().await.unwrap_err().root_cause().to_string(), "invalid digit found in string");
}

#[tokio::test]
async fn every_constructor_and_fetcher_keeps_the_cause() {
    #[expect(clippy::unused_async, reason = "the test is about functions that return errors by `?`")]
    async fn fetch() -> anyhow::Result<Vec<u32>> {
        Err(gone().into())
    }
    fn cause<E: Debug + 'static>(error: &pages::Error<E>) -> String {
        error.source().unwrap().to_string()
    }
    let mut cursors = by_cursor(|_: Option<String>| async { fetch().await.map(|items| (items, None)) });
    assert_eq!(cause(&cursors.try_next().await.unwrap_err()), "the file is gone");
    let mut links = by_link("/", |_| async { fetch().await.map(|items| (items, None)) });
    assert_eq!(cause(&links.try_next().await.unwrap_err()), "the file is gone");
    let mut offsets = by_offset(1, |_, _| fetch());
    assert_eq!(cause(&offsets.try_next().await.unwrap_err()), "the file is gone");
    let mut concurrent = AsyncGetDocs::new(|_| fetch()).concurrency(3);
    assert_eq!(cause(&concurrent.try_next().await.unwrap_err()), "the file is gone");
    let mut prefetched = AsyncGetDocs::new(|_| fetch()).read_ahead(3);
    assert_eq!(cause(&prefetched.try_next().await.unwrap_err()), "the file is gone");
}

#[tokio::test]
async fn only_a_failed_fetch_has_a_cause() {
    let mut items = by_offset(0, |_, _| async { Ok::<Vec<u32>, Infallible>(vec![]) });
    let error = items.try_next().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidPageSize));
    assert!(error.source().is_none());
}

/// A generic function needs `E: Error` alone, and does not name the kind.
#[tokio::test]
async fn a_generic_function_needs_one_bound() {
    fn numbers<E: Error + Send + Sync + 'static>(error: fn() -> E) -> AsyncGetDocs<u32, PageNumber, E> {
        by_page_number(1, move |_| async move { Err::<Vec<u32>, _>(error()) })
    }
    assert_eq!(
        format!("{:#}", first(numbers(gone)).await.unwrap_err()),
        format!("{FAILED}: the file is gone")
    );
}
