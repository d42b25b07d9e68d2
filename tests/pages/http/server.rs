use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Path and query.
    pub(crate) target: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// How often this target was asked for before.
    pub(crate) before: usize,
}

impl Asked {
    /// A number in the query.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.query.get(name).map(|value| value.parse().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) type Answer = Response<Body>;

/// An HTTP server that answers as a function says, and remembers what it was asked.
pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(&Asked) -> Answer + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&log);
        let router = Router::new().fallback(move |request: Request| async move {
            let asked = note(request, &shared).await;
            answer(&asked)
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, log, task }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.target).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn note(request: Request, log: &Mutex<Vec<Asked>>) -> Asked {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let base = reqwest::Url::parse("http://a").unwrap().join(&target).unwrap();
    let mut log = log.lock().unwrap();
    let asked = Asked {
        before: log.iter().filter(|asked| asked.target == target).count(),
        target,
        query: base.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    log.push(asked.clone());
    asked
}

/// A server that writes these bytes and hangs up, one after the other, whatever it is asked; then it is gone.
pub(crate) async fn raw(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    url
}

pub(crate) fn json(value: &Value) -> Answer {
    Response::new(Body::from(value.to_string()))
}

pub(crate) fn status(code: u16, body: &str) -> Answer {
    let mut answer = Response::new(Body::from(body.to_owned()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    answer
}

pub(crate) fn with(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    answer.headers_mut().append(name, value.parse().unwrap());
    answer
}

/// The documents 0 to 9 as GitHub would serve them, with at most 4 a page.
pub(crate) fn github(asked: &Asked) -> Answer {
    let page = asked.number("page").unwrap_or(1);
    let size = asked.number("per_page").unwrap_or(3).min(4);
    if size == 0 || page == 0 {
        return status(422, r#"{"message":"per_page must be at least 1"}"#);
    }
    let docs: Vec<u32> = (0..10).skip(((page - 1) * size) as usize).take(size as usize).collect();
    let answer = json(&docs.into());
    if page * size >= 10 {
        return with(answer, "link", &format!("</docs?per_page={size}&page=1>; rel=\"first\""));
    }
    let host = asked.header("host").unwrap();
    let link = format!("<http://{host}/docs?per_page={size}&page={}>; rel=\"next\"", page + 1);
    with(answer, "link", &format!("{link}, <http://{host}/docs?per_page={size}&page=9>; rel=\"last\""))
}
