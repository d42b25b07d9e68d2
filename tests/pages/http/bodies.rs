//! Bodies: their bytes reach the items, and a body that is not a page is not the last page.

use std::time::Duration;

use backon::ConstantBuilder;
use futures::TryStreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use withal::pages::http::{Endpoint, Error, GraphQlQuery, MissingItems};

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

/// A server whose first response has this body, and all others that of the last page.
async fn serve(first: &str, last: &str) -> Server {
    let (first, last) = (first.to_owned(), last.to_owned());
    let respond = move |request: &ReceivedRequest| {
        status(200, if request.earlier_requests == 0 && request.query.is_empty() { &first } else { &last })
    };
    Server::start(respond).await
}

fn no_delay() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(Duration::ZERO)
}

/// The error of the first page.
async fn error_of(endpoint: Endpoint) -> String {
    let mut docs = endpoint.by_cursor("/next", "cursor").retry(no_delay().with_max_times(1));
    let (before, error) = until_error(&mut docs).await;
    assert_eq!(before, [0; 0]);
    chain(&error)
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wide {
    id: u128,
}

#[tokio::test]
async fn numbers_reach_the_items_as_they_were_sent() {
    let number = u128::MAX.to_string();
    let server = serve(&format!("[{{\"id\": {number}}}]"), "[]").await;
    let items: Vec<Wide> = endpoint(&server.url).by_link().try_collect().await.unwrap();
    assert_eq!(items, [Wide { id: u128::MAX }]);

    for number in
        ["1e3", "-0.0", "1.10", "123456789012345678901234567890.5", "0.1000000000000000055511151231257827"]
    {
        let server = serve(&format!("{{\"d\": [{number}, {{\"n\":{number}}}]}}"), "{}").await;
        let items: Vec<Box<RawValue>> =
            endpoint(&server.url).items_at("/d").by_cursor("/next", "c").try_collect().await.unwrap();
        let texts: Vec<_> = items.iter().map(|item| item.get()).collect();
        assert_eq!(texts, [number.to_owned(), format!("{{\"n\":{number}}}")]);
    }
}

#[tokio::test]
async fn a_cursor_is_sent_as_it_came() {
    for (cursor, sent) in [
        ("9007199254740993", "9007199254740993"),
        ("-1", "-1"),
        ("1E+2", "1E%2B2"),
        ("0.30", "0.30"),
        (r#""a\u0062/\"""#, "ab%2F%22"),
        (r#""\ud83d\ude00""#, "%F0%9F%98%80"),
        (r#""\ud83d""#, "%EF%BF%BD"),
        (r#"" ""#, "%20"),
    ] {
        let server = serve(&format!("{{\"d\": [1], \"next\": {cursor}}}"), "{\"d\": [2]}").await;
        assert_eq!(all(endpoint(&server.url).items_at("/d").by_cursor("/next", "c")).await, [1, 2]);
        assert_eq!(server.targets(), ["/".to_owned(), format!("/?c={sent}")]);
    }
}

#[tokio::test]
async fn pages_without_items_are_empty() {
    for body in [
        r"{}",
        r#"{"data": null}"#,
        r#"{"data": {}}"#,
        r#"{"data": []}"#,
        r#"{"data": {"items": null}}"#,
        r#"{"data": {"items": [ ]}}"#,
        r#"{"data": false}"#,
        r#"{"kind": "storage#objects", "data": {"prefixes": ["a/", "b/"]}}"#,
        r#"{"resourceType": "Bundle", "total": 0, "data": {"link": [{"relation": "self", "url": "/"}]}}"#,
        r#"{"code": 0, "msg": "success"}"#,
        r#"{"ok": true, "warnings": [{"text": "slow"}]}"#,
        "[]",
        " [ ] ",
        "\u{feff}{}",
    ] {
        let server = serve(body, "").await;
        let docs = endpoint(&server.url).items_at("/data/items").by_cursor("/next", "c");
        assert_eq!(all(docs).await, [0; 0], "{body}");
    }
}

#[tokio::test]
async fn an_empty_page_between_others_does_not_end_the_stream() {
    for middle in
        [json!({ "next": "b" }), json!({ "next": "b", "items": null }), json!({ "next": "b", "items": [] })]
    {
        let server = Server::start(move |request: &ReceivedRequest| {
            json(&match request.query.get("c").map(String::as_str) {
                None => json!({ "items": [1], "next": "a" }),
                Some("a") => middle.clone(),
                _ => json!({ "items": [2] }),
            })
        })
        .await;
        assert_eq!(all(endpoint(&server.url).items_at("/items").by_cursor("/next", "c")).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_misspelled_pointer_is_an_error() {
    for body in [
        r#"{"itmes": [1, 2]}"#,
        r#"{"itmes": [{"id": 1}], "next": "a"}"#,
        r#"{"results": [[1]], "total": 1}"#,
        r#"[{"id": 1}]"#,
        "1",
        "\"text\"",
        "null",
        "true",
    ] {
        let server = serve(body, "").await;
        let error = error_of(endpoint(&server.url).items_at("/items")).await;
        assert!(error.contains("expected an array at \"/items\""), "{body}: {error}");
        assert!(error.contains("found nothing"), "{body}: {error}");
    }
    for body in [r#"{"items": {"a": 1}}"#, r#"{"items": "none"}"#, r#"{"items": 0}"#] {
        let server = serve(body, "").await;
        let error = error_of(endpoint(&server.url).items_at("/items")).await;
        assert!(error.contains("expected an array at \"/items\""), "{body}: {error}");
    }
}

#[tokio::test]
async fn an_empty_value_is_a_page_without_items_unless_there_is_evidence_against_it() {
    for empty in ["{}", "{ }", "\"\"", "false"] {
        for (beside, error) in [
            ("", None),
            (r#", "total": 0, "warnings": [1]"#, None),
            (r#", "next": "2""#, None),
            // The pointer is misspelled, or the body reports an error.
            (r#", "users": [{"id": 1}]"#, Some("expected an array at \"/items\"")),
            (r#", "error": "no access""#, Some("no access")),
            (r#", "success": false, "message": "quota""#, Some("quota")),
        ] {
            let body = format!(r#"{{"items": {empty}{beside}}}"#);
            let server = serve(&body, r#"{"items": [7]}"#).await;
            let endpoint = endpoint(&server.url).items_at("/items");
            if let Some(want) = error {
                let error = error_of(endpoint).await;
                assert!(error.contains(want), "{body}: {error}");
                continue;
            }
            let strict = endpoint.clone().missing_items(MissingItems::Error);
            let error = error_of(strict).await;
            assert!(error.contains("expected an array at \"/items\""), "{body}: {error}");
            let server = serve(&body, r#"{"items": [7]}"#).await;
            let endpoint = self::endpoint(&server.url).items_at("/items");
            let want: &[u32] = if beside.contains("next") { &[7] } else { &[] };
            assert_eq!(all(endpoint.by_cursor("/next", "cursor")).await, want, "{body}");
        }
    }
    for other in ["{\"a\": 1}", "\"x\"", "true", "0"] {
        let server = serve(&format!(r#"{{"items": {other}}}"#), "").await;
        let error = error_of(endpoint(&server.url).items_at("/items")).await;
        assert!(error.contains("expected an array at \"/items\""), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_reqwest_has_not_decoded_names_the_feature_to_enable() {
    const GZIP: &str = "\u{1f}\u{8}";
    for (encoding, want) in [
        ("gzip", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("br", Some("brotli")),
        ("zstd", Some("zstd")),
        ("identity, deflate", Some("deflate")),
        ("identity", None),
        ("utf-8", None),
    ] {
        let server = Server::start(move |_: &ReceivedRequest| {
            with_header(status(200, GZIP), "content-encoding", encoding)
        })
        .await;
        let error = error_of(endpoint(&server.url)).await;
        match want {
            Some(feature) => {
                assert!(error.contains(&format!("enable the feature `{feature}` of reqwest")), "{error}");
            }
            None => assert!(error.contains("expected JSON"), "{error}"),
        }
        // Some servers send the header with a body that is not encoded.
        let server = Server::start(move |_: &ReceivedRequest| {
            with_header(status(200, "[1]"), "content-encoding", encoding)
        })
        .await;
        assert_eq!(all(endpoint(&server.url).by_link()).await, [1], "{encoding}");
    }
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_names_its_target() {
    for code in [301, 302, 303] {
        for (location, want) in [
            ("/search/", "/search/ that is not followed"),
            ("search/?q=1", "/search/?q=1 that is not followed"),
            ("/s?access_token=SECRET", "/s?access_token=*** that is not followed"),
        ] {
            let server =
                Server::start(move |_: &ReceivedRequest| with_header(status(code, ""), "location", location))
                    .await;
            let endpoint = endpoint(&format!("{}/search", server.url)).json(&json!({})).unwrap();
            let error = error_of(endpoint).await;
            assert!(error.contains(want) && error.contains(&server.url), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_meaning_of_missing_items_can_be_set() {
    let server = serve("{}", "{}").await;
    let endpoint = endpoint(&server.url).items_at("/items");
    let error = error_of(endpoint.clone().missing_items(MissingItems::Error)).await;
    assert!(error.contains("found nothing"), "{error}");

    let server = serve(r#"{"others": [1]}"#, "{}").await;
    let endpoint = super::endpoint(&server.url).items_at("/items").missing_items(MissingItems::Empty);
    assert_eq!(all(endpoint.by_cursor("/next", "c")).await, [0; 0]);
}

#[tokio::test]
async fn an_error_in_the_body_is_an_error_whatever_its_status() {
    for (body, want) in [
        (r#"{"ok": false, "error": "invalid_cursor"}"#, "invalid_cursor"),
        (r#"{"code": 50011, "msg": "Too Many Requests", "items": null}"#, "code is 50011: Too Many Requests"),
        (r#"{"errors": [{"message": "Rate limit exceeded", "code": 88}]}"#, "88: Rate limit exceeded"),
        (r#"{"error": {"code": 429, "message": "slow down"}, "items": []}"#, "429: slow down"),
        (r#"{"success": false, "message": "no rights", "items": []}"#, "success is false: no rights"),
        (r#"{"status": "error", "items": null}"#, "status is \"error\""),
        (r#"{"errcode": 42001, "errmsg": "token expired"}"#, "42001: token expired"),
        (r#"{"fault": {"code": "steps.oauth.v2.Invalid", "detail": "x"}}"#, "steps.oauth.v2.Invalid: x"),
        (r#"{"message": "Endpoint request timed out"}"#, "Endpoint request timed out"),
        (r#"{"items": {"error": 1}, "error": "bad"}"#, "bad"),
    ] {
        let server = serve(body, body).await;
        let error = error_of(endpoint(&server.url).items_at("/items")).await;
        assert!(error.contains(&format!(" is not a page: {want}")), "{body}: {error}");
    }
    // The whole body is the array.
    let server = serve(r#"{"message": "Bad credentials", "status": "401"}"#, "").await;
    let error = error_of(endpoint(&server.url)).await;
    assert!(error.contains("Bad credentials"), "{error}");
}

#[tokio::test]
async fn an_error_after_items_loses_none_of_them() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match (request.query.get("c").map(String::as_str), request.earlier_requests) {
            (None, _) => json!({ "code": 0, "data": [1, 2], "next": "x" }),
            (_, 0) => json!({ "code": 40003, "msg": "no such view", "data": null }),
            _ => json!({ "code": 0, "data": [3] }),
        })
    })
    .await;
    let mut docs = endpoint(&server.url).items_at("/data").by_cursor("/next", "c");
    let (before, error) = until_error(&mut docs).await;
    assert_eq!((before, error.page(), error.cursor()), (vec![1, 2], 2, Some("\"x\"")));
    assert!(docs.retry_failed());
    assert_eq!(all(docs).await, [3]);
}

#[tokio::test]
async fn items_beside_an_error_are_a_page_unless_a_hook_objects() {
    let body = r#"{"items": [1], "errors": [{"shard": 3}], "code": 7, "ok": true}"#;
    for (hook, want) in [
        ((|endpoint| endpoint) as fn(Endpoint) -> Endpoint, None),
        (|endpoint| endpoint.error_at("/errors"), Some("is not a page: {\"shard\": 3}")),
        (|endpoint| endpoint.error_at("/errors/0/shard"), Some("is not a page: 3")),
        (|endpoint| endpoint.error_at("/error"), None),
        (|endpoint| endpoint.ok_at("/ok", true), None),
        (|endpoint| endpoint.ok_at("/code", 0), Some("expected 0 at \"/code\", found 7")),
        (
            |endpoint| endpoint.ok_at("/status", "done"),
            Some("expected \"done\" at \"/status\", found nothing"),
        ),
        (|endpoint| endpoint.error_at("/ok"), Some("is not a page: true")),
    ] {
        let server = serve(body, "").await;
        let docs = hook(endpoint(&server.url).items_at("/items"));
        match want {
            None => assert_eq!(all(docs.by_cursor("/next", "c")).await, [1]),
            Some(want) => {
                let error = error_of(docs).await;
                assert!(error.contains(want), "{error}");
            }
        }
    }
    for (body, is_page) in [
        (r#"{"items": [1], "failures": []}"#, true),
        (r#"{"items": [1], "failures": null}"#, true),
        (r#"{"items": [1], "failures": 0}"#, true),
        (r#"{"items": [1], "failures": "none"}"#, true),
        (r#"{"items": [1], "failures": 2}"#, false),
        (r#"{"items": [1], "failures": {"a": 1}}"#, false),
    ] {
        let server = serve(body, "").await;
        let mut docs =
            endpoint(&server.url).items_at("/items").error_at("/failures").by_cursor::<u32>("/next", "c");
        assert_eq!(docs.try_next().await.is_ok(), is_page, "{body}");
    }
}

#[tokio::test]
async fn a_page_that_is_not_ready_is_retried() {
    let policy = no_delay().with_max_times(3);
    for (code, after) in [(202, None), (202, Some("0")), (204, Some("0"))] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let waiting = status(code, "");
            match (request.earlier_requests, after) {
                (0 | 1, Some(after)) => with_header(waiting, "retry-after", after),
                (0 | 1, None) => waiting,
                _ => json(&json!([1])),
            }
        })
        .await;
        assert_eq!(all(endpoint(&server.url).by_link().retry(policy)).await, [1], "{code}");
        assert_eq!(server.targets().len(), 3);
    }
}

#[tokio::test]
async fn a_status_is_a_page_if_it_is_accepted() {
    for code in [202, 206, 207, 404] {
        let server = Server::start(move |_: &ReceivedRequest| status(code, "[1]")).await;
        let accepted = endpoint(&server.url).accept_status(code.try_into().unwrap());
        assert_eq!(all(accepted.by_link()).await, [1], "{code}");
    }
    let server = Server::start(|_: &ReceivedRequest| status(206, "[1]")).await;
    let (before, error) = until_error(&mut endpoint(&server.url).by_link()).await;
    assert_eq!(before, [0; 0]);
    assert!(chain(&error).contains("returned 206 Partial Content"), "{}", chain(&error));
}

#[tokio::test]
async fn half_a_surrogate_pair_does_not_fail_its_page() {
    for (item, want) in [
        (r#"{"t": "cut \ud83d"}"#, json!({ "t": "cut \u{fffd}" })),
        (r#"{"t": "\udc00 tail"}"#, json!({ "t": "\u{fffd} tail" })),
        (r#"{"\ud800": 1}"#, json!({ "\u{fffd}": 1 })),
        (r#""\ud83d\ud83d\ude00""#, json!("\u{fffd}😀")),
        (r#"["\\ud83d", "\ud83d\\"]"#, json!(["\\ud83d", "\u{fffd}\\"])),
    ] {
        for (body, pointer) in [
            (format!("[\"whole\", {item}, 3]"), ""),
            (format!("{{\"\\udfff\": \"\\ud800\", \"d\": [\"whole\", {item}, 3]}}"), "/d"),
        ] {
            let server = serve(&body, "").await;
            let items: Vec<Value> =
                endpoint(&server.url).items_at(pointer).by_link().try_collect().await.unwrap();
            assert_eq!(items, [json!("whole"), want.clone(), json!(3)], "{body}");
        }
    }
    // Another fault is reported with its index.
    let server = serve(r#"["\ud83d", 1]"#, "").await;
    let error = endpoint(&server.url).by_link::<String>().try_next().await.unwrap_err();
    assert!(chain(&error).contains("failed to deserialize item 1"), "{}", chain(&error));
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() {
    let server = serve("\u{feff}[1]", "").await;
    assert_eq!(all(endpoint(&server.url).by_link()).await, [1]);
    let server = serve("\u{feff}{\"d\": [1], \"next\": \"a\"}", "\u{feff}{\"d\": [2]}").await;
    assert_eq!(all(endpoint(&server.url).items_at("/d").by_cursor("/next", "c")).await, [1, 2]);
    let server = serve("\u{feff}{\"d\": [1], \"next\": \"/?c=2\"}", "{\"d\": [2]}").await;
    assert_eq!(all(endpoint(&server.url).items_at("/d").by_next_url("/next")).await, [1, 2]);
    let body = r#"{"data": {"x": {"nodes": [1], "pageInfo": {"hasNextPage": false}}}}"#;
    let server = serve(&format!("\u{feff}{body}"), "").await;
    assert_eq!(all(endpoint(&server.url).by_relay_connection(GraphQlQuery::new("", "/data/x"))).await, [1]);
    // Two of them are not JSON.
    let server = serve("\u{feff}\u{feff}[1]", "").await;
    assert!(error_of(endpoint(&server.url)).await.contains("JSON"));
}

#[tokio::test]
async fn a_flag_has_many_forms() {
    for (yes, no) in [
        ("true", "false"),
        ("1", "0"),
        ("\"true\"", "\"false\""),
        ("\"1\"", "\"0\""),
        ("\"True\"", "\"False\""),
        ("\"https://api.example/docs?page=2\"", "\"\""),
        ("\"/docs?page=2\"", "null"),
        ("\"?page=2\"", "null"),
    ] {
        let (yes, no) = (yes.to_owned(), no.to_owned());
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.number("page").unwrap();
            assert!(page < 3, "the stream has ended");
            let flag = if page == 1 { &yes } else { &no };
            status(200, &format!("{{\"d\": [{page}], \"more\": {flag}}}"))
        })
        .await;
        let docs = endpoint(&server.url).items_at("/d").has_more_at("/more").by_page_number("page", 1);
        assert_eq!(all(docs).await, [1, 2]);
    }
    // Beside a cursor, `null` does not mark the last page.
    let server = serve(r#"{"d": [1], "more": null, "next": "a"}"#, r#"{"d": [2]}"#).await;
    let docs = endpoint(&server.url).items_at("/d").has_more_at("/more").by_cursor("/next", "c");
    assert_eq!(all(docs).await, [1, 2]);
}

#[tokio::test]
async fn the_last_member_of_a_name_counts() {
    for body in [
        r#"{"d": [9], "next": "x", "d": [1], "next": null}"#,
        r#"{"d": [9], "\u0064": [1]}"#,
        r#"{"d": "text", "d": [1]}"#,
    ] {
        let server = serve(body, "").await;
        assert_eq!(all(endpoint(&server.url).items_at("/d").by_cursor("/next", "c")).await, [1], "{body}");
    }
}

#[tokio::test]
async fn malformed_json_is_an_error_wherever_it_is() {
    for body in [
        r#"{"d": [1], "next": }"#,
        r#"{"d": [1]} {"#,
        r#"{"d": [1,]}"#,
        r#"{"d": [01]}"#,
        r#"{"d": [1], "x": "\q"}"#,
        r#"{"d": [1], 7: 1}"#,
        "{'d': [1]}",
        "d=1",
    ] {
        let server = serve(body, "").await;
        let mut docs = endpoint(&server.url).items_at("/d").by_cursor::<u32>("/next", "c");
        let error = docs.try_next().await.unwrap_err().into_fetch_error().unwrap();
        assert!(matches!(error, Error::InvalidJson { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn deep_json_beside_the_items_is_skipped() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let server = serve(&format!("{{\"deep\": {deep}, \"d\": [1]}}"), "").await;
    assert_eq!(all(endpoint(&server.url).items_at("/d").by_cursor("/next", "c")).await, [1]);
    let server = serve(&format!("[{deep}]"), "").await;
    let error = endpoint(&server.url).by_link::<Value>().try_next().await.unwrap_err();
    assert!(chain(&error).contains("failed to deserialize item 0"), "{}", chain(&error));
}
