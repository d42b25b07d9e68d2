//! No error, event or `Debug` output contains a secret, and each text is bounded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use withal::pages::http::{self, TokenSource};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, client, endpoint, until_error};

/// A response that repeats a URL.
type Answer = fn(&str) -> HttpResponse;

const NAMES: [&str; 10] = [
    "access_token",
    "api_key",
    "apiKey",
    "key",
    "token",
    "sig",
    "X-Amz-Signature",
    "client_secret",
    "password",
    "Ocp-Apim-Subscription-Key",
];

/// A response that is far too long.
type LongAnswer = Box<dyn Fn() -> HttpResponse + Send + Sync>;

/// Every error of a page whose URL and whose body contain the secret.
const ANSWERS: &[(&str, Answer)] = &[
    ("status", |url| status(500, &format!("{{\"next\":\"{url}\"}}"))),
    ("html", |url| status(200, &format!("<a href='{url}'>"))),
    ("type", |url| json(&json!({ "next": url }))),
    ("item", |url| json(&json!([{ "next": url }]))),
    ("cut", |_| status(200, "[1, 2")),
    ("not ready", |url| status(202, url)),
    ("link", |url| with_header(json(&json!([1])), "link", &format!("<{url}"))),
    ("redirect", |url| with_header(status(302, ""), "location", &format!("http://other.invalid{url}"))),
    ("loop", |url| with_header(status(302, ""), "location", url)),
    ("no url", |url| with_header(status(302, ""), "location", &format!("http://me:SECRET/x@[{url}"))),
];

