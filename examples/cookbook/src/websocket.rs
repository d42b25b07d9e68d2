//! A WebSocket that ends with a closing handshake, whose code states the reason.
//!
//! # Problem
//!
//! The destructor of a WebSocket cannot send a close frame, because the handshake needs an await
//! ([tokio-tungstenite#4](https://github.com/snapview/tokio-tungstenite/issues/4)). The peer sees code 1006, "reset without
//! closing handshake" ([tungstenite-rs#506](https://github.com/snapview/tungstenite-rs/issues/506)), and cannot distinguish a
//! client that has finished from one that has crashed.
//!
//! # Recipe
//!
//! The exit sends 1000 after success, 1001 (going away) after a cancellation, and 1011 (internal error) after an error or a panic
//! (RFC 6455, section 7.4.1), and reads until the peer has responded.
//!
//! # Limits
//!
//! If the future is dropped while it sends a message, the message is sent completely, because a frame cannot be truncated. A peer
//! that does not respond within the time limit is disconnected. After `kill -9`, the peer sees 1006.

use std::time::Duration;

use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use withal::context::{AsyncContextManager, AsyncGuard, ExitKind, on_exit};

/// Creates a manager whose target is the WebSocket. The exit closes it within `time_limit`.
pub fn websocket<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: WebSocketStream<S>,
    time_limit: Duration,
) -> impl AsyncContextManager<
    Guard: AsyncGuard<Target = WebSocketStream<S>, Error = Error, Suppression = ()> + Send,
> + Send {
    on_exit(socket, async move |mut socket, exit| {
        let code = match exit {
            ExitKind::Ok => CloseCode::Normal,
            ExitKind::Cancelled => CloseCode::Away,
            _ => CloseCode::Error,
        };
        let goodbye = async {
            match socket.close(Some(CloseFrame { code, reason: "".into() })).await {
                Ok(()) => while let Some(Ok(_)) = socket.next().await {},
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {} // the peer closed first
                Err(error) => return Err(error),
            }
            Ok(())
        };
        timeout(time_limit, goodbye).await.unwrap_or(Ok(()))
    })
    .name("WebSocket")
    .grace_period(time_limit + Duration::from_secs(1))
}
