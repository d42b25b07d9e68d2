//! The `tracing` spans of pages, and the events of pagination.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use tokio::task::yield_now;
use tracing::{Instrument, Level, debug_span, info_span};
use withal::pages::{OnCycle, Page, by_cursor, by_page_number};
use withal_test_support::span_recorder::SpanRecorder;

type Paths = Arc<Mutex<Vec<String>>>;

/// Records a program in the span `crawl`.
fn trace<F: Future<Output = ()>>(max_level: Level, program: impl FnOnce(SpanRecorder) -> F) -> SpanRecorder {
    let recorder =
        SpanRecorder::record(max_level, |recorder| program(recorder).instrument(info_span!("crawl")));
    assert_eq!(recorder.open(), [""; 0]);
    recorder
}

/// Fetches the pages 1 to 3, of two items each, and records the spans around each fetch.
async fn fetch(page: u32, recorder: SpanRecorder, paths: Paths) -> Result<Page<u32, u32>, &'static str> {
    let request = async {
        yield_now().await;
        paths.lock().unwrap().push(recorder.current_path());
    };
    request.instrument(debug_span!("http")).await;
    Ok(Page::new(vec![2 * page, 2 * page + 1], (page < 3).then_some(page + 1)))
}

const SPANS: [&str; 3] = [
    "crawl/page{page=1 attempt=1 items=2}",
    "crawl/page{page=2 cursor=2 attempt=1 items=2}",
    "crawl/page{page=3 cursor=3 attempt=1 items=2}",
];

#[test]
fn each_page_has_a_span_in_which_it_is_fetched() {
    for read_ahead in [0, 1, 8] {
        let paths = Paths::default();
        let recorder = trace(Level::DEBUG, |recorder| async {
            let paths = Arc::clone(&paths);
            let docs = by_cursor(move |cursor: Option<u32>| {
                fetch(cursor.unwrap_or(1), recorder.clone(), Arc::clone(&paths))
            });
            let docs: Vec<u32> = docs.read_ahead(read_ahead).try_collect().await.unwrap();
            assert_eq!(docs.len(), 6);
        });
        assert_eq!(*paths.lock().unwrap(), ["crawl/page/http"; 3], "{read_ahead}");
        let spans: Vec<_> = recorder.spans().into_iter().filter(|span| span.contains("/page{")).collect();
        assert_eq!(spans, SPANS, "{read_ahead}");
    }
}

/// The pages are fetched by tasks: their spans are children of the one in which the stream was first polled.
#[test]
fn concurrent_pages_have_the_span_of_their_stream_as_their_parent() {
    let paths = Paths::default();
    let recorder = trace(Level::DEBUG, |recorder| async {
        let paths = Arc::clone(&paths);
        let docs = by_page_number(1, move |page| {
            let (recorder, paths) = (recorder.clone(), Arc::clone(&paths));
            async move {
                yield_now().await;
                paths.lock().unwrap().push(recorder.current_path());
                Ok::<_, &str>(if page <= 4 { vec![page] } else { Vec::new() })
            }
        });
        let docs: Vec<u64> = docs.concurrency(3).try_collect().await.unwrap();
        assert_eq!(docs, [1, 2, 3, 4]);
    });
    let paths = paths.lock().unwrap();
    assert!(paths.len() >= 5 && paths.iter().all(|path| path == "crawl/page"), "{paths:?}");
    let spans = recorder.spans();
    assert!(spans.contains(&"crawl/page{page=2 cursor=page=2 attempt=1 items=1}".to_owned()), "{spans:?}");
}

/// A stream whose second page fails twice.
fn flaky() -> impl FnMut(Option<u32>) -> futures::future::BoxFuture<'static, Result<Page<u32, u32>, String>> {
    let failures = Arc::new(AtomicU32::new(0));
    move |cursor| {
        let failures = Arc::clone(&failures);
        Box::pin(async move {
            match cursor {
                None => Ok(Page::new(vec![1], Some(2))),
                Some(_) if failures.fetch_add(1, Ordering::Relaxed) < 2 => {
                    Err("reset by https://me:SECRET@host/?token=SECRET".to_owned())
                }
                Some(_) => Ok(Page::new(vec![2], None)),
            }
        })
    }
}

