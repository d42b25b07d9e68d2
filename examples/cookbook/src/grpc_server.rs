//! A tonic server that completes its calls before the scope ends.
//!
//! # Problem
//!
//! `serve_with_shutdown` waits until every call has ended: an endless stream prevents the shutdown, and tonic has no time limit
//! ([numaflow-rs#122](https://github.com/numaproj/numaflow-rs/issues/122)). If its future is dropped instead, the calls in
//! progress are dropped, and their clients cannot know whether they took effect.
//!
//! # Recipe
//!
//! [`serve`] requests the stop of the server: tonic sends `GOAWAY`, so that clients open new calls elsewhere, and completes the calls in
//! progress. Calls that still run after the grace period are dropped, and their clients receive `UNAVAILABLE` or `CANCELLED`.
//!
//! # Limits
//!
//! A dropped call may have taken effect: clients should repeat only idempotent calls. After `kill -9`, this holds for all calls.

use std::time::Duration;

use tokio::net::TcpListener;
use tonic::transport::Error;
use tonic::transport::server::{Router, TcpIncoming};
use withal::context::{AsyncContextManager, AsyncGuard};

use crate::serve::{ServeError, StopRequest, serve};

/// Serves `services`, made by `Server::builder().add_service(..)`, while the block runs.
pub fn grpc_server(
    listener: TcpListener,
    services: Router,
    grace_period: Duration,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = ServeError<Error>, Suppression = ()> + Send>
+ Send {
    let start = |stop: StopRequest| {
        services.serve_with_incoming_shutdown(TcpIncoming::from(listener), stop.requested())
    };
    serve(start, grace_period)
}
