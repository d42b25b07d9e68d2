//! An axum server that responds to every accepted request before the scope ends.
//!
//! # Problem
//!
//! `with_graceful_shutdown` waits for requests without a limit ([axum#1070](https://github.com/tokio-rs/axum/issues/1070)), and
//! waits for nothing if the future of `axum::serve` is dropped: its connections continue in tasks of their own, until the runtime
//! drops them in the middle of a response.
//!
//! # Recipe
//!
//! [`serve`] requests the stop of the server. Handlers that still run after half of the grace period are dropped: the scopes
//! in them exit, and their clients receive a 503.
//!
//! # Limits
//!
//! An endless streaming body and a WebSocket must end by a signal of the application; otherwise, they are reset after the grace
//! period. After `kill -9`, all connections are reset.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;
use withal::context::{AsyncContextManager, AsyncGuard};

use crate::serve::{ServeError, StopRequest, serve};

/// Serves `app` while the block runs.
pub fn axum_server(
    listener: TcpListener,
    app: Router,
    grace_period: Duration,
) -> impl AsyncContextManager<
    Guard: AsyncGuard<Target = (), Error = ServeError<std::io::Error>, Suppression = ()> + Send,
> + Send {
    let start = move |stop: StopRequest| {
        let (is_late, late) = watch::channel(false);
        let drop_late_handlers = from_fn(move |request: Request, next: Next| {
            let mut late = late.clone();
            async move {
                tokio::select! {
                    response = next.run(request) => response,
                    _ = late.wait_for(|is_late| *is_late) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                }
            }
        });
        let stopping = async move {
            stop.requested().await;
            tokio::spawn(async move {
                sleep(grace_period / 2).await;
                is_late.send(true).ok();
            });
        };
        axum::serve(listener, app.layer(drop_late_handlers)).with_graceful_shutdown(stopping).into_future()
    };
    serve(start, grace_period)
}
