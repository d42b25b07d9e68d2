//! Connections that are lost inside `commit`, after each byte of the exchange: afterwards, the page is stored once.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use withal::fleet::{NatsEngine, PostgresEngine};
use withal::pages::Checkpoint;

use crate::contract::{Doc, TestEngine, claim, doc};
use withal_test_support::server::Server;

/// A proxy that counts the bytes in both directions, and closes the connection after a number of bytes.
struct Proxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// `true` while bytes are counted. Those of new connections are not.
    is_counting: AtomicBool,
    bytes: AtomicU64,
    /// The number of bytes after which the connection is closed.
    limit: AtomicU64,
}

impl Proxy {
    async fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { continue };
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::select! {
                        () = forward(&state, &mut from_client, &mut to_server) => {}
                        () = forward(&state, &mut from_server, &mut to_client) => {}
                    }
                });
            }
        });
        Self { port, state, accepting }
    }

    /// Counts bytes from now on, and closes the connection after `limit` bytes.
    fn cut_after(&self, limit: u64) {
        self.state.bytes.store(0, Ordering::SeqCst);
        self.state.limit.store(limit, Ordering::SeqCst);
        self.state.is_counting.store(true, Ordering::SeqCst);
    }

    /// Stops counting. Returns the number of bytes.
    fn stop(&self) -> u64 {
        self.state.is_counting.store(false, Ordering::SeqCst);
        self.state.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Forwards bytes until the end of the stream, or until the limit is reached.
async fn forward(
    state: &State,
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mut bytes = &buffer[..read];
        let mut is_cut = false;
        if state.is_counting.load(Ordering::SeqCst) {
            let before = state.bytes.fetch_add(read as u64, Ordering::SeqCst);
            let left = state.limit.load(Ordering::SeqCst).saturating_sub(before);
            if left < read as u64 {
                is_cut = true;
                bytes = &bytes[..usize::try_from(left).unwrap()];
                // The bytes of the next connections pass.
                state.is_counting.store(false, Ordering::SeqCst);
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
        if is_cut {
            // The bytes that were sent arrive before the end of the connection.
            drop(to.shutdown().await);
            return;
        }
    }
}

async fn stores_each_page_once<E: TestEngine>(connect: impl AsyncFn(&str) -> E) {
    let Some(server) = Server::start(E::KIND) else { return };
    let proxy = Proxy::start(server.port).await;
    let engine = connect(&server.url(proxy.port)).await;
    engine.add(["a"]).await.unwrap();
    let mut token = claim(&engine).await.token;
    let page = |n: u64| -> (Arc<[Doc]>, Checkpoint<String>) {
        // The texts of all pages have the same length.
        (
            [doc(format!("x{n:04}")), doc(format!("y{n:04}"))].into(),
            Checkpoint::new(Some(format!("{n:04}")), 0),
        )
    };

    // The first commit opens its connection. The second one is measured.
    let mut length = 0;
    for n in 0..2 {
        let (items, checkpoint) = page(n);
        proxy.cut_after(u64::MAX);
        assert!(engine.commit(&mut token, items, &checkpoint).await.unwrap().is_owned());
        length = proxy.stop();
    }
    let (mut stored, mut errors) = (page(1).1, 0);
    for cut in 0..=length {
        let n = 2 + cut;
        let (items, checkpoint) = page(n);
        proxy.cut_after(cut);
        let committed = engine.commit(&mut token, Arc::clone(&items), &checkpoint).await;
        proxy.stop();
        let mut is_stored = committed.as_ref().is_ok_and(|ownership| ownership.is_owned());
        errors += u64::from(committed.is_err());
        // As in `Work::commit`, the stored checkpoint is read, and the commit is repeated if it was not stored.
        for _ in 0..200 {
            if is_stored {
                break;
            }
            match engine.read(&mut token).await {
                Ok(Some(found)) if found == checkpoint => is_stored = true,
                Ok(found) => {
                    assert_eq!(found, Some(stored.clone()), "after byte {cut} of {length}");
                    let again = engine.commit(&mut token, Arc::clone(&items), &checkpoint).await;
                    is_stored = again.is_ok_and(withal::fleet::Ownership::is_owned);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        assert!(is_stored, "after byte {cut} of {length}");
        stored = checkpoint;
    }
    println!("{:?}: cut after each of the {length} bytes of a commit, {errors} errors", E::KIND);
    assert!(errors * 10 > length * 9, "{errors} errors");
    let found: Vec<_> =
        engine.stored(&server.url(server.port)).await.into_iter().map(|(_, doc)| doc).collect();
    let expected: Vec<_> = (0..=length + 2).flat_map(|n| page(n).0.to_vec()).collect();
    assert!(found == expected, "{} items are stored, {} expected", found.len(), expected.len());
}

#[tokio::test]
async fn postgres_stores_each_page_once() {
    stores_each_page_once(async |url| {
        <PostgresEngine<Doc, String> as TestEngine>::connect_to(url, Duration::from_secs(30)).await
    })
    .await;
}

/// The items are in a table of the user, in a transaction of several round trips.
#[tokio::test]
async fn postgres_stores_each_page_of_the_user_once() {
    stores_each_page_once(async |url| {
        PostgresEngine::<Doc, String>::builder(url.parse().unwrap())
            .store(|transaction, partition, docs| {
                Box::pin(async move {
                    let items = docs.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
                    let sql = "INSERT INTO fleet_items (partition, item) SELECT $1, unnest($2)::json";
                    transaction
                        .execute_typed(sql, &[(&partition, Type::TEXT), (&items, Type::TEXT_ARRAY)])
                        .await?;
                    Ok(())
                })
            })
            .connect()
            .await
            .unwrap()
    })
    .await;
}

#[tokio::test]
async fn nats_stores_each_page_once() {
    stores_each_page_once(async |url| {
        <NatsEngine<Doc, String> as TestEngine>::connect_to(url, Duration::from_millis(50)).await
    })
    .await;
}
