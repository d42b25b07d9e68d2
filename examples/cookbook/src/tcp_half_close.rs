//! A TCP connection that ends with a half-close after success, and with a reset otherwise.
//!
//! # Problem
//!
//! Dropping a `TcpStream` with unread bytes resets the connection, and the peer may lose a response that was written before
//! (RFC 1122, section 4.2.2.13). Dropping it without unread bytes ends it as after success: if the future of the writer was
//! cancelled, a peer that reads to the end cannot distinguish half a message from a whole one. tokio leaves both to the application
//! ([tokio#7551](https://github.com/tokio-rs/tokio/issues/7551)).
//!
//! # Recipe
//!
//! After success, the exit closes the write half, and reads until the peer has also closed. Then everything has arrived. After an
//! error, a panic or a cancellation, it resets the connection, so that the peer sees an error instead of an end.
//!
//! # Limits
//!
//! After `kill -9`, the operating system closes the connection as after success, or resets it if there are unread bytes: only
//! a length or an end mark in the protocol shows the difference.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use withal::context::{AsyncContextManager, AsyncGuard, on_exit};

/// Creates a manager whose target is the stream. After success, the exit waits for at most `time_limit` until the peer has
/// closed.
pub fn tcp_connection(
    stream: TcpStream,
    time_limit: Duration,
) -> impl AsyncContextManager<Guard: AsyncGuard<Target = TcpStream, Error = io::Error, Suppression = ()> + Send>
+ Send {
    on_exit(stream, async move |mut stream, exit| {
        if !exit.is_ok() {
            return stream.set_zero_linger(); // the drop sends a reset
        }
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        let closed = timeout(time_limit, async {
            while stream.read(&mut rest).await? > 0 {}
            Ok(())
        });
        closed.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    })
    .name("TCP connection")
    .grace_period(time_limit + Duration::from_secs(1))
}
