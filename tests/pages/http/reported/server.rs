use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(super) struct Req {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The number of earlier requests.
    pub(super) n: usize,
}

impl Req {
    /// A parameter of the query.
    pub(super) fn q(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse("http://x").unwrap().join(&self.target).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn number(&self, name: &str) -> u32 {
        self.q(name).unwrap().parse().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A response whose headers and body are any bytes, unlike those of a server that keeps to HTTP.
pub(super) struct Resp {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

pub(super) fn raw(status: u16, body: impl Into<Vec<u8>>) -> Resp {
    Resp { status, headers: Vec::new(), body: body.into() }
}

#[allow(clippy::needless_pass_by_value, reason = "a test passes the result of `json!`")]
pub(super) fn js(value: Value) -> Resp {
    raw(200, value.to_string())
}

impl Resp {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A server on the loopback interface whose responses are a function of the request, one request per connection.
pub(super) struct Server {
    pub(super) url: String,
    log: Arc<Mutex<Vec<Req>>>,
}

impl Server {
    pub(super) async fn start(respond: impl Fn(&Req) -> Resp + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (shared, respond) = (Arc::clone(&log), Arc::new(respond));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (log, respond) = (Arc::clone(&shared), Arc::clone(&respond));
                tokio::spawn(async move { serve(socket, &log, &*respond).await });
            }
        });
        Self { url, log }
    }

    pub(super) fn targets(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|req| req.target.clone()).collect()
    }
}

/// Serves one request. `None` if the client closes the connection early.
async fn serve(
    mut socket: TcpStream,
    log: &Mutex<Vec<Req>>,
    respond: &(dyn Fn(&Req) -> Resp + Send + Sync),
) -> Option<()> {
    let (mut bytes, mut chunk) = (Vec::new(), [0_u8; 4096]);
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let n = socket.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> =
        pairs.map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers
        .iter()
        .find(|(key, _)| key == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head + 4 + length {
        let n = socket.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
    }
    let body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
    let req = {
        let mut log = log.lock().unwrap();
        let req = Req { method, target, headers, body, n: log.len() };
        log.push(req.clone());
        req
    };
    let resp = respond(&req);
    let mut out = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", resp.status).into_bytes();
    for (name, value) in &resp.headers {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    if resp.status != 204 {
        out.extend_from_slice(format!("content-length: {}\r\n", resp.body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&resp.body);
    socket.write_all(&out).await.ok()?;
    socket.shutdown().await.ok()
}
