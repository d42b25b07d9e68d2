use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Socket};

/// Opens sessions, with the configuration and the TLS connector of the builder.
pub(super) type Connect =
    dyn Fn() -> BoxFuture<'static, Result<Session, tokio_postgres::Error>> + Send + Sync;

/// A client with the task that drives its connection. The task ends with the session.
pub(super) struct Session {
    pub(super) client: Client,
    connection: JoinHandle<()>,
}

impl Session {
    /// Returns `false` if the connection is lost.
    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

/// Closes the connection at once. Without this, a dropped `Client` leaves it to a task that may wait for a server that does
/// not answer. The server rolls back a transaction that was not committed.
impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_open", &self.is_open()).finish()
    }
}

/// Returns the function that opens sessions.
pub(super) fn connect_with<T>(config: Config, tls: T) -> Arc<Connect>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    Arc::new(move || {
        let (config, tls) = (config.clone(), tls.clone());
        Box::pin(async move {
            let (client, connection) = config.connect(tls).await?;
            let connection = tokio::spawn(async move {
                // Each pending request returns the error, too.
                drop(connection.await);
            });
            Ok(Session { client, connection })
        })
    })
}
