//! The adapter for Redis of `withal::fleet::your_engine`, on a real server.

use std::fmt::Write;
use std::future::Future;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use withal::fleet::{Claimed, Engine, Fleet, Store, StoreEngine};
use withal::pages::{PageNumber, by_page_number};
use withal_test_support::server::{Kind, Server};

/// The documentation, which contains [`ADAPTER`].
const PAGE: &str = include_str!("../../src/fleet/your_engine.md");
/// The text of this file, whose adapter is that of the documentation.
const ADAPTER: &str = include_str!("redis.rs");

// From here on, the same as in the documentation.
/// Your client, which sends `EVAL script 0 args..` and returns the reply, an array of strings.
trait Client: Send + Sync + 'static {
    fn eval(&self, script: &str, args: &[&str]) -> impl Future<Output = io::Result<Vec<String>>> + Send;
}

/// The rows are in a hash, the items in a list for each partition. Redis runs a script without interruption.
struct Redis<C>(C);

impl<C: Client> Store for Redis<C> {
    type Error = io::Error;

    async fn rows(&self) -> io::Result<Vec<(String, String)>> {
        let reply = self.0.eval("return redis.call('HGETALL', 'fleet')", &[]).await?;
        Ok(reply.chunks_exact(2).map(|row| (row[0].clone(), row[1].clone())).collect())
    }

    async fn row(&self, name: &str) -> io::Result<Option<String>> {
        let script = "local row = redis.call('HGET', 'fleet', ARGV[1]) return row and {row} or {}";
        Ok(self.0.eval(script, &[name]).await?.pop())
    }

    async fn replace(
        &self,
        name: &str,
        old: Option<&str>,
        new: &str,
        items: Vec<String>,
    ) -> io::Result<bool> {
        let script = "
            if (redis.call('HGET', 'fleet', ARGV[1]) or '') ~= ARGV[2] then return {} end
            redis.call('HSET', 'fleet', ARGV[1], ARGV[3])
            for i = 4, #ARGV do redis.call('RPUSH', 'items:' .. ARGV[1], ARGV[i]) end
            return {'replaced'}";
        let mut args = vec![name, old.unwrap_or(""), new];
        args.extend(items.iter().map(String::as_str));
        Ok(!self.0.eval(script, &args).await?.is_empty())
    }

    async fn now(&self) -> io::Result<u64> {
        let script =
            "local t = redis.call('TIME') return {t[1] .. string.format('%03d', math.floor(t[2] / 1000))}";
        let reply = self.0.eval(script, &[]).await?;
        reply.first().and_then(|now| now.parse().ok()).ok_or_else(|| io::Error::other("no time"))
    }
}

/// A client of the protocol of Redis, RESP 2, with one connection.
struct Connection(Mutex<BufReader<TcpStream>>);

impl Connection {
    async fn open(port: u16) -> Self {
        Self(Mutex::new(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap())))
    }
}

impl Client for Connection {
    async fn eval(&self, script: &str, args: &[&str]) -> io::Result<Vec<String>> {
        let mut stream = self.0.lock().await;
        let words = [&["EVAL", script, "0"], args].concat();
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            write!(request, "${}\r\n{word}\r\n", word.len()).map_err(io::Error::other)?;
        }
        stream.write_all(request.as_bytes()).await?;
        let count = line(&mut stream, '*').await?;
        let mut reply = Vec::new();
        for _ in 0..count {
            let length = line(&mut stream, '$').await?;
            let mut text = vec![0; length + 2];
            stream.read_exact(&mut text).await?;
            text.truncate(length);
            reply.push(String::from_utf8(text).map_err(io::Error::other)?);
        }
        Ok(reply)
    }
}

/// Reads a line with a number.
async fn line(stream: &mut BufReader<TcpStream>, kind: char) -> io::Result<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let number = line.trim_end().strip_prefix(kind).and_then(|number| number.parse().ok());
    number.ok_or_else(|| io::Error::other(line))
}

#[test]
fn the_adapter_is_that_of_the_documentation() {
    // The lines of the documentation are longer.
    let normal = |code: &str| code.split_whitespace().collect::<String>().replace(",)", ")");
    let (_, adapter) = ADAPTER.split_once("the same as in the documentation.\n").unwrap();
    let (adapter, _) = adapter.split_once("\n/// A client of the protocol").unwrap();
    assert!(normal(PAGE).contains(&normal(adapter)), "the adapter in the documentation is another one");
    let lines = adapter.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 60, "{lines} lines");
}

#[tokio::test]
async fn a_fleet_works_on_redis() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let engine =
        async || StoreEngine::<_, String, PageNumber>::new(Redis(Connection::open(server.port).await));
    let engines = [engine().await, engine().await];
    engines[0].add((0..6).map(|n| format!("p{n}"))).await.unwrap();
    let fleets = engines.map(|engine| {
        Fleet::new(engine).workers(2).run(async |work| {
            let name = work.partition().to_owned();
            let pages = by_page_number(1, move |page| {
                let items =
                    if page <= 5 { vec![format!("{name}.{page}"), String::new()] } else { Vec::new() };
                async move { Ok::<_, io::Error>(items) }
            });
            work.drive(pages).await
        })
    });
    let reports = futures::future::try_join_all(fleets).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.finished).sum::<u64>(), 6);
    let client = Connection::open(server.port).await;
    for n in 0..6 {
        let items =
            client.eval("return redis.call('LRANGE', ARGV[1], 0, -1)", &[&format!("items:p{n}")]).await;
        let expected = (1..=5).flat_map(|page| [format!("\"p{n}.{page}\""), "\"\"".to_owned()]);
        assert_eq!(items.unwrap(), expected.collect::<Vec<_>>());
    }
    let engine = engine().await;
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    assert_eq!(engine.progress().await.unwrap().items, 60);
}
