//! Paginators of users, on the middle layer.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use futures::TryStreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use withal::pages::http::{self, Endpoint, Error, Extra, Request};
use withal::pages::{AsyncGetDocs, Checkpoint, OnError, Page};

use super::server::{ReceivedRequest, Server, json, raw_server, status, with_header};
use super::{all, chain, endpoint, until_error};

#[tokio::test]
async fn several_parameters_are_sent_at_once() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match request.query.get("apcontinue").map(String::as_str) {
            None => {
                json!({ "query": { "allpages": [1, 2] }, "continue": { "apcontinue": "B", "continue": "-||" } })
            }
            _ => json!({ "query": { "allpages": [3] } }),
        })
    })
    .await;
    let docs = endpoint(&format!("{}/w?list=x", server.url)).items_at("/query/allpages").by_response(
        |request, next: &BTreeMap<String, String>| {
            next.iter().fold(request, |request, (name, value)| request.query(name, value))
        },
        |response| Ok(response.page(response.at("/continue")?)?),
    );
    assert_eq!(all(docs).await, [1, 2, 3]);
    assert_eq!(server.targets(), ["/w?list=x", "/w?list=x&apcontinue=B&continue=-%7C%7C"]);
}

#[tokio::test]
async fn a_cursor_in_the_body_is_sent_as_it_came() {
    for sort in [
        r#"[1503435956.00024751, "a"]"#,
        "{\"k\": {\"N\": \"1\"}}",
        "1e3",
        "184467440737095516150",
        "\"\\u0061\"",
        "[]",
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.earlier_requests {
            0 => status(
                200,
                &format!(r#"{{"hits": [{{"_id": 1, "sort": 0}}, {{"_id": 2, "sort": {sort}}}]}}"#),
            ),
            _ => json(&json!({ "hits": [] })),
        })
        .await;
        let docs = endpoint(&server.url).json(&json!({ "size": 2 })).unwrap().by_response(
            |request, last: &String| request.json_text_at("/search_after", last),
            |response| {
                let hits: Vec<BTreeMap<String, Value>> = response.items("/hits")?;
                let ids = hits.iter().map(|hit| u32::try_from(hit["_id"].as_u64().unwrap()));
                let last = response.json_text_at("/hits/-1/sort")?.map(str::to_owned);
                Ok(Page::new(ids.collect::<Result<_, _>>()?, last))
            },
        );
        assert_eq!(all(docs).await, [1, 2]);
        let requests = server.requests();
        assert_eq!(requests[0].body, r#"{"size":2}"#);
        assert_eq!(requests[1].body, format!(r#"{{"size":2,"search_after":{sort}}}"#));
        assert_eq!(requests[1].header("content-type"), Some("application/json"));
    }
}

/// Pages 1 to 3 with one item each, and a cursor in `next`.
async fn three() -> Server {
    Server::start(|request: &ReceivedRequest| {
        let page = request.earlier_requests.max(server_page(request));
        json(&json!({ "d": [page], "next": (page < 2).then(|| (page + 1).to_string()) }))
    })
    .await
}

/// The page in whatever place the test sends it.
fn server_page(request: &ReceivedRequest) -> usize {
    let in_body = serde_json::from_str::<Value>(&request.body)
        .ok()
        .and_then(|body| body.pointer("/at/page").and_then(|page| page.as_str()?.parse().ok()));
    let in_header = request.header("x-page").and_then(|page| page.parse().ok());
    let in_query = request.query.get("page").and_then(|page| page.parse().ok());
    let in_path = request.target.strip_prefix("/p/").and_then(|page| page.parse().ok());
    in_body.or(in_header).or(in_query).or(in_path).unwrap_or(0)
}

fn stream(
    endpoint: Endpoint,
    apply: impl Fn(Request, &String) -> Request + Send + Sync + 'static,
) -> AsyncGetDocs<u32, String, Error> {
    endpoint.items_at("/d").by_response(apply, |response| Ok(response.page(response.cursor_at("/next")?)?))
}

#[tokio::test]
async fn the_cursor_goes_where_the_function_puts_it() {
    type Apply = fn(Request, &String) -> Request;
    for (apply, method, target) in [
        ((|request, page| request.query("page", page)) as Apply, "GET", "/d?a=%2f&page=2"),
        (|request, page| request.remove_query("a").query("page", page), "GET", "/d?page=2"),
        (|request, page| request.header("X-Page", page), "GET", "/d?a=%2f"),
        (|request, page| request.json(&json!({ "at": { "page": page } })), "POST", "/d?a=%2f"),
        (|request, page| request.json_at("/at/page", page), "POST", "/d?a=%2f"),
        (|request, page| request.json_at("/at/page", page).method(Method::PUT), "PUT", "/d?a=%2f"),
        (
            |request, page| request.body("text/x", format!("{{\"at\":{{\"page\":\"{page}\"}}}}")),
            "POST",
            "/d?a=%2f",
        ),
        (|request, page| request.url(&format!("/p/{page}")), "GET", "/p/2"),
        (|request, page| request.url("/e?x=1").query("page", page), "GET", "/e?x=1&page=2"),
    ] {
        let server = three().await;
        assert_eq!(
            all(stream(endpoint(&format!("{}/d?a=%2f", server.url)), apply)).await,
            [0, 1, 2],
            "{target}"
        );
        let requests = server.requests();
        assert_eq!((requests[0].target.as_str(), requests[0].method.as_str()), ("/d?a=%2f", "GET"));
        assert_eq!((requests[2].target.as_str(), requests[2].method.as_str()), (target, method));
    }
}

#[tokio::test]
async fn a_faulty_request_is_not_sent() {
    type Apply = fn(Request, &String) -> Request;
    for (apply, want) in [
        ((|request, _| request.header("x y", 1)) as Apply, "invalid header \"x y\""),
        (|request, _| request.header("x", "a\nb"), "invalid header \"x\""),
        (|request, _| request.url("http://[/"), "invalid URL"),
        (|request, _| request.url("https://elsewhere.example/d"), "another origin"),
        (|request, _| request.url("//elsewhere.example/d"), "returned 404"),
        (|request, _| request.json(&[1]).json_at("/a/b", 1), "cannot set \"/a\" in the body of the request"),
        (|request, _| request.json_text_at("/a", "{"), "EOF while parsing"),
        (
            |request, _| request.body("text/plain", "x").json_at("/a", 1),
            "the body of the request is not JSON",
        ),
    ] {
        let server = Server::start(|request: &ReceivedRequest| match request.target.as_str() {
            "/" => json(&json!({ "d": [1], "next": "a" })),
            _ => status(404, ""),
        })
        .await;
        let (before, error) = until_error(&mut stream(endpoint(&server.url), apply)).await;
        assert_eq!(before, [1]);
        assert!(chain(&error).contains(want), "{}", chain(&error));
        assert_eq!(server.targets().iter().filter(|target| *target == "/").count(), 1, "{want}");
    }
}

#[tokio::test]
async fn a_link_is_a_cursor_that_survives_a_change_of_the_host() {
    let start = || {
        Server::start(|request: &ReceivedRequest| {
            let page = request.number("page").unwrap_or(0);
            let response = json(&json!([page]));
            let next = format!("http://{}/docs?page={}", request.header("host").unwrap(), page + 1);
            if page < 2 { with_header(response, "next-page", &next) } else { response }
        })
    };
    let docs = |server: &Server| {
        endpoint(&format!("{}/docs", server.url)).by_response(
            |request, next: &String| request.url(next),
            |response| Ok(response.page(response.header("Next-Page")?.map(|next| response.link(next)))?),
        )
    };
    let server = start().await;
    let mut first: AsyncGetDocs<u32, String, Error> = docs(&server);
    assert_eq!((first.try_next().await.unwrap(), first.try_next().await.unwrap()), (Some(0), Some(1)));
    let checkpoint: Checkpoint<String> = first.checkpoint();
    assert_eq!(checkpoint.cursor().map(String::as_str), Some("/docs?page=2"));
    let other = start().await;
    assert_eq!(all(docs(&other).resume(checkpoint)).await, [2]);
}

#[derive(Debug, thiserror::Error)]
#[error("the export failed: {0}")]
struct ExportFailed(String);

type Read = fn(&http::Response) -> Result<Page<u32, u32>, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::test]
async fn errors_of_the_function_are_those_of_the_page() {
    let server = Server::start(|_: &ReceivedRequest| status(200, "seven")).await;
    let docs = |read: Read| {
        endpoint(&server.url).by_response(|request, page: &u32| request.query("page", page), read)
    };
    // An error of the standard library.
    let (_, error) = until_error(&mut docs(|response| {
        Ok(Page::new(vec![std::str::from_utf8(response.bytes())?.parse()?], None))
    }))
    .await;
    let error = error.into_fetch_error().unwrap();
    let Error::Reader { response, source, .. } = &error else { panic!("{error:?}") };
    assert!(source.is::<ParseIntError>());
    assert_eq!((response.status().as_u16(), response.excerpt()), (200, "seven"));
    assert_eq!(http::classify::<u32>(&error), OnError::Fatal);

    // One of the user, and texts.
    let (_, error) = until_error(&mut docs(|_| Err(ExportFailed("x".into()).into()))).await;
    assert!(chain(&error).ends_with("the export failed: x"), "{}", chain(&error));
    let (_, error) = until_error(&mut docs(|_| Err("no pages today".into()))).await;
    assert!(chain(&error).ends_with("no pages today"), "{}", chain(&error));

    // Errors of this module stay what they are.
    let (_, error) = until_error(&mut docs(|response| Ok(response.page(None)?))).await;
    assert!(matches!(error.into_fetch_error().unwrap(), Error::InvalidJson { .. }));
    let (_, error) = until_error(&mut docs(|response| Err(response.error("expired").into()))).await;
    let error = error.into_fetch_error().unwrap();
    assert!(matches!(&error, Error::NotAPage { message, .. } if message == "expired"), "{error:?}");
    assert_eq!(error.excerpt(), "seven");
}

#[tokio::test]
async fn an_error_of_the_function_can_restart_the_stream() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match (request.query.get("c").map(String::as_str), request.earlier_requests) {
            (None, _) => json!({ "d": [1], "next": "old" }),
            (Some("old"), _) => json!({ "expired": true, "continue": "new" }),
            _ => json!({ "d": [2] }),
        })
    })
    .await;
    let docs = stream(endpoint(&server.url).error_at("/expired"), |request, next| request.query("c", next));
    let docs = docs.classify(|error| match error {
        Error::NotAPage { .. } => {
            let body: Value = serde_json::from_slice(error.body()).unwrap();
            OnError::Restart { cursor: body["continue"].as_str().map(str::to_owned) }
        }
        other => http::classify(other),
    });
    assert_eq!(all(docs).await, [1, 2]);
}

