//! What goes wrong on page 2: the error names it, nothing is lost, and the walk goes on.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use backon::ConstantBuilder;
use futures::{TryStreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;
use withal::pages::http::Error;
use withal::pages::{AsyncGetDocs, Event};

use super::server::{Answer, Asked, Server, github, json, raw, status, with};
use super::{all, chain, endpoint, until_error};

const PAGE_2: &str = "/docs?per_page=3&page=2";

/// A fault, what its error says, and whether it is worth another attempt.
type Trap = (fn() -> Answer, &'static str, bool);

fn chunked(text: &str) -> Body {
    let chunks: Vec<_> =
        text.as_bytes().chunks(100).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    Body::from_stream(stream::iter(chunks))
}

const TRAPS: &[Trap] = &[
    (|| status(200, "<html>"), "the body of HERE is not JSON: expected value at line 1 column 1", false),
    (|| status(200, "[3, 4"), "the body of HERE is not JSON: EOF while parsing", true),
    (|| json(&json!({})), "the body of HERE has an object at \"\" instead of an array", false),
    (|| json(&json!(null)), "the body of HERE has null at \"\" instead of an array", false),
    (
        || json(&json!([3, "x"])),
        "item 1 of HERE does not fit its type: invalid type: string \"x\", expected u32",
        false,
    ),
    (
        || with(json(&json!([3])), "link", "<?page=3; rel=next"),
        "the link header of HERE cannot be read: <?page",
        false,
    ),
    (|| status(401, "who are\n\nyou\u{7}?"), "HERE answered 401 Unauthorized: who are you ?", false),
    (|| status(403, ""), "HERE answered 403 Forbidden", false),
    (|| status(404, ""), "HERE answered 404 Not Found", false),
    (|| status(500, "oh"), "HERE answered 500 Internal Server Error: oh", true),
    (|| status(503, ""), "HERE answered 503 Service Unavailable", true),
    (|| with(status(429, ""), "retry-after", "0"), "HERE answered 429 Too Many Requests", true),
    (|| with(status(503, ""), "retry-after", "86400"), "HERE answered 503 Service Unavailable", false),
    (|| status(304, ""), "HERE answered 304 Not Modified", false),
    (|| with(status(302, ""), "location", "/round"), "/round was redirected more than 10 times", false),
    (
        || with(status(302, ""), "location", "http://[/"),
        "\"http://[/\" is no URL to ask: invalid IPv6",
        false,
    ),
    (|| json(&vec![0; 600].into()), "the body of HERE is larger than 1000 bytes", false),
    (|| Response::new(chunked(&"[3] ".repeat(300))), "the body of HERE is larger than 1000 bytes", false),
];

/// Serves like GitHub; page 2 answers with the fault the first time.
async fn trapped(fault: fn() -> Answer) -> Server {
    Server::start(move |asked: &Asked| match asked.target.as_str() {
        PAGE_2 if asked.before == 0 => fault(),
        "/round" => with(status(307, ""), "location", "/round"),
        _ => github(asked),
    })
    .await
}

fn docs(server: &Server) -> AsyncGetDocs<u32, String, Error> {
    endpoint(&format!("{}/docs", server.url)).max_body(1000).by_link()
}

async fn rest(docs: &mut AsyncGetDocs<u32, String, Error>) -> Vec<u32> {
    docs.try_collect().await.unwrap()
}

#[tokio::test]
async fn the_error_names_the_page_and_retry_failed_goes_on() {
    for (fault, want, _) in TRAPS {
        let server = trapped(*fault).await;
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
async fn the_checkpoint_goes_on_at_the_page_that_failed() {
    for (fault, want, _) in TRAPS {
        let server = trapped(*fault).await;
        let mut first = docs(&server);
        until_error(&mut first).await;
        // Also on another server: the cursor is no absolute URL.
        let other = Server::start(github).await;
        for server in [&server, &other] {
            assert_eq!(all(docs(server).resume(first.checkpoint())).await, [3, 4, 5, 6, 7, 8, 9], "{want}");
        }
    }
}

#[tokio::test]
async fn what_will_pass_is_retried_and_nothing_else() {
    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(3);
    for (fault, want, passes) in TRAPS {
        let server = trapped(*fault).await;
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

#[tokio::test]
async fn a_connection_cut_in_the_middle_loses_nothing() {
    let head = "HTTP/1.1 200 OK\r\nlink: </docs>; rel=next\r\n";
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[3]".to_owned();
    for (cut, want) in [
        (format!("{head}content-length: 7\r\n\r\n[0,1"), "was cut short"),
        // Whole as JSON, and short all the same.
        (format!("{head}content-length: 9\r\n\r\n[0,1]"), "was cut short"),
        (format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n[0,1]\r\n"), "was cut short"),
        (format!("{head}transfer-encoding: chunked\r\n\r\n9\r\n[0,1]"), "was cut short"),
        (format!("{head}\r\n[0,1"), "is not JSON: EOF while parsing"),
        ("HTTP/1.1 200 OK\r\nlink:".to_owned(), "could not be reached"),
        (String::new(), "could not be reached"),
    ] {
        let whole = format!("{head}content-length: 7\r\n\r\n[0,1,2]");
        let url = raw(vec![cut.clone(), whole.clone(), last.clone()]).await;
        let mut docs = endpoint(&url).by_link();
        let (before, error) = until_error(&mut docs).await;
        assert_eq!(before, [0; 0], "{cut}");
        assert!(chain(&error).contains(want), "{}", chain(&error));
        assert!(docs.retry_failed());
        assert_eq!(rest(&mut docs).await, [0, 1, 2, 3], "{cut}");

        let url = raw(vec![cut, whole, last.clone()]).await;
        let policy = ConstantBuilder::default().with_delay(Duration::ZERO);
        assert_eq!(all(endpoint(&url).by_link().retry(policy)).await, [0, 1, 2, 3]);
    }
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_not_read() {
    let url = raw(vec!["HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned()]).await;
    let (_, error) = until_error(&mut endpoint(&url).max_body(1000).by_link()).await;
    assert!(chain(&error).ends_with("is larger than 1000 bytes"), "{}", chain(&error));
}

#[tokio::test]
async fn a_body_as_large_as_allowed_is_read() {
    let server = Server::start(|_: &Asked| json(&json!([1, 2, 3]))).await;
    assert_eq!(all(endpoint(&server.url).max_body(7).by_link()).await, [1, 2, 3]);
    assert_eq!(until_error(&mut endpoint(&server.url).max_body(6).by_link()).await.0, [0; 0]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_and_retried() {
    let url = raw(Vec::new()).await;
    tokio::task::yield_now().await;
    let policy = ConstantBuilder::default().with_delay(Duration::ZERO).with_max_times(2);
    let (before, error) = until_error(&mut endpoint(&url).by_link().retry(policy)).await;
    assert_eq!(before, [0; 0]);
    let want = format!("page 1 (cursor \"/\"): fetch failed after 3 attempts: {url}/ could not be reached: ");
    assert!(chain(&error).starts_with(&want), "{}", chain(&error));
}

/// The pause before the next attempt, as the walk means to keep it; nobody waits for it here.
async fn pause(answer: Answer) -> Duration {
    let (parts, _) = answer.into_parts();
    let server = Server::start(move |_: &Asked| {
        let mut answer = status(parts.status.as_u16(), "");
        answer.headers_mut().extend(parts.headers.clone());
        answer
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
async fn retry_after_is_kept() {
    let dated = with(status(503, ""), "date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (answer, seconds) in [
        (with(status(429, ""), "retry-after", "7"), 7),
        (with(status(403, ""), "retry-after", "60"), 60),
        (with(dated, "retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), 30),
        // The policy's own second.
        (with(status(503, ""), "retry-after", "0"), 1),
        (status(503, ""), 1),
    ] {
        assert_eq!(pause(answer).await, Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_page_size_of_nothing_is_the_servers_to_refuse() {
    let server = Server::start(github).await;
    let (_, error) = until_error(&mut endpoint(&format!("{}/docs?per_page=0", server.url)).by_link()).await;
    let want = format!(
        "page 1 (cursor \"/docs?per_page=0\"): fetch failed after 1 attempt: {}/docs?per_page=0 answered 422 \
         Unprocessable Entity: {{\"message\":\"per_page must be at least 1\"}}",
        server.url
    );
    assert_eq!(chain(&error), want);

    let (_, error) = until_error(&mut endpoint(&server.url).by_offset("offset", "limit", 0)).await;
    assert_eq!(error.to_string(), "page 1 (cursor offset=0): page size must be greater than 0");
}

#[tokio::test]
async fn a_cursor_that_is_none_is_an_error_and_no_end() {
    let server = Server::start(|_: &Asked| json(&json!({ "items": [1], "next": { "token": 2 } }))).await;
    let endpoint = endpoint(&server.url).items_at("/items");
    for mut docs in [endpoint.clone().by_cursor("/next", "cursor"), endpoint.by_next_url("/next")] {
        let (_, error) = until_error(&mut docs).await;
        assert!(
            chain(&error).ends_with("has an object at \"/next\" instead of a cursor"),
            "{}",
            chain(&error)
        );
    }
}

#[tokio::test]
async fn a_link_that_is_no_url_comes_after_its_page() {
    let server = Server::start(|_: &Asked| json(&json!({ "items": [1], "next": "http://me:pw@[/" }))).await;
    let (before, error) =
        until_error(&mut endpoint(&server.url).items_at("/items").by_next_url("/next")).await;
    assert_eq!(before, [1]);
    let want =
        "page 2 (cursor \"http://[/\"): fetch failed after 1 attempt: \"http://[/\" is no URL to ask: ";
    assert!(chain(&error).starts_with(want), "{}", chain(&error));
}

#[tokio::test]
async fn a_link_to_itself_is_a_loop() {
    let server = Server::start(|_: &Asked| with(json(&json!([1])), "link", "<>; rel=next")).await;
    let (before, error) = until_error(&mut docs(&server)).await;
    assert_eq!(before, [1]);
    assert_eq!(
        error.to_string(),
        "page 1 (cursor \"/docs\"): cursor cycle, next cursor \"/docs\" was fetched before"
    );
}

#[tokio::test]
async fn a_flag_that_is_neither_true_nor_false_is_an_error_and_no_end() {
    let server = Server::start(|_: &Asked| json(&json!({ "items": [1], "more": "true" }))).await;
    let endpoint = endpoint(&server.url).items_at("/items").has_more_at("/more");
    let (_, error) = until_error(&mut endpoint.by_cursor("/next", "cursor")).await;
    assert!(
        chain(&error).ends_with("has a string at \"/more\" instead of true or false"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn an_error_does_not_wait_for_a_body_that_does_not_come() {
    let silent = || {
        let mut answer =
            Response::new(Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>()));
        *answer.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
        answer
    };
    let server = trapped(silent).await;
    let (before, error) = until_error(&mut docs(&server)).await;
    assert_eq!(before, [0, 1, 2]);
    assert!(chain(&error).ends_with("answered 503 Service Unavailable"), "{}", chain(&error));
}
