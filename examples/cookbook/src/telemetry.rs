//! A tracer provider of OpenTelemetry whose spans are exported before the program ends.
//!
//! # Problem
//!
//! A batch processor keeps spans in memory for five seconds. A program that ends without `shutdown` loses the last ones, which are
//! those of its failure. `shutdown` and `force_flush` block their thread, which is a deadlock if the exporter needs the runtime of
//! that thread ([opentelemetry-rust#868](https://github.com/open-telemetry/opentelemetry-rust/issues/868),
//! [#3176](https://github.com/open-telemetry/opentelemetry-rust/issues/3176)). A `shutdown` that is called too early loses the spans
//! of the cleanups that still run.
//!
//! # Recipe
//!
//! The provider is the outermost scope, so it is shut down after all cleanups inside, even those of cancelled scopes. The
//! shutdown runs on a thread for blocking work.
//!
//! # Limits
//!
//! After `kill -9` or an abort, the spans of the last interval are lost; so are those of tasks that are not joined in the
//! block. If the collector does not respond, the shutdown fails after the time limit.

use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use withal::context::{AsyncContextManager, AsyncGuard, on_exit};
use withal::tasks::BoxError;

/// Creates a manager whose target is the provider. The exit shuts the provider down within `time_limit`.
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
