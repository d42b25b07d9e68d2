//! A server in a task that is stopped and awaited before the scope ends.
//!
//! # Problem
//!
//! A server runs in a task of its own. If the program fails or is cancelled, the task outlives it, and the requests that were
//! accepted are dropped at the end of the runtime. A graceful shutdown waits for open connections without a limit
//! ([axum#1070](https://github.com/tokio-rs/axum/issues/1070), [mold#1582](https://github.com/utensils/mold/issues/1582)).
//!
//! # Recipe
//!
//! The exit requests the stop of the server, waits for the requests that it has accepted, and aborts it after a grace period. A
//! server that fails interrupts the block, so that a program does not run without its server. [`axum_server`](crate::axum_server) and
//! [`grpc_server`](crate::grpc_server) use it.
//!
//! # Limits
//!
//! A connection that is still open after the grace period is reset. After `kill -9`, all connections are.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use withal::context::{AsyncContextManager, AsyncGuard, NotEntering, asynccontextmanager, interrupt_when};

/// The error of a server in a task.
#[derive(Debug, thiserror::Error)]
pub enum ServeError<E> {
    #[error("the server failed")]
    Failed(#[source] E),
    #[error("the server ended before its stop was requested")]
    Ended,
    #[error("the server panicked")]
    Panicked,
    #[error("connections were still open after the grace period")]
    GracePeriod,
    #[error(transparent)]
    NotEntering(#[from] NotEntering),
}

/// Creates a manager that spawns a server. `start` receives a future that completes when the server has to stop.
pub fn serve<F, E>(
    start: impl FnOnce(StopRequest) -> F + Send + 'static,
    grace_period: Duration,
) -> impl AsyncContextManager<Guard = impl AsyncGuard<Target = (), Error = ServeError<E>, Suppression = ()> + Send>
+ Send
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::fmt::Debug + Send + 'static,
{
    asynccontextmanager(async move |y| {
        let (stop, stop_request) = oneshot::channel::<()>();
        let (running, ended) = watch::channel(());
        let mut end = ended.clone();
        interrupt_when(async move { end.changed().await.unwrap_or(()) })?; // an error, when `running` is dropped
        let server = start(StopRequest(stop_request));
        let mut task = JoinSet::new(); // aborts the server if the exit does not complete
        task.spawn(async move {
            let _running = running;
            server.await
        });
        y.yield_(()).await;
        let has_ended = ended.has_changed().is_err();
        drop(stop);
        match timeout(grace_period, task.join_next()).await {
            Ok(Some(Ok(Ok(())))) if has_ended => Err(ServeError::Ended),
            Ok(Some(Ok(result))) => result.map_err(ServeError::Failed),
            Ok(_) => Err(ServeError::Panicked),
            Err(_) => Err(ServeError::GracePeriod),
        }
    })
    .grace_period(grace_period + Duration::from_secs(1))
}

/// A future that completes when the server has to stop.
pub struct StopRequest(oneshot::Receiver<()>);

impl StopRequest {
    pub async fn requested(self) {
        self.0.await.ok();
    }
}