#[tokio::test]
async fn no_error_contains_a_secret_of_its_url() {
    for (case, answer) in ANSWERS {
        for name in NAMES {
            let path = format!("/docs?{name}=SECRET&after=a");
            let link = path.clone();
            let server = Server::start(move |request: &ReceivedRequest| match request.query.get("after") {
                None => with_header(json(&json!([0])), "link", &format!("<{link}>; rel=next")),
                Some(_) => answer(&link),
            })
            .await;
            let mut docs = endpoint(&format!("{}/docs", server.url)).by_link::<u32>().no_retry();
            let error = loop {
                match docs.try_next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{case} {name}: no error"),
                    Err(error) => break error,
                }
            };
            let text = chain(&error);
            for shown in [&text, &format!("{error:?}")] {
                assert!(!shown.contains("SECRET"), "{case} {name}: {shown}");
                assert!(shown.contains(&format!("{name}=***")), "{case} {name}: {shown}");
                assert!(shown.len() < 2048, "{case} {name}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_parameter_is_secret_if_the_user_declares_it() {
    let server = Server::start(|_: &ReceivedRequest| status(500, "/?sid=SECRET&sort=up")).await;
    let endpoint = endpoint(&format!("{}/?SID=SECRET&sort=up", server.url)).secret_parameter("sid");
    let shown = format!("{endpoint:?}");
    assert!(shown.contains("SID=***&sort=up") && !shown.contains("SECRET"), "{shown}");
    let (_, error) = until_error(&mut endpoint.by_link::<u32>().no_retry()).await;
    let text = chain(&error);
    assert!(
        !text.contains("SECRET") && text.contains("SID=***") && text.contains("/?sid=***&sort=up"),
        "{text}"
    );
}

/// Links of an API that keeps, drops or replaces the secrets of the request.
async fn paged(links: [&'static str; 2]) -> Server {
    Server::start(move |request: &ReceivedRequest| {
        if request.query.get("apiKey").is_none_or(|key| key != "SECRET") {
            return status(401, "no key");
        }
        let page = request.number("page").unwrap_or(0);
        let link = links.get(page as usize);
        let response = json(&json!([page]));
        link.map_or(status(200, &format!("[{page}]")), |link| {
            with_header(response, "link", &format!("<{link}>; rel=next"))
        })
    })
    .await
}

#[tokio::test]
async fn the_secrets_of_the_endpoint_are_sent_and_are_in_no_checkpoint() {
    for links in [
        ["/docs?page=1", "/docs?page=2"],
        ["/docs?apiKey=SECRET&page=1", "/docs?page=2&apiKey=SECRET"],
        ["?page=1", "docs?apiKey=SECRET&page=2"],
    ] {
        let server = paged(links).await;
        let docs = || endpoint(&format!("{}/docs?apiKey=SECRET", server.url)).by_link::<u32>();
        let mut first = docs();
        assert_eq!(first.checkpoint().cursor().unwrap(), "/docs");
        for page in 0..3 {
            assert_eq!(first.try_next().await.unwrap(), Some(page), "{links:?}");
            let text = serde_json::to_string(&first.checkpoint()).unwrap();
            assert!(!text.contains("SECRET"), "{text}");
            let rest: Vec<u32> = (page + 1..3).collect();
            assert_eq!(all(docs().resume(first.checkpoint())).await, rest, "{links:?}");
        }
        assert_eq!(first.try_next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn other_secrets_are_part_of_the_cursor_unless_they_are_stripped() {
    let links = ["/docs?apiKey=SECRET&sig=OTHER&page=1", "/docs?page=2&sig=OTHER"];
    for (strip, want) in [
        (false, ["/docs?sig=OTHER&page=1", "/docs?page=2&sig=OTHER"]),
        (true, ["/docs?page=1", "/docs?page=2"]),
    ] {
        let server = paged(links).await;
        let endpoint = endpoint(&format!("{}/docs?apiKey=SECRET", server.url));
        let endpoint = if strip { endpoint.strip_secrets() } else { endpoint };
        let mut docs = endpoint.by_link::<u32>().no_retry();
        for (page, want) in want.iter().enumerate() {
            assert_eq!(docs.try_next().await.unwrap(), Some(u32::try_from(page).unwrap()));
            assert_eq!(docs.checkpoint().cursor().unwrap(), want);
        }
        assert_eq!(all(docs).await, [2]);
    }
}

#[test]
fn malformed_urls_do_not_show_their_password() {
    let client = client(reqwest::Client::builder());
    for url in [
        "http://me:SEC/RET@host/",
        "http://me:SEC/RET@host:99999/",
        "http://me:SEC?RET@host/",
        "http://me:SEC#RET@host/",
        "http://me:SEC\\RET@host/",
        "http://me:SEC@RET@[/",
        "http:///me:SEC/RET@ho st",
        "http://me:SEC%40host/",
        "me:SEC/RET@host",
        "//me:SECRET@host",
        "ftp://me:SECRET@host/?token=SECRET",
        "http://[::1/?token=SECRET",
    ] {
        let shown = match client.endpoint(url) {
            Ok(endpoint) => format!("{endpoint:?}"),
            Err(error) => format!("{} {error:?}", chain(&error)),
        };
        assert!(!shown.contains("SEC") && !shown.contains("RET"), "{url}: {shown}");
    }
}

#[tokio::test]
async fn an_error_is_small_and_its_text_bounded_and_printable() {
    assert!(size_of::<http::Error>() <= 56, "{}", size_of::<http::Error>());
    let long = "\u{202e}é\u{200b}\"\\".repeat(100_000);
    let answers: Vec<LongAnswer> = vec![
        {
            let long = long.clone();
            Box::new(move || status(500, &long))
        },
        {
            let long = long.clone();
            Box::new(move || json(&json!([long])))
        },
        {
            let long = long.clone();
            Box::new(move || json(&json!({ long.as_str(): 1 })))
        },
        {
            let long = long.clone();
            Box::new(move || status(200, &long))
        },
        Box::new(|| with_header(json(&json!([1])), "link", &format!("<{}", "x".repeat(50_000)))),
        Box::new(|| with_header(status(302, ""), "location", &format!("http://[{}", "x".repeat(50_000)))),
        Box::new(|| {
            with_header(status(302, ""), "location", &format!("http://b.invalid/{}", "x".repeat(50_000)))
        }),
    ];
    for (case, answer) in answers.into_iter().enumerate() {
        let answer = Arc::new(answer);
        let server = Server::start(move |_: &ReceivedRequest| answer()).await;
        let long_url = format!("{}/?{}", server.url, "q".repeat(5_000));
        let (_, error) = until_error(&mut endpoint(&long_url).by_link::<u32>().no_retry()).await;
        for shown in [chain(&error), format!("{error:?}"), error.to_string()] {
            assert!(shown.len() < 2048, "{case}: {} bytes: {shown}", shown.len());
            assert!(!shown.contains(['\u{202e}', '\u{200b}', '\n', '\u{1b}']), "{case}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn an_error_contains_the_response() {
    let cases: [(&str, Answer); 6] = [
        ("status", |_| status(418, "{\"code\":7}")),
        ("not JSON", |_| status(200, "<html>{\"code\":7}")),
        ("cut", |_| status(200, "{\"code\":7")),
        ("no array", |_| json(&json!({ "code": 7 }))),
        ("no item", |_| json(&json!([{ "code": 7 }]))),
        ("link", |_| with_header(json(&json!([7])), "link", "<\"code\":7")),
    ];
    for (case, answer) in cases {
        let server =
            Server::start(move |_: &ReceivedRequest| with_header(answer(""), "x-request-id", "r-1")).await;
        let mut docs = endpoint(&server.url).by_link::<u32>().no_retry();
        let error = until_error(&mut docs).await.1.into_fetch_error().unwrap();
        assert_eq!(error.headers().unwrap()["x-request-id"], "r-1", "{case}");
        assert_eq!(
            error.status().map(|status| status.as_u16()),
            Some(if case == "status" { 418 } else { 200 })
        );
        assert_eq!(error.url(), Some(format!("{}/", server.url).as_str()), "{case}");
        if case != "link" {
            assert!(error.excerpt().contains("\"code\":7"), "{case}: {}", error.excerpt());
            assert!(!error.body().is_empty(), "{case}");
        }
    }
}

#[tokio::test]
async fn neither_events_nor_checkpoints_show_the_secrets_of_a_cursor() {
    let server = Server::start(|request: &ReceivedRequest| match request.number("page") {
        None => with_header(json(&json!([0])), "link", "</?token=SECRET&page=1>; rel=next"),
        Some(1) => status(500, ""),
        Some(_) => panic!("the stream has failed"),
    })
    .await;
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let mut docs = endpoint(&server.url)
        .by_link::<u32>()
        .no_retry()
        .on_event(move |event| drop(sender.send(format!("{event:?}"))));
    let (_, error) = until_error(&mut docs).await;
    let mut shown = vec![format!("{error:?}"), chain(&error), format!("{:?}", docs.checkpoint())];
    shown.extend(std::iter::from_fn(|| events.try_recv().ok()));
    for shown in &shown {
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    assert!(
        shown.iter().any(|shown| shown.starts_with("Request {") && shown.contains("token=***")),
        "{shown:?}"
    );
    // The request needs the secret.
    assert_eq!(docs.checkpoint().cursor().unwrap(), "/?token=SECRET&page=1");
}

#[tokio::test]
async fn no_error_contains_a_token_of_a_source() {
    // Of 20 tokens, each is rejected, and each response repeats the one before it, too.
    let calls = Arc::new(AtomicUsize::new(0));
    let source = TokenSource::new(move || {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, std::io::Error>(format!("SECRET-{number}")))
    });
    let sent = Arc::new(Mutex::new(String::new()));
    let server = Server::start(move |request: &ReceivedRequest| {
        let mut sent = sent.lock().unwrap();
        let before = std::mem::replace(&mut *sent, request.header("authorization").unwrap().to_owned());
        status(401, &format!("{sent} is not valid, nor is {before}"))
    })
    .await;
    let endpoint = endpoint(&server.url).token_source(source);
    for _ in 0..10 {
        let (_, error) = until_error(&mut endpoint.clone().by_link::<u32>().no_retry()).await;
        for text in [chain(&error), format!("{error:?}")] {
            assert!(text.contains("Bearer *** is not valid") && !text.contains("SECRET"), "{text}");
        }
    }
}

#[tokio::test]
async fn no_text_of_a_cursor_contains_a_declared_secret_and_strip_secrets_keeps_it_out_of_checkpoints() {
    for strip in [false, true] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let events = Arc::clone(&log);
        let server = Server::start(|request: &ReceivedRequest| match request.number("page") {
            None => with_header(json(&json!([0])), "link", "</?sid=ADDED&page=1>; rel=next"),
            Some(_) => status(500, "/?sid=ADDED"),
        })
        .await;
        let endpoint = endpoint(&server.url).secret_parameter("sid");
        let endpoint = if strip { endpoint.strip_secrets() } else { endpoint };
        let mut docs = endpoint.by_link::<u32>().no_retry().on_event(move |event| {
            events.lock().unwrap().push(format!("{event:?}"));
        });
        let (_, error) = until_error(&mut docs).await;
        assert!(
            !error.cursor().unwrap().contains("ADDED") && !format!("{error} {error:?}").contains("ADDED")
        );
        let (shown, checkpoint) = (format!("{docs:?}"), docs.checkpoint());
        assert!(!shown.contains("ADDED") && !format!("{checkpoint:?}").contains("ADDED"), "{shown}");
        let log = log.lock().unwrap().concat();
        assert!(log.contains("page=1") && !log.contains("ADDED"), "{log}");
        // The next request may need the value.
        assert_eq!(serde_json::to_string(&checkpoint).unwrap().contains("ADDED"), !strip);
        let error = error.into_fetch_error().unwrap();
        assert!(!format!("{error} {error:?}").contains("ADDED"), "{error:?}");
    }
}

#[tokio::test]
async fn a_link_to_another_origin_keeps_its_secrets() {
    let abroad = Server::start(|_: &ReceivedRequest| json(&json!([1]))).await;
    let link = format!("{}/?sig=SIGNED", abroad.url);
    let next = format!("<{link}>; rel=next");
    let server =
        Server::start(move |_: &ReceivedRequest| with_header(json(&json!([0])), "link", &next)).await;
    let endpoint = endpoint(&server.url).strip_secrets().allow_origin(&abroad.url).unwrap();
    let mut docs = endpoint.by_link::<u32>();
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    assert_eq!(docs.checkpoint().cursor().unwrap(), &link);
    assert_eq!(all(docs).await, [1]);
    assert_eq!(abroad.targets(), ["/?sig=SIGNED"]);
}
