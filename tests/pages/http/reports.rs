//! Responses with status 200 and without items that are not empty pages, by the members beside the items.

use serde_json::{Value, json};
use withal::pages::OnCycle;
use withal::pages::http::Error;

use super::server::{ReceivedRequest, Server, json};
use super::{all, chain, endpoint, until_error};

/// A server whose second response, the first time, has these members instead of items.
async fn with_second(body: Value, has_items: bool) -> Server {
    Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
        2 if request.earlier_requests == 0 => {
            let mut body = body.clone();
            if has_items {
                body["items"] = json!([]);
            }
            json(&body)
        }
        page @ 1..=3 => json(&json!({ "items": [page] })),
        _ => json(&json!({ "items": [] })),
    })
    .await
}

#[tokio::test]
async fn errors_in_any_form_are_reported() {
    for body in [
        json!({ "ErrorCode": "InvalidToken", "ErrorMessage": "expired" }),
        json!({ "Succeeded": false, "Message": "expired" }),
        json!({ "code": 50011 }),
        json!({ "status": "NOK", "message": "x" }),
        json!({ "status": 101, "msg": "bad token" }),
        json!({ "status": "0", "info": "DAILY_QUERY_OVER_LIMIT", "infocode": "10003" }),
        json!({ "header": { "resultCode": "22", "resultMsg": "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR" } }),
        json!({ "responseStatus": { "errorCode": "Unauthorized" } }),
        json!({ "_shards": { "total": 2, "failed": 2 } }),
        json!({ "incomplete_results": true }),
        json!({ "message": "you can only fetch the 1000 hits for this query" }),
        json!({ "ret_code": -1 }),
    ] {
        for has_items in [true, false] {
            let server = with_second(body.clone(), has_items).await;
            let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
            let (items, error) = until_error(&mut { docs }).await;
            assert_eq!(items, [1], "{body}");
            let error = error.into_fetch_error().unwrap();
            assert!(matches!(error, Error::NotAPage { .. }), "{body}: {}", chain(&error));
            // The setting turns the detection off.
            let server = with_second(body.clone(), has_items).await;
            let docs = endpoint(&server.url).items_at("/items").ignore_reports().by_page_number("page", 1);
            assert_eq!(all(docs).await, [1], "{body}");
        }
    }
    let login = json!({ "redirect": "/login", "authenticated": false });
    let server = with_second(login, false).await;
    let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
    assert_eq!(until_error(&mut { docs }).await.0, [1]);
}

#[tokio::test]
async fn a_page_that_is_not_ready_is_requested_again() {
    for body in [
        json!({ "jobComplete": false, "jobReference": { "jobId": "j" } }),
        json!({ "status": "RUNNING", "progress": 40 }),
        json!({ "state": "IN_PROGRESS", "id": 7 }),
        json!({ "status": { "state": "PENDING" } }),
    ] {
        for has_items in [true, false] {
            let server = with_second(body.clone(), has_items).await;
            let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
            assert_eq!(all(docs).await, [1, 2, 3], "{body}");
            let server = with_second(body.clone(), has_items).await;
            let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1).no_retry();
            let (items, error) = until_error(&mut { docs }).await;
            assert_eq!(items, [1]);
            assert!(chain(&error).contains("is not ready"), "{}", chain(&error));
        }
    }
}

#[tokio::test]
async fn an_empty_page_with_a_report_of_success_is_the_end() {
    for body in [
        json!({ "items": [], "total": 0, "message": "ok", "code": 200 }),
        json!({ "items": [], "code": 1001, "message": "no more data" }),
        json!({ "items": [], "status": "0", "message": "No transactions found" }),
        json!({ "items": [], "code": 20000 }),
        json!({ "items": [], "errors": [], "error_count": 0, "failed": 0, "state": "open" }),
        json!({ "items": null, "errcode": 0, "errmsg": "done" }),
        json!({ "kind": "storage#objects" }),
    ] {
        let shown = body.clone();
        let server = Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
            1 => json(&json!({ "items": [1] })),
            _ => json(&body),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
        assert_eq!(all(docs).await, [1], "{shown}");
    }
    // A value of the query that the server repeats.
    for status in ["failed", "pending"] {
        let server =
            Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [], "status": status }))).await;
        let docs = endpoint(&format!("{}/?status={status}", server.url)).items_at("/items");
        assert!(all(docs.by_page_number("page", 1)).await.is_empty());
    }
}

