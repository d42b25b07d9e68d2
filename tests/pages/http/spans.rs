//! The `tracing` spans of pages have the status and the length of the responses.

use serde_json::json;
use tracing::Level;
use withal_test_support::span_recorder::SpanRecorder;

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{endpoint, until_error};

#[test]
fn a_span_has_the_status_and_the_bytes_and_no_secret() {
    let recorder = SpanRecorder::new(Level::DEBUG);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    recorder.run(|| {
        runtime.block_on(async {
            let server = Server::start(|request: &ReceivedRequest| match request.query.get("after") {
                None => with_header(json(&json!([7])), "link", "</docs?token=SECRET&after=a>; rel=next"),
                Some(_) => status(500, "broken"),
            })
            .await;
            let mut docs = endpoint(&format!("{}/docs", server.url)).by_link::<u32>().no_retry();
            let (before, _) = until_error(&mut docs).await;
            assert_eq!(before, [7]);
        });
    });
    let spans: Vec<_> = recorder.spans().into_iter().filter(|span| span.starts_with("page{")).collect();
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert!(
        spans[0].starts_with("page{page=1 ") && spans[0].ends_with("status=200 bytes=3 attempt=1 items=1}"),
        "{}",
        spans[0]
    );
    assert!(
        spans[1].contains("token=***") && spans[1].contains("status=500 attempt=1 error="),
        "{}",
        spans[1]
    );
    assert!(!spans.concat().contains("SECRET"), "{spans:?}");
}
