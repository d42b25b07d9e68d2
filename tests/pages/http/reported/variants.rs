//! Further shapes of the same kinds, as tables.

use serde_json::{Value, json};
use withal::pages::http::GraphQlQuery;

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// Serves a page and then this body, and requires an error after the first page.
async fn error_in_200(body: Value) -> Outcome {
    let shown = body.to_string();
    let respond = move |n| if n == 0 { json!({ "data": [1], "next": "x" }) } else { body.clone() };
    let server = Server::start(move |req| js(respond(req.n))).await;
    let docs = endpoint(&server.url).items_at("/data").by_cursor::<u32>("/next", "c").no_retry();
    walk(docs).await.fails(&[1], "is not a page").map_err(|error| format!("{shown}: {error}"))
}

#[tokio::test]
async fn an_error_with_status_200_is_not_the_last_page() -> Outcome {
    for body in [
        json!({ "data": [], "status": "OVER_QUERY_LIMIT" }),
        json!({ "meta": { "code": 429, "error_type": "OAuthRateLimitException" } }),
        json!({ "meta": { "status": 401, "msg": "Unauthorized" }, "response": [] }),
        json!({ "status": { "error_code": 1002, "error_message": "API key missing" } }),
        json!({ "status": { "code": 429, "message": "slow" }, "data": null }),
        json!({ "response": { "status": "error", "message": "down" } }),
        json!({ "resultCode": "99", "resultMsg": "LIMITED NUMBER OF REQUESTS" }),
        json!({ "response": { "header": { "resultCode": "22", "resultMsg": "LIMITED" } } }),
        json!({ "isSuccessful": false, "message": "no" }),
        json!({ "IsSuccess": false, "Message": "no" }),
        json!({ "success": "N", "message": "no" }),
        json!({ "odata.error": { "code": "-2147", "message": { "value": "throttled" } } }),
        json!({ "exceptionCode": "x", "exceptionMessage": "y" }),
        json!({ "return_code": "FAIL", "return_msg": "x" }),
        json!({ "resp_code": 500, "resp_msg": "bad", "data": null }),
        json!({ "status": 0, "message": "fail", "data": null }),
        json!({ "err": "bad", "data": null }),
        json!({ "error_response": { "code": 7, "msg": "App Call Limited" } }),
        json!({ "state": "error", "message": "x" }),
        json!({ "has_error": true }),
        json!({ "isError": true, "data": [] }),
        json!({ "data": [], "timed_out": true }),
    ] {
        error_in_200(body).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_object_that_reports_success_is_no_error() -> Outcome {
    for error in [
        json!({ "code": 0, "message": "" }),
        json!({ "code": 0, "message": "success" }),
        json!({ "code": "", "message": "" }),
        json!({ "code": "ok", "message": "", "log_id": "2022" }),
    ] {
        let server = Server::start(move |_| js(json!({ "data": [], "error": error }))).await;
        let docs = endpoint(&server.url).items_at("/data").by_cursor::<u32>("/next", "c");
        walk(docs).await.is(&[])?;
    }
    Ok(())
}

#[tokio::test]
async fn a_flag_known_by_its_name_ends_the_stream() -> Outcome {
    for (name, yes, no) in [
        ("has-more", json!(true), json!(false)),
        ("hasNext", json!(true), json!(false)),
        ("has_next", json!(true), json!(false)),
        ("IsTruncated", json!(true), json!(false)),
        ("moreResults", json!(true), json!(false)),
        ("more_items_in_collection", json!(true), json!(false)),
        ("has_more", json!(1), json!(0)),
        ("has_more", json!("true"), json!("false")),
        ("last", json!("false"), json!("true")),
        // A number of a page is not a flag.
        ("last", json!(1), json!(1)),
    ] {
        let is_flag = !yes.is_number() || name != "last";
        let server = Server::start(move |req| match req.n {
            0 => js(json!({ "d": [1], name: yes, "c": "1" })),
            1 => js(json!({ "d": [2], name: no, "c": "2" })),
            _ => js(json!({ "d": [3] })),
        });
        let docs = endpoint(&server.await.url).items_at("/d").by_cursor::<u32>("/c", "c");
        let want: &[u32] = if is_flag { &[1, 2] } else { &[1, 2, 3] };
        walk(docs).await.is(want).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_configured_flag_may_be_a_word() -> Outcome {
    for (yes, no) in [("TRUE", "FALSE"), ("yes", "no"), ("Y", "N")] {
        let page = move |n: usize| json!({ "d": [n], "more": if n == 0 { yes } else { no }, "c": n + 1 });
        let server = Server::start(move |req| js(page(req.n))).await;
        let docs = endpoint(&server.url).items_at("/d").has_more_at("/more");
        walk(docs.by_cursor::<usize>("/c", "c")).await.is(&[0, 1])?;
    }
    Ok(())
}

#[tokio::test]
async fn the_cursor_may_be_in_an_item_of_a_body_that_is_an_array() -> Outcome {
    for pointer in ["/1/id", "/-1/id"] {
        let server = Server::start(|req| match req.q("after").as_deref() {
            None => js(json!([{ "id": 1 }, { "id": 2 }])),
            Some("2") => js(json!([{ "id": 3 }])),
            _ => js(json!([])),
        });
        let docs = endpoint(&server.await.url).by_cursor::<Value>(pointer, "after");
        walk(docs).await.is(&[json!({ "id": 1 }), json!({ "id": 2 }), json!({ "id": 3 })])?;
    }
    Ok(())
}

#[tokio::test]
async fn temporary_statuses_are_retried() -> Outcome {
    for (status, after) in [(420, ""), (430, ""), (509, ""), (409, "0.01"), (413, "0.01"), (423, "0.01")] {
        let server = Server::start(move |req| match req.n {
            0 => raw(status, "").with("retry-after", after),
            _ => js(json!([1])),
        });
        let docs = endpoint(&server.await.url).by_link::<u32>().retry(soon());
        walk(docs).await.is(&[1]).map_err(|error| format!("{status}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_graphql_may_have_another_shape() -> Outcome {
    for errors in [json!({ "message": "lost" }), json!("lost"), json!([null, { "message": "lost" }])] {
        let page = json!({ "docs": { "nodes": [1], "pageInfo": { "hasNextPage": false } } });
        let server = Server::start(move |_| js(json!({ "data": page, "errors": errors }))).await;
        let query = GraphQlQuery::new("query", "/data/docs");
        walk(endpoint(&server.url).by_relay_connection::<u32>(query)).await.fails(&[], "lost")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_page_in_the_middle_may_lack_its_items_in_any_form() -> Outcome {
    for middle in [
        json!({}),
        json!({ "items": null }),
        json!({ "items": {} }),
        json!({ "items": "" }),
        json!({ "items": false }),
        json!({ "kind": "x#list", "items": [], "prefixes": ["a/"] }),
        json!({ "unreachable": ["zone-1"] }),
    ] {
        let shown = middle.to_string();
        let server = Server::start(move |req| match req.q("pageToken").as_deref() {
            None => js(json!({ "items": [1, 2], "nextPageToken": "a" })),
            Some("a") => {
                let mut page = middle.clone();
                page["nextPageToken"] = json!("b");
                js(page)
            }
            _ => js(json!({ "items": [3] })),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextPageToken", "pageToken");
        walk(docs).await.is(&[1, 2, 3]).map_err(|error| format!("{shown}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn the_end_may_lack_its_items_and_its_cursor_in_any_form() -> Outcome {
    for end in [
        json!({ "users": null, "next_token": null }),
        json!({ "users": null, "next_token": "" }),
        json!({ "users": null }),
        json!({ "users": [], "next_token": false }),
        json!({ "next_token": null }),
        json!({ "users": {}, "next_token": {} }),
    ] {
        let shown = end.to_string();
        let server = Server::start(move |req| match req.n {
            n @ 0..2 => js(json!({ "users": [n], "next_token": format!("t{n}") })),
            _ => js(end.clone()),
        });
        let docs = endpoint(&server.await.url).items_at("/users").by_cursor::<usize>("/next_token", "t");
        walk(docs).await.is(&[0, 1]).map_err(|error| format!("{shown}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_flag_for_the_last_page_has_many_names() -> Outcome {
    for name in
        ["isLast", "is_last", "isLastPage", "is_last_page", "end_of_stream", "endOfRecords", "isEnd", "done"]
    {
        let server = Server::start(move |req| match req.n {
            n @ 0..2 => js(json!({ "values": [n], name: n == 1, "nextPageStart": n + 1 })),
            _ => js(json!({ "values": [99], name: true })),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/values").by_cursor::<usize>("/nextPageStart", "start");
        walk(docs).await.is(&[0, 1]).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_counts_from_one_repeats_no_item() -> Outcome {
    for (limit, last, has_total) in
        [(3, 7, true), (3, 7, false), (2, 5, true), (2, 2, false), (4, 8, true), (5, 5, false)]
    {
        let serve = move |rejects: bool| {
            Server::start(move |req| match req.number("startIndex") {
                0 if rejects => raw(400, r#"{"detail":"startIndex must be positive"}"#),
                from => {
                    let items: Vec<_> = (from.max(1)..=last).take(limit).collect();
                    js(if has_total {
                        json!({ "totalResults": last, "Resources": items })
                    } else {
                        json!({ "Resources": items })
                    })
                }
            })
        };
        let all: Vec<_> = (1..=last).collect();
        for rejects in [false, true] {
            let server = serve(rejects).await;
            let endpoint = endpoint(&server.url).items_at("/Resources").total_at("/totalResults");
            let got = walk(endpoint.clone().by_offset::<u32>("startIndex", "count", limit as u64)).await;
            got.is_or_loud(&all).map_err(|error| format!("{limit} {last} {has_total}: {error}"))?;
            walk(endpoint.by_scim::<u32>(limit as u64)).await.is(&all)?;
        }
    }
    Ok(())
}
