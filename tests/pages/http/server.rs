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

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The number of earlier requests for this target.
    pub(crate) earlier_requests: usize,
}

impl ReceivedRequest {
    /// A number in the query.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.query.get(name).map(|value| value.parse().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) type HttpResponse = Response<Body>;

/// An HTTP server whose responses are a function of the request, and that records each request.
pub(crate) struct Server {
    pub(crate) url: String,
    log: Arc<Mutex<Vec<ReceivedRequest>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F>(respond: F) -> Self
    where
        F: Fn(&ReceivedRequest) -> HttpResponse + Clone + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&log);
        let router = Router::new().fallback(move |request: Request| async move {
            let request = record(request, &shared).await;
            respond(&request)
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, log, task }
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.target).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn record(request: Request, log: &Mutex<Vec<ReceivedRequest>>) -> ReceivedRequest {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let base = reqwest::Url::parse("http://a").unwrap().join(&target).unwrap();
    let mut log = log.lock().unwrap();
    let received = ReceivedRequest {
        method: parts.method.to_string(),
        earlier_requests: log.iter().filter(|request| request.target == target).count(),
        target,
        query: base.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    log.push(received.clone());
    received
}

/// A server that writes one of these texts for each request, closes the connection, and stops listening after the last.
pub(crate) async fn raw_server(responses: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for response in responses {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            socket.write_all(response.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    url
}

pub(crate) fn json(value: &Value) -> HttpResponse {
    Response::new(Body::from(value.to_string()))
}

pub(crate) fn status(code: u16, body: &str) -> HttpResponse {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

pub(crate) fn with_header(mut response: HttpResponse, name: &'static str, value: &str) -> HttpResponse {
    response.headers_mut().append(name, value.parse().unwrap());
    response
}

/// Serves the items 0 to 9 as GitHub would, at most 4 per page.
pub(crate) fn github(request: &ReceivedRequest) -> HttpResponse {
    let page = request.number("page").unwrap_or(1);
    let size = request.number("per_page").unwrap_or(3).min(4);
    if size == 0 || page == 0 {
        return status(422, r#"{"message":"per_page must be at least 1"}"#);
    }
    let docs: Vec<u32> = (0..10).skip(((page - 1) * size) as usize).take(size as usize).collect();
    let response = json(&docs.into());
    if page * size >= 10 {
        return with_header(response, "link", &format!("</docs?per_page={size}&page=1>; rel=\"first\""));
    }
    let host = request.header("host").unwrap();
    let link = format!("<http://{host}/docs?per_page={size}&page={}>; rel=\"next\"", page + 1);
    with_header(
        response,
        "link",
        &format!("{link}, <http://{host}/docs?per_page={size}&page=9>; rel=\"last\""),
    )
}
