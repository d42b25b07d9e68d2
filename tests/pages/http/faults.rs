//! Faults of page 2: the error names the page, no item is lost, and the stream can continue.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use backon::ConstantBuilder;
use futures::{TryStreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;
use withal::pages::http::{self, Error};
use withal::pages::{AsyncGetDocs, Event, OnError};

use super::server::{HttpResponse, ReceivedRequest, Server, github, json, raw_server, status, with_header};
use super::{all, chain, client, endpoint, until_error};

const PAGE_2: &str = "/docs?per_page=3&page=2";

/// A faulty response, a part of its error message, and `true` if it is retried.
type Fault = (fn() -> HttpResponse, &'static str, bool);

fn chunked(text: &str) -> Body {
    let chunks: Vec<_> =
        text.as_bytes().chunks(100).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    Body::from_stream(stream::iter(chunks))
}

const FAULTS: &[Fault] = &[
    (
        || status(200, "<html>"),
        "expected JSON from HERE, found HTML: <html>: expected value at line 1 column 1",
        false,
    ),
    (|| status(200, "[3, 4"), "invalid JSON from HERE: EOF while parsing", true),
    (|| json(&json!({})), "expected an array at \"\" in the response from HERE, found an object: {}", false),
    (|| json(&json!(null)), "expected an array at \"\" in the response from HERE, found null: null", false),
    (
        || json(&json!([3, "x"])),
        "failed to deserialize item 1 from HERE: invalid type: string \"x\", expected u32",
        false,
    ),
    (
        || with_header(json(&json!([3])), "link", "<?page=3; rel=next"),
        "invalid Link header from HERE: <?page",
        false,
    ),
    (|| status(401, "who are\n\nyou\u{7}?"), "HERE returned 401 Unauthorized: who are you ?", false),
    (|| status(403, ""), "HERE returned 403 Forbidden", false),
    (|| status(404, ""), "HERE returned 404 Not Found", false),
    (|| status(500, "oh"), "HERE returned 500 Internal Server Error: oh", true),
    (|| status(503, ""), "HERE returned 503 Service Unavailable", true),
    (|| with_header(status(429, ""), "retry-after", "0"), "HERE returned 429 Too Many Requests", true),
    (|| with_header(status(503, ""), "retry-after", "86400"), "HERE returned 503 Service Unavailable", false),
    (|| status(304, ""), "HERE returned 304 Not Modified", false),
    (
        || with_header(status(302, ""), "location", "/round"),
        "more than 10 redirects in a row, the last one to ",
        false,
    ),
    (
        || with_header(status(302, ""), "location", "http://[/"),
        "invalid URL \"http://[/\": invalid IPv6",
        false,
    ),
    (|| json(&vec![0; 600].into()), "response body from HERE exceeds 1000 bytes", false),
    (|| Response::new(chunked(&"[3] ".repeat(300))), "response body from HERE exceeds 1000 bytes", false),
];

/// Serves like GitHub; the first request for page 2 gets the fault.
async fn faulty(fault: fn() -> HttpResponse) -> Server {
    Server::start(move |request: &ReceivedRequest| match request.target.as_str() {
        PAGE_2 if request.earlier_requests == 0 => fault(),
        "/round" => with_header(status(307, ""), "location", "/round"),
        _ => github(request),
    })
    .await
}

fn docs(server: &Server) -> AsyncGetDocs<u32, String, Error> {
    endpoint(&format!("{}/docs", server.url)).max_body(1000).by_link().no_retry()
}

async fn rest(docs: &mut AsyncGetDocs<u32, String, Error>) -> Vec<u32> {
    docs.try_collect().await.unwrap()
}

#[tokio::test]
async fn the_error_names_the_page_and_retry_failed_continues() {
    for (fault, want, _) in FAULTS {
        let server = faulty(*fault).await;
        let mut docs = docs(&server);
        let (before, error) = until_error(&mut docs).await;
        assert_eq!(before, [0, 1, 2], "{want}");
        assert_eq!((error.page(), error.cursor()), (2, Some(format!("{PAGE_2:?}").as_str())));
        let text = chain(&error);
        assert!(
            text.starts_with("page 2 (cursor \"/docs?per_page=3&page=2\"): fetch failed after 1 attempt: "),
            "{text}"
        );
        assert!(text.contains(&want.replace("HERE", &format!("{}{PAGE_2}", server.url))), "{text}");
        assert_eq!(docs.try_next().await.unwrap(), None, "{want}");
        assert!(docs.retry_failed());
        assert_eq!(rest(&mut docs).await, [3, 4, 5, 6, 7, 8, 9], "{want}");
    }
}

#[tokio::test]
async fn the_checkpoint_continues_at_the_failed_page() {
    for (fault, want, _) in FAULTS {
        let server = faulty(*fault).await;
        let mut first = docs(&server);
        until_error(&mut first).await;
        // Another server works, too, because the cursor is a relative URL.
        let other = Server::start(github).await;
        for server in [&server, &other] {
            assert_eq!(all(docs(server).resume(first.checkpoint())).await, [3, 4, 5, 6, 7, 8, 9], "{want}");
        }
    }
}

#[tokio::test]
async fn only_transient_faults_are_retried() {
    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(3);
    for (fault, want, passes) in FAULTS {
        let server = faulty(*fault).await;
        let mut docs = docs(&server).retry(policy);
        if *passes {
            assert_eq!(rest(&mut docs).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "{want}");
            assert_eq!(docs.progress().retries, 1, "{want}");
        } else {
            let (_, error) = until_error(&mut docs).await;
            assert!(error.to_string().ends_with("after 1 attempt"), "{want}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn transient_faults_are_retried_three_times_by_default() {
    for (fault, want, passes) in FAULTS {
        let server = faulty(*fault).await;
        let mut docs = endpoint(&format!("{}/docs", server.url)).max_body(1000).by_link();
        if *passes {
            assert_eq!(rest(&mut docs).await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "{want}");
        } else {
            assert_eq!(until_error(&mut docs).await.0, [0, 1, 2], "{want}");
        }
    }
    let server = Server::start(|_: &ReceivedRequest| status(500, "")).await;
    let (sender, mut delays) = unbounded_channel();
    let mut docs = endpoint(&server.url).by_link().on_event(move |event| {
        if let Event::Retry { delay, .. } = event {
            sender.send(*delay).unwrap();
        }
    });
    let (_, error) = until_error(&mut docs).await;
    assert!(error.to_string().ends_with("after 4 attempts"), "{error}");
    drop(docs);
    let delays: Vec<_> = std::iter::from_fn(|| delays.try_recv().ok()).collect();
    assert_eq!(delays.len(), 3);
    for (delay, min) in delays.iter().zip([200, 400, 800].map(Duration::from_millis)) {
        assert!((min..=2 * min).contains(delay), "{delays:?}");
    }
}

#[tokio::test]
async fn an_incomplete_body_loses_no_item() {
    let head = "HTTP/1.1 200 OK\r\nlink: </docs>; rel=next\r\n";
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[3]".to_owned();
    for (cut, want) in [
        (format!("{head}content-length: 7\r\n\r\n[0,1"), "incomplete response body"),
        // Valid JSON, but shorter than its `Content-Length`.
        (format!("{head}content-length: 9\r\n\r\n[0,1]"), "incomplete response body"),
        (format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n[0,1]\r\n"), "incomplete response body"),
        (format!("{head}transfer-encoding: chunked\r\n\r\n9\r\n[0,1]"), "incomplete response body"),
        (format!("{head}\r\n[0,1"), ": EOF while parsing"),
        ("HTTP/1.1 200 OK\r\nlink:".to_owned(), "request to http://"),
        (String::new(), "request to http://"),
    ] {
        let whole = format!("{head}content-length: 7\r\n\r\n[0,1,2]");
        let url = raw_server(vec![cut.clone(), whole.clone(), last.clone()]).await;
        let mut docs = endpoint(&url).by_link().no_retry();
        let (before, error) = until_error(&mut docs).await;
        assert_eq!(before, [0; 0], "{cut}");
        assert!(chain(&error).contains(want), "{}", chain(&error));
        assert!(docs.retry_failed());
        assert_eq!(rest(&mut docs).await, [0, 1, 2, 3], "{cut}");

        let url = raw_server(vec![cut, whole, last.clone()]).await;
        let policy = ConstantBuilder::default().with_delay(Duration::ZERO);
        assert_eq!(all(endpoint(&url).by_link().retry(policy)).await, [0, 1, 2, 3]);
    }
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_not_read() {
    let url = raw_server(vec!["HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned()]).await;
    let (_, error) = until_error(&mut endpoint(&url).max_body(1000).by_link()).await;
    assert!(chain(&error).ends_with("exceeds 1000 bytes"), "{}", chain(&error));
}

#[tokio::test]
async fn a_body_as_large_as_allowed_is_read() {
    let server = Server::start(|_: &ReceivedRequest| json(&json!([1, 2, 3]))).await;
    assert_eq!(all(endpoint(&server.url).max_body(7).by_link()).await, [1, 2, 3]);
    assert_eq!(until_error(&mut endpoint(&server.url).max_body(6).by_link()).await.0, [0; 0]);
}

#[tokio::test]
async fn a_refused_connection_is_retried() {
    let url = raw_server(Vec::new()).await;
    tokio::task::yield_now().await;
    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(2);
    let (before, error) = until_error(&mut endpoint(&url).by_link().retry(policy)).await;
    assert_eq!(before, [0; 0]);
    let want = format!("page 1 (cursor \"/\"): fetch failed after 3 attempts: request to {url}/ failed: ");
    assert!(chain(&error).starts_with(&want), "{}", chain(&error));
}

/// The delay before the next attempt, as the event reports it. The test does not wait for it.
async fn retry_delay(response: HttpResponse) -> Duration {
    let (parts, _) = response.into_parts();
    let server = Server::start(move |_: &ReceivedRequest| {
        let mut response = status(parts.status.as_u16(), "");
        response.headers_mut().extend(parts.headers.clone());
        response
    })
    .await;
    let (sender, mut pauses) = unbounded_channel();
    let mut docs =
        endpoint(&server.url).by_link::<u32>().retry(ConstantBuilder::default()).on_event(move |event| {
            if let Event::Retry { delay, .. } = event {
                sender.send(*delay).unwrap();
            }
        });
    tokio::select! {
        doc = docs.try_next() => panic!("{doc:?}"),
        pause = pauses.recv() => pause.unwrap(),
    }
}

#[tokio::test]
async fn retry_after_is_respected() {
    let dated = with_header(status(503, ""), "date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (response, seconds) in [
        (with_header(status(429, ""), "retry-after", "7"), 7),
        (with_header(status(403, ""), "retry-after", "60"), 60),
        (with_header(dated, "retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), 30),
        // The delay of the retry policy.
        (with_header(status(503, ""), "retry-after", "0"), 1),
        (status(503, ""), 1),
    ] {
        assert_eq!(retry_delay(response).await, Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_page_size_of_0_is_an_error() {
    let server = Server::start(github).await;
    let (_, error) = until_error(&mut endpoint(&format!("{}/docs?per_page=0", server.url)).by_link()).await;
    let want = format!(
        "page 1 (cursor \"/docs?per_page=0\"): fetch failed after 1 attempt: {}/docs?per_page=0 returned 422 \
         Unprocessable Entity: {{\"message\":\"per_page must be at least 1\"}}",
        server.url
    );
    assert_eq!(chain(&error), want);

    let (_, error) = until_error(&mut endpoint(&server.url).by_offset("offset", "limit", 0)).await;
    assert_eq!(error.to_string(), "page 1 (cursor offset=0): page size must be greater than 0");
}

#[tokio::test]
async fn an_invalid_cursor_is_an_error() {
    let server =
        Server::start(|_: &ReceivedRequest| json(&json!({ "items": [1], "next": { "token": 2 } }))).await;
    let endpoint = endpoint(&server.url).items_at("/items");
    for mut docs in [endpoint.clone().by_cursor("/next", "cursor"), endpoint.by_next_url("/next")] {
        let (_, error) = until_error(&mut docs).await;
        assert!(
            chain(&error).contains("expected a cursor at \"/next\" in the response from http://"),
            "{}",
            chain(&error)
        );
        assert!(chain(&error).ends_with(", found an object"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn an_invalid_link_fails_after_the_items_of_its_page() {
    let server =
        Server::start(|_: &ReceivedRequest| json(&json!({ "items": [1], "next": "http://me:pw@[/" }))).await;
    let (before, error) =
        until_error(&mut endpoint(&server.url).items_at("/items").by_next_url("/next")).await;
    assert_eq!(before, [1]);
    let want = "page 2 (cursor \"http://[/\"): fetch failed after 1 attempt: invalid URL \"http://[/\": ";
    assert!(chain(&error).starts_with(want), "{}", chain(&error));
}

#[tokio::test]
async fn a_link_to_itself_is_a_cycle() {
    let server =
        Server::start(|_: &ReceivedRequest| with_header(json(&json!([1])), "link", "<>; rel=next")).await;
    let (before, error) = until_error(&mut docs(&server)).await;
    assert_eq!(before, [1]);
    assert_eq!(
        error.to_string(),
        "page 1 (cursor \"/docs\"): cursor cycle, next cursor \"/docs\" was fetched before; set `on_cycle` if that marks the end or is not an error"
    );
}

#[tokio::test]
async fn an_invalid_flag_is_an_error() {
    let server = Server::start(|_: &ReceivedRequest| json(&json!({ "items": [1], "more": "perhaps" }))).await;
    let endpoint = endpoint(&server.url).items_at("/items").has_more_at("/more");
    let (_, error) = until_error(&mut endpoint.by_cursor("/next", "cursor")).await;
    let want = "expected true or false at \"/more\" in the response from http://";
    assert!(chain(&error).contains(want), "{}", chain(&error));
    assert!(chain(&error).ends_with(", found a string"), "{}", chain(&error));
}

#[tokio::test]
async fn an_error_does_not_wait_for_a_stalled_body() {
    let stalled = || {
        let mut response =
            Response::new(Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>()));
        *response.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
        response
    };
    let server = faulty(stalled).await;
    let (before, error) = until_error(&mut docs(&server)).await;
    assert_eq!(before, [0, 1, 2]);
    assert!(chain(&error).ends_with("returned 503 Service Unavailable"), "{}", chain(&error));
}

/// The HTTP error of the first page.
async fn http_error(mut docs: AsyncGetDocs<u32, String, Error>) -> Error {
    docs.try_next().await.unwrap_err().into_fetch_error().unwrap()
}

#[tokio::test(start_paused = true)]
async fn predicates_match_their_errors_only() {
    let refused = raw_server(Vec::new()).await;
    tokio::task::yield_now().await;
    let error = http_error(endpoint(&refused).by_link()).await;
    assert!(error.is_connect() && !error.is_timeout() && error.status().is_none(), "{error:?}");

    // One server stalls before the response, the other within its body.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unresponsive = format!("http://{}", listener.local_addr().unwrap());
    let stalled = Server::start(|_: &ReceivedRequest| {
        Response::new(Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>()))
    })
    .await;
    for (url, status) in [(&unresponsive, None), (&stalled.url, Some(reqwest::StatusCode::OK))] {
        let builder = reqwest::Client::builder().read_timeout(Duration::from_secs(1));
        let error = http_error(client(builder).endpoint(url).unwrap().by_link()).await;
        assert!(error.is_timeout() && !error.is_connect() && error.status() == status, "{error:?}");
        assert_eq!(http::classify::<()>(&error), OnError::Retry { after: None });
    }

    let server = Server::start(|_: &ReceivedRequest| status(504, "")).await;
    let error = http_error(endpoint(&server.url).by_link()).await;
    assert!(error.status().is_some_and(|status| status == 504), "{error:?}");
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
}