#[tokio::test]
async fn a_flag_of_another_object_does_not_end_the_stream() {
    for (beside, is_top) in [
        (json!({ "has_more": false }), false),
        (json!({ "isLast": true }), false),
        (json!({ "last": true }), true),
        (json!({ "done": true }), true),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.number("c").unwrap_or(0);
            let next = (page < 2).then(|| page + 1);
            let mut body = if is_top {
                json!({ "entries": [page], "next": next })
            } else {
                json!({ "feed": { "entries": [page], "paging": { "next": next } }, "notifications": [] })
            };
            body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
            json(&body)
        })
        .await;
        let endpoint = endpoint(&server.url);
        let docs = if is_top {
            endpoint.items_at("/entries").by_cursor("/next", "c")
        } else {
            endpoint.items_at("/feed/entries").by_cursor("/feed/paging/next", "c")
        };
        assert_eq!(all(docs).await, [0, 1, 2]);
    }
    // Without a cursor, the URL of the next page contradicts the flag.
    let server = Server::start(|request: &ReceivedRequest| {
        let page = request.number("page").unwrap();
        let next = (page < 3).then(|| format!("/?page={}", page + 1));
        json(&json!({ "items": if page < 4 { vec![page] } else { vec![] }, "last": true, "next": next }))
    })
    .await;
    assert_eq!(all(endpoint(&server.url).items_at("/items").by_page_number("page", 1)).await, [1, 2, 3]);
}

#[tokio::test]
async fn the_fingerprint_of_a_page_is_that_of_its_items() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&json!({ "items": [1, 2], "next": request.number("c").unwrap_or(0) + 1 }))
    })
    .await;
    let docs = || {
        endpoint(&server.url).by_response(
            |request, cursor: &String| request.query("c", cursor),
            |response| Ok(withal::pages::Page::new(response.items("/items")?, response.cursor_at("/next")?)),
        )
    };
    let (items, error) = until_error(&mut docs()).await;
    assert_eq!(items, [1, 2]);
    assert!(error.is_repeated_page(), "{error}");
    assert_eq!(all(docs().on_cycle(OnCycle::End)).await, [1, 2]);
}

#[tokio::test]
async fn a_kubernetes_list_resumes_within_a_page_whose_token_has_expired() {
    let serve = |is_expired: bool| {
        Server::start(move |request: &ReceivedRequest| {
            let token = request.query.get("continue").map(String::as_str);
            match token {
                None => json(&json!({ "metadata": { "continue": "t1" }, "items": [1, 2, 3] })),
                Some("t1") if is_expired => {
                    let body = json!({ "kind": "Status", "code": 410, "metadata": { "continue": "fresh" } });
                    super::server::status(410, &body.to_string())
                }
                Some("t1" | "fresh") => {
                    json(&json!({ "metadata": { "continue": "t2" }, "items": [4, 5, 6] }))
                }
                Some(_) => json(&json!({ "metadata": {}, "items": [7] })),
            }
        })
    };
    let server = serve(false).await;
    for cut in 0..=7 {
        let mut docs = endpoint(&server.url).by_kubernetes::<u32>();
        let mut items = Vec::new();
        for _ in 0..cut {
            items.push(docs.try_next().await.unwrap().unwrap());
        }
        let expired = serve(true).await;
        items.extend(all(endpoint(&expired.url).by_kubernetes().resume(docs.checkpoint())).await);
        assert_eq!(items, [1, 2, 3, 4, 5, 6, 7], "{cut}");
    }
}
