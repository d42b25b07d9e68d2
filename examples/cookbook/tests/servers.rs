//! `serve`, `axum_server` and `grpc_server` with clients in the same process.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::{Buf, BufMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Request, Response, Status};
use withal::context::{async_with, on_exit};
use withal_cookbook::axum_server::axum_server;
use withal_cookbook::grpc_server::grpc_server;
use withal_cookbook::serve::{ServeError, StopRequest, serve};

use crate::cancel_at_every_await;

const GRACE_PERIOD: Duration = Duration::from_secs(20);

/// Requests whose handlers wait until the test releases them.
#[derive(Clone)]
struct Gate {
    open: watch::Sender<bool>,
    started: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Gate {
    fn new(is_open: bool) -> Self {
        Self { open: watch::Sender::new(is_open), started: Arc::default(), ended: Arc::default() }
    }

    /// A request: its exit counts, also if it is dropped.
    async fn pass(self) {
        let mut open = self.open.subscribe();
        self.started.fetch_add(1, Relaxed);
        let end = on_exit(self.ended, async |ended, _| {
            tokio::task::yield_now().await;
            ended.fetch_add(1, Relaxed);
        });
        async_with!(_ = end => { open.wait_for(|open| *open).await.is_ok() });
    }

    async fn wait_for_started(&self, count: usize) {
        while self.started.load(Relaxed) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn app(gate: &Gate) -> Router {
    let gate = gate.clone();
    Router::new().route("/", get(async move || gate.pass().await))
}

/// Returns the status line.
async fn request(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn axum_answers_every_accepted_request_and_no_other() {
    let ((listener, address), gate) = (bind().await, Gate::new(false));
    let mut requests = Vec::new();
    async {
        async_with!(_ = axum_server(listener, app(&gate), GRACE_PERIOD) => {
            requests.extend((0..20).map(|_| tokio::spawn(request(address))));
            gate.wait_for_started(20).await;
            let gate = gate.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await; // the stop of the server was requested
                gate.open.send_replace(true);
            });
        })
    }
    .await
    .unwrap();
    assert_eq!(gate.ended.load(Relaxed), 20);
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    }
    assert_eq!(request(address).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn axum_cancelled_at_every_await_does_not_listen_and_its_requests_have_ended() {
    let gate = Gate::new(true);
    let last = std::cell::Cell::new(None);
    let listeners: Vec<_> = futures::future::join_all((0..100).map(|_| bind())).await;
    let mut listeners = listeners.into_iter();
    let program = || {
        let (listener, address) = listeners.next().expect("there are fewer awaits");
        last.set(Some(address));
        let gate = &gate;
        async move {
            async_with!(_ = axum_server(listener, app(gate), GRACE_PERIOD) => {
                assert_eq!(request(address).await.unwrap(), "HTTP/1.1 200 OK");
            })
        }
    };
    let check = async || {
        let refused = request(last.get().unwrap()).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(gate.started.load(Relaxed), gate.ended.load(Relaxed));
    };
    cancel_at_every_await(program, check).await;
}

#[tokio::test]
async fn axum_drops_late_handlers_and_their_scopes_are_exited() {
    let ((listener, address), gate) = (bind().await, Gate::new(false));
    let mut late = None;
    async {
        async_with!(_ = axum_server(listener, app(&gate), Duration::from_millis(400)) => {
            late = Some(tokio::spawn(request(address)));
            gate.wait_for_started(1).await;
        })
    }
    .await
    .unwrap();
    assert_eq!(late.unwrap().await.unwrap().unwrap(), "HTTP/1.1 503 Service Unavailable");
    withal::cleanup::drain(GRACE_PERIOD).await.unwrap();
    assert_eq!(gate.ended.load(Relaxed), 1);
}

/// Serves until the server ends, for a block that waits for it.
async fn serve_until_it_ends<F, E>(
    start: impl FnOnce(StopRequest) -> F + Send + 'static,
) -> Result<(), ServeError<E>>
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::fmt::Debug + Send + 'static,
{
    async_with!(_ = serve(start, GRACE_PERIOD) => { pending::<()>().await })
}

#[tokio::test]
async fn a_server_that_ends_interrupts_the_block() {
    let end = async |result: Result<(), &'static str>| {
        serve_until_it_ends(move |_| async move {
            tokio::task::yield_now().await;
            result
        })
        .await
    };
    assert!(matches!(end(Err("the port is in use")).await, Err(ServeError::Failed("the port is in use"))));
    assert!(matches!(end(Ok(())).await, Err(ServeError::Ended)));
    let panicked = serve_until_it_ends::<_, Infallible>(|_| async { panic!("a bug of the server") }).await;
    assert!(matches!(panicked, Err(ServeError::Panicked)));
}

fn endless(_: StopRequest) -> std::future::Pending<Result<(), Infallible>> {
    pending()
}

#[tokio::test]
async fn a_server_that_does_not_stop_is_aborted() {
    let late: Result<(), ServeError<Infallible>> =
        async_with!(_ = serve(endless, Duration::from_millis(20)) => {});
    assert!(matches!(late, Err(ServeError::GracePeriod)));
}

/// Text instead of protocol buffers.
#[derive(Clone, Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, item: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        String::from_utf8(bytes.into()).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// A service that returns the request when the gate is open.
#[derive(Clone)]
struct Echo(Gate);

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

impl Service<http::Request<tonic::body::Body>> for Echo {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let call = Call(self.0.clone());
        Box::pin(async move { Ok(tonic::server::Grpc::new(Text).unary(call, request).await) })
    }
}

struct Call(Gate);

impl Service<Request<String>> for Call {
    type Response = Response<String>;
    type Error = Status;
    type Future = BoxFuture<Response<String>, Status>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Status>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let gate = self.0.clone();
        Box::pin(async move {
            gate.pass().await;
            Ok(Response::new(request.into_inner()))
        })
    }
}