fn policy() -> backon::ConstantBuilder {
    backon::ConstantBuilder::default().with_delay(Duration::from_secs(1)).with_max_times(2)
}

#[test]
fn a_retry_is_an_event_in_the_span_of_its_page() {
    let recorder = trace(Level::DEBUG, |_| async {
        let docs: Vec<u32> = by_cursor(flaky()).retry(policy()).try_collect().await.unwrap();
        assert_eq!(docs, [1, 2]);
    });
    let error = "error=reset by https://***@host/?token=***";
    let retry = |attempt| {
        format!(
            "crawl/page: WARN the page is requested again page=2 cursor=2 attempt={attempt} delay=1s {error}"
        )
    };
    assert_eq!(recorder.events(), [retry(1), retry(2)]);
    assert_eq!(recorder.spans()[2], "crawl/page{page=2 cursor=2 attempt=3 items=1}");
}

/// Events do not need the spans.
#[test]
fn a_retry_is_an_event_without_a_span() {
    let recorder = trace(Level::INFO, |_| async {
        let docs: Vec<u32> = by_cursor(flaky()).retry(policy()).try_collect().await.unwrap();
        assert_eq!(docs, [1, 2]);
    });
    assert_eq!(recorder.spans(), ["crawl{}"]);
    assert_eq!(recorder.events().len(), 2);
    assert!(recorder.events()[0].starts_with("crawl: WARN"), "{:?}", recorder.events());
}

#[test]
fn a_failed_page_has_its_error() {
    let recorder = trace(Level::DEBUG, |_| async {
        let mut docs = by_cursor(flaky());
        assert_eq!(docs.try_next().await.unwrap(), Some(1));
        assert!(docs.try_next().await.is_err());
        assert!(docs.retry_failed());
        assert!(docs.try_next().await.is_err());
    });
    let failed = "crawl/page{page=2 cursor=2 attempt=1 error=reset by https://***@host/?token=***}";
    assert_eq!(recorder.spans()[2..], [failed; 2]);
}

#[test]
fn a_cycle_is_an_event() {
    let cycle = |on_cycle| {
        trace(Level::DEBUG, move |_| async move {
            let mut docs = by_cursor(async |cursor: Option<&'static str>| {
                let next = if cursor.is_some() { "/?token=SECRET&n=1" } else { "/?token=SECRET&n=2" };
                let next = if cursor == Some("/?token=SECRET&n=1") { "/?token=SECRET&n=1" } else { next };
                Ok::<_, String>(Page::new(vec![1], Some(next)))
            })
            .on_cycle(on_cycle);
            while let Ok(Some(_)) = docs.try_next().await {}
        })
        .events()
    };
    let cursors = "page=3 cursor=\"/?token=***&n=1\" next_cursor=\"/?token=***&n=1\"";
    assert_eq!(cycle(OnCycle::Error), [format!("crawl: WARN cursor cycle {cursors}")]);
    let ended = cycle(OnCycle::End);
    assert_eq!(ended.len(), 1);
    assert!(ended[0].ends_with(&format!("DEBUG the stream ends at a cursor cycle {cursors}")), "{ended:?}");
}

/// A fetch that is cancelled is dropped in the span of its page.
#[test]
fn a_cancelled_fetch_is_dropped_in_the_span_of_its_page() {
    struct RecordOnDrop(SpanRecorder, Paths);

    impl Drop for RecordOnDrop {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0.current_path());
        }
    }

    let paths = Paths::default();
    let recorder = trace(Level::DEBUG, |recorder| {
        let paths = Arc::clone(&paths);
        async move {
            let mut docs = by_cursor(move |_: Option<u32>| {
                let on_drop = RecordOnDrop(recorder.clone(), Arc::clone(&paths));
                async move {
                    let _on_drop = on_drop;
                    std::future::pending::<Result<Page<u32, u32>, &str>>().await
                }
            });
            assert!(futures::poll!(Box::pin(docs.try_next()).as_mut()).is_pending());
        }
    });
    assert_eq!(*paths.lock().unwrap(), ["crawl/page"]);
    assert_eq!(recorder.spans(), ["crawl{}", "crawl/page{page=1}"]);
}
