//! The end of a stream: flags, totals, numbers beyond the last page.

use serde_json::{Value, json};
use withal::pages::{Checkpoint, ErrorKind, OnRepeat, Page, PageNumber};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

#[tokio::test]
async fn flags_are_recognized_by_name() {
    for (name, last) in [
        ("isLastPage", true),
        ("isLast", true),
        ("is_last", true),
        ("is_last_page", true),
        ("last", true),
        ("done", true),
        ("end_of_stream", true),
        ("endOfStream", true),
        ("has_more", false),
        ("hasMore", false),
        ("hasNextPage", false),
        ("has_next_page", false),
    ] {
        // Beside the cursor, and at the top of the body.
        for nested in [true, false] {
            let server = Server::start(move |request: &ReceivedRequest| {
                let page = request.number("after").unwrap_or(0);
                let flag = if page == 1 { last } else { !last };
                let mut meta = json!({ "next": page + 1 });
                if nested {
                    meta[name] = flag.into();
                }
                let mut value = json!({ "items": [page], "meta": meta });
                if !nested {
                    value[name] = flag.into();
                }
                json(&value)
            })
            .await;
            let docs = endpoint(&server.url).items_at("/items").by_cursor("/meta/next", "after");
            assert_eq!(all(docs).await, [0, 1], "{name} {nested}");
            let docs = endpoint(&server.url)
                .items_at("/items")
                .is_last_at("/absent")
                .by_cursor("/meta/next", "after");
            assert_eq!(all(docs.max_items(4)).await, [0, 1, 2, 3], "a configured flag replaces {name}");
        }
    }
}

#[tokio::test]
async fn other_types_and_places_are_no_known_flags() {
    for value in [
        json!({ "items": [0], "next": 1, "last": "/docs?page=9" }),
        json!({ "items": [0], "next": 1, "done": 4 }),
        json!({ "items": [0], "next": 1, "isLast": null }),
        json!({ "items": [0], "next": 1, "other": { "isLast": true } }),
        json!({ "items": [0], "next": 1, "has_more": "no" }),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.number("after") {
            None => json(&value),
            _ => json(&json!({ "items": [1] })),
        })
        .await;
        assert_eq!(all(endpoint(&server.url).items_at("/items").by_cursor("/next", "after")).await, [0, 1]);
    }
}

#[tokio::test]
async fn a_flag_for_the_last_page_may_have_other_types() {
    for (yes, no) in [(json!(true), json!(false)), (json!(1), json!(0)), (json!("true"), json!("false"))] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.number("after").unwrap_or(0);
            let flag = if page == 1 { &yes } else { &no };
            json(&json!({ "items": [page], "next": page + 1, "end": flag }))
        })
        .await;
        let endpoint = endpoint(&server.url).items_at("/items").is_last_at("/end");
        assert_eq!(all(endpoint.by_cursor("/next", "after")).await, [0, 1]);
    }
}

#[tokio::test]
async fn cursors_that_mark_the_end_can_be_set() {
    for (end, setting, want) in [
        (json!(0), None, &[0, 1][..]),
        (json!("0"), None, &[0, 1, 2]),
        (json!("0"), Some(vec!["0", "-1"]), &[0, 1]),
        (json!(-1), Some(vec!["0", "-1"]), &[0, 1]),
        (json!(0), Some(vec![]), &[0, 1, 2]),
        (json!("LTE="), Some(vec!["LTE="]), &[0, 1]),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| {
            json(&match request.query.get("c").map(String::as_str) {
                None => json!({ "ids": [0], "next": "x" }),
                Some("x") => json!({ "ids": [1], "next": end }),
                _ => json!({ "ids": [2] }),
            })
        })
        .await;
        let mut endpoint = endpoint(&server.url).items_at("/ids");
        if let Some(ends) = setting {
            endpoint = endpoint.end_cursors(ends);
        }
        assert_eq!(all(endpoint.by_cursor("/next", "c")).await, want);
    }
}

