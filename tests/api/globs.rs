//! Imports every section into one scope by globs, together with the names that programs usually import from other
//! crates.

// The import of an ambiguous name is only a warning by default.
#![deny(ambiguous_glob_imports)]
// `Future` is in the prelude, too, and nothing uses the imports in `every_name`.
#![allow(unused_imports)]

#[rustfmt::skip]
mod every_name;

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use withal::cleanup::*;
use withal::context::*;
use withal::coroutine::*;
use withal::desugar::*;
use withal::fleet::*;
use withal::generator::*;
use withal::pages::*;
use withal::resources::*;
use withal::tasks::*;
use withal::testing::*;

async fn output<F: Future>(future: F) -> F::Output {
    future.await
}

fn attempt<C, E>(event: &Event<'_, C, E>) -> bool {
    matches!(event, Event::Retry { .. })
}

#[tokio::test]
async fn every_section_is_imported_into_one_scope() {
    let mut numbers = std::pin::pin!(generator(async |mut y| {
        for n in 0_u32.. {
            y.yield_(n).await?;
        }
        Ok(())
    }));
    assert_eq!(numbers.next().await, Some(0));
    assert_eq!(numbers.as_mut().anext().await.unwrap(), Some(1));
    numbers.as_mut().aclose().await.unwrap();

    let doubled = async_with!(_ = timeout(Duration::from_secs(1)) => { output(async { 42 }).await });
    assert_eq!(doubled.unwrap(), 42);

    let pages = AsyncGetDocs::new(|page| async move { Ok::<_, String>(vec![0; usize::from(page < 2)]) });
    assert_eq!(pages.on_event(|event| assert!(!attempt(event))).count().await, 2);
}
