//! `telemetry` with an exporter that is as slow as a collector.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use withal::context::{async_with, on_exit};
use withal_cookbook::telemetry::telemetry;

use crate::cancel_at_every_await;

/// Exports the names of the spans on the runtime, as a client over HTTP would.
#[derive(Clone, Debug)]
struct Collector {
    spans: Arc<Mutex<Vec<String>>>,
    runtime: tokio::runtime::Handle,
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = self.spans.clone();
        let request = self.runtime.spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            spans.lock().unwrap().extend(batch.iter().map(|span| span.name.to_string()));
        });
        request.await.unwrap();
        Ok(())
    }
}

/// A shutdown on the only thread of a runtime would wait for itself.
#[tokio::test]
async fn every_span_is_exported_also_those_of_cleanups() {
    let spans = Arc::new(Mutex::new(Vec::new()));
    let started = Arc::new(Mutex::new(Vec::new()));
    let start = |provider: &SdkTracerProvider, name: &'static str| {
        started.lock().unwrap().push(name.to_owned());
        provider.tracer("test").start(name)
    };
    let program = || async {
        let collector = Collector { spans: spans.clone(), runtime: tokio::runtime::Handle::current() };
        let provider = SdkTracerProvider::builder().with_batch_exporter(collector).build();
        async_with!(provider = telemetry(provider, Duration::from_secs(10)) => {
            let session = start(provider, "session");
            let session = on_exit(session, async |mut span, _| {
                tokio::time::sleep(Duration::from_millis(1)).await; // a logout, during which the span is open
                span.end();
            });
            async_with!(_ = session => {
                for name in ["first", "second"] {
                    let mut span = start(provider, name);
                    tokio::task::yield_now().await;
                    span.end();
                }
            });
        })
    };
    let check = async || {
        let sort = |names: &Mutex<Vec<String>>| {
            let mut names = std::mem::take(&mut *names.lock().unwrap());
            names.sort();
            names
        };
        assert_eq!(sort(&spans), sort(&started));
    };
    let dropped = cancel_at_every_await(program, check).await;
    assert!(dropped >= 3, "{dropped}");
}

#[tokio::test]
async fn a_shutdown_that_fails_is_returned() {
    let provider = SdkTracerProvider::builder().build();
    provider.shutdown().unwrap();
    let twice = async_with!(_ = telemetry(provider, Duration::from_secs(10)) => {});
    assert!(twice.is_err());
}