/// Serves the pages 1 to 3, whose second is empty.
async fn empty_second_page(beside: fn(u32) -> Value) -> Server {
    Server::start(move |request: &ReceivedRequest| {
        let page = request.number("page").unwrap();
        let mut body = json!({ "items": if matches!(page, 1 | 3) { vec![page] } else { vec![] } });
        body.as_object_mut().unwrap().extend(beside(page).as_object().unwrap().clone());
        json(&body)
    })
    .await
}

#[tokio::test]
async fn an_empty_page_is_not_the_end_if_the_body_reports_more() {
    for beside in [
        |page| json!({ "has_more": page < 3 }),
        |page| json!({ "hasNextPage": page < 3 }),
        |page| json!({ "isLast": page >= 3 }),
        |page| json!({ "has_more": u32::from(page < 3) }),
        // Without the number of pages, the one before remains in force.
        |page| if page == 2 { json!({}) } else { json!({ "pages": 3 }) },
    ] as [fn(u32) -> Value; 5]
    {
        for concurrent in [1, 3] {
            let server = empty_second_page(beside).await;
            let docs = endpoint(&server.url).items_at("/items").total_pages_at("/pages");
            assert_eq!(
                all(docs.by_page_number("page", 1).concurrency(concurrent)).await,
                [1, 3],
                "{}",
                beside(1)
            );
            // A function of the user that reads only the items.
            if beside(1).get("pages").is_none() {
                let docs = endpoint(&server.url).by_numbered_response(
                    1,
                    |request, number| request.query("page", number),
                    |response| Ok(Page::new(response.items("/items")?, None)),
                );
                assert_eq!(all(docs.concurrency(concurrent)).await, [1, 3], "{}", beside(1));
            }
        }
    }
    // Without any report, and with a total that may be an estimate, it is the end.
    for beside in
        [|_| json!({}), |_| json!({ "total": 2 }), |_| json!({ "has_more": "no" })] as [fn(u32) -> Value; 3]
    {
        let server = empty_second_page(beside).await;
        assert_eq!(all(endpoint(&server.url).items_at("/items").by_page_number("page", 1)).await, [1]);
    }
}