#[tokio::test]
async fn bodies_of_other_formats_are_read_from_their_bytes() {
    // NDJSON, with both line breaks, blank lines and a byte order mark.
    let server = Server::start(|request: &ReceivedRequest| match request.number("c") {
        None => with_header(status(200, "\u{feff}1\r\n2\n\n"), "x-next", "9"),
        _ => status(200, "\n3"),
    })
    .await;
    let docs = endpoint(&server.url).by_response(
        |request, next: &String| request.query("c", next),
        |response| Ok(Page::new(response.lines()?, response.header("x-next")?.map(str::to_owned))),
    );
    assert_eq!(all(docs).await, [1, 2, 3]);

    let server = Server::start(|_: &ReceivedRequest| status(200, "1\nx\n3")).await;
    let docs = endpoint(&server.url)
        .by_response(|request, _: &u8| request, |response| Ok(Page::new(response.lines::<u32>()?, None)));
    let error = docs.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(chain(&error).contains("failed to deserialize item 1"), "{}", chain(&error));

    // CSV and XML, by hand.
    for (first, last) in [("id\n1\n2\n", "id\n3\n"), ("<r><k>1</k><k>2</k></r>", "<r><k>3</k></r>")] {
        let server = Server::start(move |request: &ReceivedRequest| match request.number("c") {
            None => with_header(status(200, first), "x-next", "9"),
            _ => status(200, last),
        })
        .await;
        let docs = endpoint(&server.url).by_response(
            |request, next: &String| request.query("c", next),
            |response| {
                let text = std::str::from_utf8(response.bytes())?;
                let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
                let next = response.header("x-next")?.map(str::to_owned);
                Ok(Page::new(numbers.map(str::parse).collect::<Result<_, _>>()?, next))
            },
        );
        assert_eq!(all(docs).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn numbered_pages_are_read_concurrently() {
    for concurrent in [1, 4] {
        let server = Server::start(|request: &ReceivedRequest| {
            let page: u32 = request.header("x-page").unwrap().parse().unwrap();
            status(200, if page < 4 { page.to_string() } else { String::new() }.as_str())
        })
        .await;
        let docs = endpoint(&server.url)
            .by_numbered_response(
                1,
                |request, page| request.header("x-page", page),
                |response| Ok(Page::new(response.lines()?, None)),
            )
            .concurrency(concurrent);
        assert_eq!(all(docs).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn what_a_page_has_beside_its_items_reaches_the_user() {
    let server = Server::start(|request: &ReceivedRequest| {
        let page = request.number("page").unwrap_or(0);
        let next = (page == 0).then_some("/?page=1");
        let delta = (page == 1).then_some("/delta?token=k");
        let body = json!({ "value": [page], "next": next, "delta": delta, "included": [{ "id": 1.50 }] });
        with_header(with_header(json(&body), "etag", &format!("\"{page}\"")), "x-other", "1")
    })
    .await;
    let endpoint = endpoint(&server.url)
        .items_at("/value")
        .extra_at("/delta")
        .extra_at("/included")
        .extra_header("ETag");
    let mut pages = endpoint.clone().by_next_url::<u32>("/next").into_pages();
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![0]));
    let extra = pages.extra::<Extra>().unwrap();
    assert_eq!(extra.at::<String>("/delta").unwrap(), None);
    assert_eq!(extra.json_text_at("/included"), Some("[{\"id\":1.5}]"));
    assert_eq!((extra.header("etag"), extra.header("x-other")), (Some("\"0\""), None));
    assert_eq!(pages.try_next().await.unwrap(), Some(vec![1]));
    let extra = pages.extra::<Extra>().unwrap();
    assert_eq!(extra.at::<String>("/delta").unwrap().as_deref(), Some("/delta?token=k"));
    assert!(extra.at::<u8>("/delta").is_err());
    assert_eq!(extra.at::<String>("/value").unwrap(), None);
    assert_eq!(format!("{extra:?}"), r#"Extra { pointers: ["/delta", "/included"], headers: ["etag"] }"#);

    // Also from functions of the user, unless they attach a value of their own.
    let read = |own: bool| {
        endpoint.clone().by_response(
            |request, next: &String| request.url(next),
            move |response| {
                let page = response.page::<u32, _>(response.link_at("/next")?)?;
                Ok(if own { page.extra("own") } else { page })
            },
        )
    };
    let mut docs = read(false);
    docs.try_next().await.unwrap();
    assert_eq!(docs.extra::<Extra>().unwrap().header("etag"), Some("\"0\""));
    let mut docs = read(true);
    docs.try_next().await.unwrap();
    assert_eq!(docs.extra::<&str>(), Some(&"own"));
}

#[tokio::test]
async fn a_page_that_a_function_reads_twice_is_noticed() {
    // The server ignores the parameter.
    let server = Server::start(|_: &ReceivedRequest| status(200, "1\n2")).await;
    let mut docs = endpoint(&server.url).by_response(
        |request, page: &u32| request.query("page", page),
        |response| {
            let page = response.url().query_pairs().next().map_or(Ok(0), |(_, page)| page.parse::<u32>())?;
            Ok(Page::new(response.lines()?, Some(page + 1)))
        },
    );
    let (before, error) = until_error(&mut docs).await;
    assert_eq!(before, [1, 2]);
    assert!(error.is_repeated_page(), "{error}");
}

#[tokio::test]
async fn the_body_follows_a_redirect_that_keeps_the_method() {
    let server = Server::start(|request: &ReceivedRequest| match request.target.as_str() {
        "/old" => with_header(status(308, ""), "location", "/new"),
        "/found" => with_header(status(302, ""), "location", "/new"),
        _ => json(&json!([request.body.len()])),
    })
    .await;
    let post = |path: &str| endpoint(&format!("{}{path}", server.url)).json(&json!({ "a": 1 })).unwrap();
    assert_eq!(all(post("/old").by_link()).await, [7]);
    let (_, error) = until_error(&mut post("/found").by_link()).await;
    assert!(chain(&error).contains("returned 302 Found"), "{}", chain(&error));
}

#[tokio::test]
async fn a_panic_in_a_function_loses_no_item() {
    use futures::FutureExt;
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicBool, Ordering};

    let server = three().await;
    let panicked = AtomicBool::new(false);
    let mut docs: AsyncGetDocs<u32, String, Error> = endpoint(&server.url).items_at("/d").by_response(
        |request, page: &String| request.query("page", page),
        move |response| {
            let page = response.page::<u32, _>(response.cursor_at("/next")?)?;
            assert!(page.items != [1] || panicked.swap(true, Ordering::Relaxed), "a bug");
            Ok(page)
        },
    );
    assert_eq!(docs.try_next().await.unwrap(), Some(0));
    let result = AssertUnwindSafe(docs.try_next()).catch_unwind().await;
    assert!(result.is_err());
    let checkpoint = docs.checkpoint();
    let again = stream(endpoint(&server.url), |request, page| request.query("page", page)).resume(checkpoint);
    assert_eq!(all(again).await, [1, 2]);
}

#[tokio::test]
async fn an_incomplete_body_never_reaches_the_function() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1\n2".to_owned();
    let url = raw_server(vec![cut]).await;
    let docs = endpoint(&url)
        .by_response(|request, _: &u8| request, |response| Ok(Page::new(response.lines::<u32>()?, None)));
    let error = docs.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(
        chain(&error).contains("incomplete response body") || chain(&error).contains("request to"),
        "{}",
        chain(&error)
    );
}
