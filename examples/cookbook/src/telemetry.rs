//! A tracer provider of OpenTelemetry whose spans are exported before the program ends.
//!
//! # Problem
//!
//! A batch processor keeps spans in memory for five seconds. A program that ends without `shutdown` loses the last ones, which are
//! those of its failure. `shutdown` and `force_flush` block their thread, and an exporter that needs the runtime then waits for
//! the thread that waits for it ([opentelemetry-rust#868](https://github.com/open-telemetry/opentelemetry-rust/issues/868),
//! [#3176](https://github.com/open-telemetry/opentelemetry-rust/issues/3176)). Called too early, it loses the spans of the
//! cleanups that still run.
//!
//! # Recipe
//!
//! The provider is the outermost scope, so it is shut down after every cleanup inside, also of scopes that were cancelled. The
//! shutdown runs on a thread for blocking work.
//!
//! # Limits
//!
//! After `kill -9` or an abort, the spans of the last interval are lost; so are those of tasks that are not joined in the
//! block. A collector that does not answer ends the shutdown after the time limit, with an error.

use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use withal::context::{AsyncContextManager, AsyncGuard, on_exit};
use withal::tasks::BoxError;

/// Lends the provider to the block, and shuts it down after the block within `time_limit`.
pub fn telemetry(
    provider: SdkTracerProvider,
    time_limit: Duration,
) -> impl AsyncContextManager<
    Guard: AsyncGuard<Target = SdkTracerProvider, Error = BoxError, Suppression = ()> + Send,
> + Send {
    on_exit(provider, async move |provider, _exit| {
        let shutdown = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(time_limit));
        shutdown.await??;
        Ok::<(), BoxError>(())
    })
    .name("telemetry")
    .grace_period(time_limit + Duration::from_secs(1))
}