#[tokio::test]
async fn a_flag_for_more_pages_that_never_changes_is_an_error() {
    let server = empty_second_page(|_| json!({ "has_more": true })).await;
    let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1).max_empty_pages(5);
    let (items, error) = until_error(&mut { docs }).await;
    assert_eq!(items, [1, 3]);
    assert!(matches!(error.kind(), ErrorKind::TooManyEmptyPages { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_page_of_an_offset_stream_is_an_error_if_the_body_reports_more() {
    let serve = || {
        Server::start(|request: &ReceivedRequest| {
            let offset = request.number("startIndex").or(request.number("offset")).unwrap();
            json(&json!({ "Resources": if offset < 2 { vec![offset] } else { vec![] }, "hasMore": true }))
        })
    };
    let server = serve().await;
    let (items, error) = until_error(&mut endpoint(&server.url).by_scim::<u32>(1)).await;
    assert_eq!(items, [1]);
    assert!(matches!(error.kind(), ErrorKind::CursorCycle { .. }), "{error}");
    for first in [0, 1] {
        let endpoint = endpoint(&server.url).items_at("/Resources");
        let mut docs = endpoint.by_offset_from::<u32>("offset", "limit", 1, first);
        let (items, error) = until_error(&mut docs).await;
        assert_eq!(items.last(), Some(&1));
        assert!(matches!(error.kind(), ErrorKind::CursorCycle { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_number_before_the_first_page_may_fail() {
    let server = Server::start(|_: &ReceivedRequest| status(400, "no page 0")).await;
    let docs = endpoint(&server.url).by_page_number("page", 1).no_retry();
    let mut docs = docs.resume(Checkpoint::new(Some(PageNumber::new(0)), 0));
    let (_, error) = until_error(&mut docs).await;
    assert_eq!(error.into_fetch_error().unwrap().status().map(|status| status.as_u16()), Some(400));
}

/// Serves two pages of two items, and a response of its own beyond them.
async fn numbered(beyond: fn() -> HttpResponse) -> Server {
    Server::start(move |request: &ReceivedRequest| {
        let page = request.number("page").or(request.number("offset").map(|offset| offset / 2 + 1)).unwrap();
        match page {
            1 | 2 => with_header(
                with_header(json(&json!([page * 10, page * 10 + 1])), "x-pages", "2"),
                "link",
                "<?page=1>; rel=\"first\", <?page=2>; rel=\"last\"",
            ),
            _ => beyond(),
        }
    })
    .await
}

const FOUR: [u32; 4] = [10, 11, 20, 21];

#[tokio::test]
async fn a_status_beyond_the_last_page_is_the_end() {
    for beyond in [
        || status(400, r#"{"code":"rest_post_invalid_page_number"}"#),
        || status(404, r#"{"detail":"Invalid page."}"#),
        || status(404, ""),
        || status(404, "{}"),
        || status(416, "<html>"),
        || {
            let reason = "Page out of range, page: 3 page size: 2, len: 4";
            status(400, &json!({ "error": "page_out_of_range", "reason": reason }).to_string())
        },
    ] {
        for concurrent in [1, 3] {
            let server = numbered(beyond).await;
            let docs = endpoint(&server.url).by_page_number("page", 1).concurrency(concurrent);
            assert_eq!(all(docs).await, FOUR);
            let server = numbered(beyond).await;
            let docs = endpoint(&server.url).by_offset("offset", "limit", 2).concurrency(concurrent);
            assert_eq!(all(docs).await, FOUR);
        }
    }
}

#[tokio::test]
async fn another_error_is_not_the_end() {
    for (beyond, want) in [
        ((|| status(404, "<html>nginx</html>")) as fn() -> HttpResponse, "404"),
        (|| status(404, "Not Found"), "404"),
        (|| status(404, "404 page not found\n"), "404"),
        (|| with_header(status(404, "{}"), "content-type", "text/plain; charset=utf-8"), "404"),
        (|| with_header(status(404, r#"{"detail":"Invalid page."}"#), "retry-after", "7200"), "404"),
        (|| status(404, r#"{"message":"Not Found"}"#), "404"),
        (|| status(400, ""), "400"),
        (|| status(400, r#"{"error":"API key expired"}"#), "400"),
        (
            || {
                status(
                    400,
                    r#"{"error":{"type":"OAuthException","code":190,"message":"Session has expired"}}"#,
                )
            },
            "400",
        ),
        (|| status(400, r#"{"message":"Cannot page past the first 5000 results, use a cursor"}"#), "400"),
        (|| status(400, r#"{"message":"Too many results requested, limit+offset must be <= 1000."}"#), "400"),
        (|| status(400, r#"{"message":"The offset value should be between 0 and 9999"}"#), "400"),
        (|| status(400, r#"{"message":"Invalid page: Pages start at 1 and max at 500."}"#), "400"),
        (|| status(400, "Result window is too large, from + size must be at most 10000"), "400"),
        (|| status(400, r#"{"error":"offset exceeds the maximum"}"#), "400"),
        (|| status(401, "{}"), "401"),
        (|| status(403, "{}"), "403"),
        (|| status(422, "{}"), "422"),
        (|| status(410, "{}"), "410"),
    ] {
        let server = numbered(beyond).await;
        let (before, error) = until_error(&mut endpoint(&server.url).by_page_number("page", 1)).await;
        assert_eq!(before, FOUR, "{want}");
        assert!(chain(&error).contains(want), "{}", chain(&error));
    }
    // The first page is never beyond the last.
    let server = Server::start(|_: &ReceivedRequest| status(404, "{}")).await;
    assert!(until_error(&mut endpoint(&server.url).by_page_number("page", 1)).await.0.is_empty());
    // A total that is not reached contradicts the end.
    let server = Server::start(|request: &ReceivedRequest| match request.number("page") {
        Some(1) => json(&json!({ "items": [1, 2], "total": 5 })),
        _ => status(404, "{}"),
    })
    .await;
    let endpoint = endpoint(&server.url).items_at("/items").total_at("/total");
    assert_eq!(until_error(&mut endpoint.by_page_number("page", 1)).await.0, [1, 2]);
}

#[tokio::test]
async fn an_unclear_message_is_the_end_if_the_pages_before_agree() {
    let unclear = r#"{"message":"Not Found"}"#;
    for (code, beside, is_end) in [
        (404, json!({ "total": 3 }), true),
        (400, json!({ "total": 3 }), true),
        (404, json!({ "next": null }), true),
        (400, json!({ "info": { "next": null } }), true),
        (404, json!({ "info": { "pages": 2 } }), true),
        // The second page is shorter than the first.
        (404, json!({}), true),
        (400, json!({}), false),
        (404, json!({ "total": 9 }), false),
        (404, json!({ "next": "/docs?page=3" }), false),
    ] {
        for concurrent in [1, 3] {
            let (beside, shown) = (beside.clone(), beside.clone());
            let server = Server::start(move |request: &ReceivedRequest| {
                let mut body = match request.number("page").unwrap() {
                    1 => json!({ "items": [1, 2] }),
                    2 => json!({ "items": [3] }),
                    _ => return status(code, unclear),
                };
                body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
                json(&body)
            })
            .await;
            let docs = endpoint(&server.url).items_at("/items").total_at("/total");
            let mut docs = docs.by_page_number("page", 1).no_retry().concurrency(concurrent);
            if is_end {
                assert_eq!(all(docs).await, [1, 2, 3], "{code} {shown}");
            } else {
                let (items, error) = until_error(&mut docs).await;
                assert_eq!(items, [1, 2, 3], "{code} {shown}");
                assert_eq!(error.into_fetch_error().unwrap().status().unwrap().as_u16(), code);
            }
        }
    }
}

#[tokio::test]
async fn a_resumed_stream_ends_only_if_the_error_is_about_the_page() {
    for (body, is_end) in [
        (r#"{"message":"Not Found"}"#, false),
        ("", false),
        ("{}", false),
        (r#"{"detail":"Invalid page."}"#, true),
    ] {
        let server = Server::start(move |_: &ReceivedRequest| status(404, body)).await;
        let docs = endpoint(&format!("{}/repos/typo", server.url)).by_page_number::<u32>("page", 1);
        let saved =
            r#"{"format":"withal/pages/1","cursor":{"page":3},"skip":0,"items":2,"pages":2,"done":false}"#;
        let mut docs = docs.resume(serde_json::from_str(saved).unwrap()).no_retry();
        assert_eq!(docs.try_next().await.is_ok(), is_end, "{body}");
        assert_eq!(docs.checkpoint().is_done(), is_end, "{body}");
    }
}

#[tokio::test]
async fn a_throttled_page_is_not_the_end() {
    for body in [
        r#"{"__type":"ThrottlingException"}"#,
        r#"{"__type":"aws#ThrottlingException","message":"Rate exceeded"}"#,
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
            3 if request.earlier_requests == 0 => status(400, body),
            page @ 1..=3 => json(&json!([page])),
            _ => json(&json!([])),
        })
        .await;
        assert_eq!(all(endpoint(&server.url).by_page_number("page", 1)).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn an_error_after_a_redirect_elsewhere_is_not_the_end() {
    for (location, is_end) in [("/login", false), ("/login?back=/docs", false), ("/docs/?page=2", true)] {
        let server = Server::start(move |request: &ReceivedRequest| match request.target.as_str() {
            "/docs?page=1" => json(&json!([1])),
            "/docs?page=2" => with_header(status(302, ""), "location", location),
            _ => status(404, r#"{"detail":"Invalid page."}"#),
        })
        .await;
        let mut docs = endpoint(&format!("{}/docs", server.url)).by_page_number::<u32>("page", 1);
        assert_eq!(docs.try_next().await.unwrap(), Some(1));
        assert_eq!(docs.try_next().await.is_ok(), is_end, "{location}");
    }
}

#[tokio::test]
async fn no_page_is_requested_beyond_a_total_that_is_believed() {
    for concurrent in [1, 4] {
        for by_link in [true, false] {
            let server = numbered(|| status(500, "")).await;
            let endpoint = endpoint(&server.url);
            let endpoint = if by_link {
                endpoint.total_pages_from_link()
            } else {
                endpoint.total_pages_header("x-pages")
            };
            let docs = endpoint.by_page_number("page", 1).no_retry().concurrency(concurrent);
            assert_eq!(all(docs).await, FOUR);
            if concurrent == 1 {
                assert_eq!(server.targets(), ["/?page=1", "/?page=2"]);
            }
        }
    }
    for (first, total) in [(0, json!(2)), (1, json!(2)), (1, json!("2"))] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.number("page").unwrap();
            json(&json!({ "items": [page], "meta": { "pages": total } }))
        })
        .await;
        let endpoint = endpoint(&server.url).items_at("/items").total_pages_at("/meta/pages");
        let first = u32::try_from(first).unwrap();
        assert_eq!(all(endpoint.by_page_number("page", first.into())).await, [first, first + 1]);
    }
}

#[tokio::test]
async fn offsets_may_count_from_one() {
    let server = Server::start(|request: &ReceivedRequest| {
        let from = request.number("startIndex").unwrap();
        let resources: Vec<_> = (from..=7).take(3).collect();
        json(&if resources.is_empty() {
            json!({ "totalResults": 7 })
        } else {
            json!({ "totalResults": 7, "Resources": resources })
        })
    })
    .await;
    assert_eq!(all(endpoint(&server.url).by_scim(3)).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(server.targets()[1], "/?count=3&startIndex=4");
}

#[tokio::test]
async fn a_server_that_counts_from_one_is_noticed() {
    for (list, size, want) in [
        // Offset 0 has the effect of 1.
        (vec![1, 2, 3, 4, 5, 6, 7], 3, Err(3)),
        (vec![1, 2, 3], 2, Err(2)),
        // Equal items may be next to each other by chance.
        (vec![1, 1, 1, 1, 1], 2, Ok(6)),
        (vec![4, 5, 4, 4, 6], 3, Ok(6)),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let from = request.number("offset").unwrap().max(1) as usize - 1;
            json(&json!({ "items": list.iter().skip(from).take(size).collect::<Vec<_>>() }))
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_offset("offset", "limit", size as u64);
        match want {
            Err(before) => {
                let mut docs = docs;
                let (items, error) = until_error(&mut docs).await;
                assert_eq!(items.len(), before);
                assert!(chain(&error).contains("`by_offset_from`"), "{}", chain(&error));
                // Whether it was a coincidence, the program decides.
                assert!(docs.retry_failed());
                assert!(docs.try_next().await.unwrap().is_some());
            }
            Ok(count) => assert_eq!(all(docs.on_repeat(OnRepeat::Allow)).await.len(), count),
        }
    }
}

#[tokio::test]
async fn offsets_advance_by_the_limit_if_the_server_filters_pages() {
    // Of each 3 items, the server removes the odd ones; the second page is empty.
    let serve = |extra: fn(u32) -> Value| {
        Server::start(move |request: &ReceivedRequest| {
            let offset = request.number("offset").unwrap();
            let pages: [&[u32]; 4] = [&[0, 2], &[], &[6], &[]];
            let items = pages.get(offset as usize / 3).copied().unwrap_or_default();
            let mut value = json!({ "items": items });
            value.as_object_mut().unwrap().extend(extra(offset).as_object().unwrap().clone());
            json(&value)
        })
    };
    let by_steps = |server: &Server| {
        let endpoint = endpoint(&server.url).items_at("/items").total_at("/total");
        endpoint.by_offset_steps("offset", "limit", 3)
    };
    for (extra, want, requests) in [
        ((|_| json!({ "total": 9 })) as fn(u32) -> Value, &[0, 2, 6][..], 3),
        (|offset| json!({ "hasMore": offset < 6 }), &[0, 2, 6], 3),
        // Nothing but the items: the empty page is the last.
        (|_| json!({}), &[0, 2], 2),
    ] {
        let server = serve(extra).await;
        assert_eq!(all(by_steps(&server)).await, want);
        assert_eq!(server.targets().len(), requests);
        let server = serve(extra).await;
        assert_eq!(all(by_steps(&server).concurrency(3)).await, want);
    }
}