async fn call(address: SocketAddr) -> Result<String, Status> {
    let endpoint = tonic::transport::Endpoint::new(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = http::uri::PathAndQuery::from_static("/test.Echo/Echo");
    client.unary(Request::new("hello".to_owned()), path, Text).await.map(Response::into_inner)
}

fn services(gate: &Gate) -> tonic::transport::server::Router {
    tonic::transport::Server::builder().add_service(Echo(gate.clone()))
}

#[tokio::test]
async fn grpc_completes_every_call_and_accepts_no_other() {
    let ((listener, address), gate) = (bind().await, Gate::new(false));
    let mut calls = Vec::new();
    async {
        async_with!(_ = grpc_server(listener, services(&gate), GRACE_PERIOD) => {
            calls.extend((0..20).map(|_| tokio::spawn(call(address))));
            gate.wait_for_started(20).await;
            let gate = gate.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await; // the stop of the server was requested
                gate.open.send_replace(true);
            });
        })
    }
    .await
    .unwrap();
    assert_eq!(gate.ended.load(Relaxed), 20);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "hello");
    }
    assert_eq!(call(address).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn grpc_cancelled_at_every_await_does_not_listen_and_its_calls_have_ended() {
    let gate = Gate::new(true);
    let last = std::cell::Cell::new(None);
    let listeners: Vec<_> = futures::future::join_all((0..100).map(|_| bind())).await;
    let mut listeners = listeners.into_iter();
    let program = || {
        let (listener, address) = listeners.next().expect("there are fewer awaits");
        last.set(Some(address));
        let gate = &gate;
        async move {
            async_with!(_ = grpc_server(listener, services(gate), GRACE_PERIOD) => {
                assert_eq!(call(address).await.unwrap(), "hello");
            })
        }
    };
    let check = async || {
        assert_eq!(call(last.get().unwrap()).await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(gate.started.load(Relaxed), gate.ended.load(Relaxed));
    };
    cancel_at_every_await(program, check).await;
}

/// tonic alone would wait for ever.
#[tokio::test]
async fn grpc_drops_a_call_that_does_not_end() {
    let ((listener, address), gate) = (bind().await, Gate::new(false));
    let mut endless = None;
    let served = async {
        async_with!(_ = grpc_server(listener, services(&gate), Duration::from_millis(100)) => {
            endless = Some(tokio::spawn(call(address)));
            gate.wait_for_started(1).await;
        })
    }
    .await;
    assert!(matches!(served, Err(ServeError::GracePeriod)));
    drop(gate); // the call itself belongs to a task of its connection, which ends with the runtime
    drop(endless);
}
