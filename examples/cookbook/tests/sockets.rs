//! `tcp_connection` and `websocket`, whose peers record how the connection ended.

use std::io::ErrorKind;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use withal::cleanup;
use withal::context::async_with;
use withal_cookbook::tcp_half_close::tcp_connection;
use withal_cookbook::websocket::websocket;

use crate::cancel_at_every_await;

const LIMIT: Duration = Duration::from_secs(10);

/// A connection, and a task that runs `serve` on the other end.
async fn pair<T: Send + 'static, F: Future<Output = T> + Send>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (TcpStream, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    (TcpStream::connect(address).await.unwrap(), server)
}

/// Reads to the end, and responds.
async fn read_all(mut stream: TcpStream) -> Result<Vec<u8>, ErrorKind> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map_err(|error| error.kind())?;
    stream.write_all(b"thank you").await.map_err(|error| error.kind())?;
    Ok(bytes)
}

const MESSAGE: &[u8] = &[7; 1_000_000];

async fn send(stream: TcpStream, is_error: bool) -> std::io::Result<()> {
    async_with!(stream = tcp_connection(stream, LIMIT) => {
        for part in MESSAGE.chunks(10_000) {
            stream.write_all(part).await?;
        }
        if is_error {
            Err(ErrorKind::InvalidData)?;
        }
        tokio::task::yield_now().await;
    })
}

#[tokio::test]
async fn a_peer_reads_the_whole_message_or_an_error() {
    // Dropped after each number of polls, until a run completes.
    for polls in 0.. {
        let (stream, peer) = pair(read_all).await;
        let mut sender = Box::pin(send(stream, false));
        let mut left = polls;
        let result = std::future::poll_fn(|cx| {
            if left == 0 {
                return std::task::Poll::Ready(None);
            }
            left -= 1;
            sender.poll_unpin(cx).map(Some)
        })
        .await;
        drop(sender);
        cleanup::drain(2 * LIMIT).await.unwrap();
        let received = peer.await.unwrap();
        match (&result, &received) {
            (Some(Ok(())), Ok(bytes)) => {
                assert_eq!(bytes, MESSAGE);
                return;
            }
            // Dropped in the exit, which continued.
            (None, Ok(bytes)) => assert!(bytes == MESSAGE || (polls == 0 && bytes.is_empty())),
            (None, Err(ErrorKind::ConnectionReset)) => {}
            _ => panic!("{result:?}, {:?}", received.map(|bytes| bytes.len())),
        }
    }
}

#[tokio::test]
async fn a_peer_reads_an_error_after_an_error_and_after_a_panic() {
    let (stream, peer) = pair(read_all).await;
    assert!(send(stream, true).await.is_err());
    assert_eq!(peer.await.unwrap(), Err(ErrorKind::ConnectionReset));

    let (stream, peer) = pair(read_all).await;
    let panic = tokio::spawn(async move {
        let _never: std::io::Result<()> = async_with!(stream = tcp_connection(stream, LIMIT) => {
            stream.write_all(MESSAGE).await.unwrap();
            panic!("a bug");
        });
    });
    assert!(panic.await.unwrap_err().is_panic());
    assert_eq!(peer.await.unwrap(), Err(ErrorKind::ConnectionReset));
}

/// The peer reads everything that the sender wrote. The exit reads its response, which the block did not read.
#[tokio::test]
async fn an_answer_that_the_block_does_not_read_does_not_reset_the_connection() {
    let (stream, peer) = pair(async |mut stream: TcpStream| {
        stream.write_all(b"hello").await.unwrap(); // unread by the other side
        read_all(stream).await
    })
    .await;
    send(stream, false).await.unwrap();
    assert_eq!(peer.await.unwrap().unwrap().len(), MESSAGE.len());
}

/// A plain stream ends half a message as it ends a whole one.
#[tokio::test]
async fn without_the_recipe_half_a_message_ends_as_a_whole_one() {
    let (mut stream, peer) = pair(read_all).await;
    let plain = async {
        stream.write_all(b"half").await.unwrap();
        std::future::pending::<()>().await;
        stream.write_all(b" of a message").await.unwrap();
    };
    assert!(tokio::time::timeout(Duration::from_millis(20), plain).await.is_err());
    drop(stream);
    assert_eq!(peer.await.unwrap(), Ok(b"half".to_vec()));
}

/// Returns the number of messages, and the code of the close frame, if there is one.
async fn record(stream: TcpStream) -> (usize, Option<u16>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return (0, None) };
    let mut messages = 0;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Close(frame) => {
                // Answers the handshake.
                while let Some(Ok(_)) = socket.next().await {}
                return (messages, frame.map(|frame| frame.code.into()));
            }
            _ => messages += 1,
        }
    }
    (messages, None)
}

async fn open(stream: TcpStream) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    tokio_tungstenite::client_async("ws://localhost/", stream).await.unwrap().0
}

#[tokio::test]
async fn the_close_frame_states_how_the_block_ended() {
    // Opened outside of what is cancelled: the scope begins with an open socket.
    let peers = std::cell::RefCell::new(Vec::new());
    let mut sockets = Vec::new();
    for _ in 0..30 {
        let (stream, peer) = pair(record).await;
        sockets.push((open(stream).await, peer));
    }
    let program = || {
        let (socket, peer) = sockets.pop().expect("there are fewer awaits");
        peers.borrow_mut().push(peer);
        async {
            async_with!(socket = websocket(socket, LIMIT) => {
                for text in ["one", "two"] {
                    socket.send(Message::text(text)).await?;
                    tokio::task::yield_now().await;
                }
            })
        }
    };
    let mut codes = Vec::new();
    let check = async || {
        let peer = peers.borrow_mut().pop().unwrap();
        codes.push(peer.await.unwrap());
    };
    cancel_at_every_await(program, check).await;
    // The first future was dropped before it was polled.
    let (first, rest) = codes.split_first().unwrap();
    assert_eq!(first.1, None);
    let cancelled = rest.iter().take_while(|(_, code)| *code == Some(CloseCode::Away.into())).count();
    assert!(cancelled >= 2, "{codes:?}");
    assert!(rest[cancelled..].iter().all(|end| *end == (2, Some(CloseCode::Normal.into()))), "{codes:?}");

    let (stream, peer) = pair(record).await;
    let socket = open(stream).await;
    let failed: Result<(), _> = async {
        async_with!(_ = websocket(socket, LIMIT) => {
            Err(tokio_tungstenite::tungstenite::Error::AttackAttempt)?;
        })
    }
    .await;
    assert!(failed.is_err());
    assert_eq!(peer.await.unwrap(), (0, Some(CloseCode::Error.into())));
}

/// The peer has closed before: the exit does not fail.
#[tokio::test]
async fn a_peer_that_closes_first_is_answered() {
    let (stream, peer) = pair(async |stream: TcpStream| {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.close(None).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let socket = open(stream).await;
    async {
        async_with!(socket = websocket(socket, LIMIT) => {
            while let Some(message) = socket.next().await {
                message?;
            }
        })
    }
    .await
    .unwrap();
    peer.await.unwrap();
}
