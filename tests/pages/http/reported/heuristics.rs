//! Decisions by the well-known names in a body: pages that look like errors, errors that look like pages, and cursors that a
//! paginator does not read. Each wrong decision is an error that names the setting that prevents it.

use serde_json::{Value, json};
use withal::pages::http::Endpoint;
use withal::pages::{OnRepeat, http};

use super::Outcome;
use super::server::{Server, js, raw};
use super::walk::walk;
use crate::http::endpoint;

/// A path, the JSON pointer to the items, and a body without items.
type Row = (&'static str, &'static str, &'static str);

/// Reads a stream whose every page has this body.
async fn last_page(
    (path, items, body): Row,
    setting: fn(Endpoint) -> Endpoint,
) -> (super::walk::Got<Value>, String) {
    let server = Server::start(move |_| raw(200, body)).await;
    let endpoint = setting(endpoint(&format!("{}{path}", server.url)).items_at(items));
    (walk(endpoint.by_page_number("page", 3).no_retry()).await, format!("{path} {body}"))
}

#[tokio::test]
async fn an_empty_page_with_the_names_of_errors_is_the_end() -> Outcome {
    for row in [
        // Lists of errors.
        ("/", "/errors/items", r#"{"errors":{"items":[],"total":0}}"#),
        ("/", "/errors/data", r#"{"errors":{"data":[]},"ok":true}"#),
        ("/", "/errors", r#"{"errors":[],"total":4}"#),
        ("/", "/failures/results", r#"{"failures":{"results":[],"page":3}}"#),
        ("/", "/problems", r#"{"totalCount":0,"pageSize":50,"problems":[]}"#),
        ("/", "/exceptions/list", r#"{"exceptions":{"list":[]}}"#),
        ("/", "/error/events", r#"{"error":{"events":[],"id":7}}"#),
        // Members for errors, without an error.
        ("/", "/items", r#"{"items":[],"error":"NO_ERROR"}"#),
        ("/", "/items", r#"{"items":[],"error":"NoError"}"#),
        ("/", "/items", r#"{"items":[],"error":{"code":"NO_ERROR","message":""}}"#),
        ("/", "/items", r#"{"items":[],"errorCode":"S_OK"}"#),
        ("/", "/items", r#"{"items":[],"errors":{"count":0}}"#),
        ("/", "/items", r#"{"items":[],"errors":{"total":0,"items":[]}}"#),
        ("/", "/items", r#"{"items":[],"errors":[null]}"#),
        ("/", "/items", r#"{"items":[],"errors":"[]"}"#),
        ("/", "/items", r#"{"items":[],"error":"-"}"#),
        ("/", "/items", r#"{"items":[],"hasError":"N"}"#),
        ("/", "/items", r#"{"items":[],"errorCode":0,"errorMessage":"Operation completed"}"#),
        ("/", "/items", r#"{"items":[],"errors_count":3,"warnings":[]}"#),
        // Texts.
        ("/", "/items", r#"{"items":[],"resultCode":"0000","resultMsg":"정상"}"#),
        ("/", "/items", r#"{"items":[],"code":"0","msg":"処理が完了しました"}"#),
        ("/", "/items", r#"{"items":[],"message":"Nothing here yet"}"#),
        ("/", "/items", r#"{"items":[],"message":"You have no invoices."}"#),
        ("/", "/items", r#"{"items":[],"message":"End of list"}"#),
        ("/", "/cities", r#"{"code":"DE","name":"Germany","cities":[]}"#),
        ("/", "/comments", r#"{"id":7,"title":"Login page shows an error","state":"open","comments":[]}"#),
        ("/", "/results", r#"{"status":"Open","message":"The ticket is new","results":[]}"#),
        // Words of the request.
        ("/jobs?status=failed", "/jobs", r#"{"status":"failed","jobs":[]}"#),
        ("/jobs?filter=status:failed", "/jobs", r#"{"status":"failed","jobs":[]}"#),
        ("/jobs/failed", "/jobs", r#"{"status":"failed","jobs":[]}"#),
        ("/runs/running", "/runs", r#"{"state":"running","runs":[]}"#),
        ("/logs?level=error", "/logs", r#"{"level":"error","type":"error","logs":[]}"#),
        // Without the array.
        ("/", "/items", r#"{"kind":"x#list","etag":"abc","selfLink":"http://x/y"}"#),
        ("/", "/items", r#"{"nextSyncToken":"x","defaultReminders":[{"m":1}]}"#),
        ("/", "/result/items", r#"{"result":null,"success":true,"errors":[],"messages":[]}"#),
        ("/", "/feed/entry", r#"{"feed":{"title":"x","link":[{"rel":"self"}]}}"#),
    ] {
        let (got, row) = last_page(row, |endpoint| endpoint).await;
        got.is(&[]).map_err(|error| format!("{row}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_page_that_seems_to_be_an_error_can_be_accepted() -> Outcome {
    for row in [
        ("/", "/jobs", r#"{"status":"failed","jobs":[]}"#),
        ("/", "/runs", r#"{"state":"running","runs":[]}"#),
        ("/", "/cities", r#"{"code":"DE","description":"Federal Republic of Germany","cities":[]}"#),
        ("/", "/results", r#"{"success":0,"failed":0,"results":[]}"#),
        ("/", "/comments", r#"{"message":"Login required banner is broken","comments":[]}"#),
        ("/", "/events", r#"{"warnings":["This version will be unavailable after 2027"],"events":[]}"#),
        ("/", "/events", r#"{"info":"Rate limit: 59 of 60 requests remaining","events":[]}"#),
        ("/", "/ads", r#"{"valid":false,"ads":[]}"#),
        ("/", "/lines", r#"{"status":"incomplete","lines":[]}"#),
    ] {
        let (got, shown) = last_page(row, |endpoint| endpoint).await;
        got.fails(&[], "set `ignore_reports` if it is").map_err(|error| format!("{shown}: {error}"))?;
        let (got, shown) = last_page(row, Endpoint::ignore_reports).await;
        got.is(&[]).map_err(|error| format!("{shown}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn an_error_is_recognized_in_any_words() -> Outcome {
    for body in [
        r#"{"status":false,"message":"Token not valid","data":[]}"#,
        r#"{"status":"false","message":"Not subscribed","data":[]}"#,
        r#"{"result":false,"data":[]}"#,
        r#"{"respCode":"E001","respMsg":"token bad","data":[]}"#,
        r#"{"returnCode":"X100","returnMsg":"no such thing","data":[]}"#,
        r#"{"data":[],"userErrors":[{"field":"x","message":"y"}]}"#,
        r#"{"data":[],"validationErrors":{"page":["bad"]}}"#,
        r#"{"data":[],"error_list":["x"]}"#,
        r#"{"data":[],"status":"AUTH_FAILED"}"#,
        r#"{"data":[],"status":"server_error"}"#,
        r#"{"data":[],"status":"ACCESS_DENIED"}"#,
        r#"{"data":[],"status":"token_expired"}"#,
        r#"{"data":[],"message":"Invalid parameters"}"#,
        r#"{"data":[],"message":"Something went wrong"}"#,
        r#"{"data":[],"message":"Please try again later"}"#,
        r#"{"data":[],"message":"Account suspended"}"#,
        r#"{"data":[],"message":"could not connect to the database"}"#,
        r#"{"data":[],"message":"You are not allowed to see this"}"#,
        r#"{"data":[],"message":"系统繁忙，请稍后再试"}"#,
        r#"{"data":[],"message":"参数错误"}"#,
        r#"{"data":[],"message":"인증 실패"}"#,
        r#"{"data":[],"message":"認証に失敗しました"}"#,
        r#"{"data":[],"message":"clé API invalide"}"#,
        r#"{"data":[],"message":"Ungültiger Schlüssel"}"#,
        r#"{"data":[],"detail":"Authentication credentials were not provided."}"#,
        r#"{"data":[],"reason":"internal server error"}"#,
        r#"{"data":null,"isValid":false}"#,
        r#"{"data":[],"status":"partial_failure"}"#,
        r#"{"data":[],"truncated":true,"reason":"time"}"#,
        r#"{"data":[],"rate_limited":true}"#,
        r#"{"data":[],"maintenance":true}"#,
        r#"{"data":[],"status":"indexing"}"#,
        r#"{"data":[],"status":"warming_up"}"#,
        r#"{"data":[],"state":"initializing"}"#,
        r#""""#,
        "false",
    ] {
        let server = Server::start(move |_| raw(200, body)).await;
        let docs = endpoint(&server.url).items_at("/data").by_cursor::<Value>("/next", "c").no_retry();
        let got = walk(docs).await;
        if got.error.is_none() {
            return Err(format!("{body}: {}", got.shown(&[])));
        }
    }
    Ok(())
}

#[tokio::test]
async fn equal_items_of_neighbors_can_be_allowed() -> Outcome {
    let tags = ["a", "b", "c", "c", "d", "e"].map(str::to_owned);
    for allowed in [false, true] {
        let all = tags.clone();
        let server = Server::start(move |req| {
            js(json!(all.iter().skip(req.number("offset") as usize).take(3).collect::<Vec<_>>()))
        });
        let docs = endpoint(&server.await.url).by_offset::<String>("offset", "limit", 3);
        if allowed {
            walk(docs.on_repeat(OnRepeat::Allow)).await.is(&tags)?;
        } else {
            walk(docs).await.fails(&tags[..3], "set `on_repeat` to `Allow`")?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_repeated_page_with_other_values_is_detected_by_its_ids() -> Outcome {
    for kind in ["page", "offset", "cursor", "last", "link", "response"] {
        let server = Server::start(move |req| {
            let n = req.n;
            let items = if n % 2 == 0 {
                format!(r#"[{{"id":1,"age":{n}}},{{"id":2,"age":{n}}}]"#)
            } else {
                format!(r#"[{{"age":{n},"id":1}},{{"age":{n},"id":2}}]"#)
            };
            let next = format!("</d?n={n}>; rel=next");
            raw(200, format!(r#"{{"now":{n},"items":{items},"next":"{n}"}}"#)).with("link", next)
        })
        .await;
        let endpoint = endpoint(&format!("{}/d", server.url)).items_at("/items");
        let got = match kind {
            "page" => walk(endpoint.by_page_number::<Value>("page", 1)).await,
            "offset" => walk(endpoint.by_offset("o", "l", 2)).await,
            "cursor" => walk(endpoint.by_cursor("/next", "c")).await,
            "last" => walk(endpoint.by_last_item("/age", "after")).await,
            "link" => walk(endpoint.by_link()).await,
            _ => {
                walk(endpoint.by_response(
                    |request, cursor: &String| request.query("c", cursor),
                    |response| Ok(http::Response::page(response, response.cursor_at("/next")?)?),
                ))
                .await
            }
        };
        let is_detected = got.error.as_ref().is_some_and(|error| error.contains("set `on_repeat`"));
        if got.items.len() != 2 || !is_detected {
            return Err(format!("{kind}: {}", got.shown(&[])));
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_id_that_repeats_in_pages_of_one_item_is_not_a_repeated_page() -> Outcome {
    let server = Server::start(|req| match req.number("page") {
        page @ 1..5 => js(json!([{ "id": 7, "version": page }])),
        _ => js(json!([])),
    });
    let got = walk(endpoint(&server.await.url).by_page_number::<Value>("page", 1)).await;
    got.is(&[1, 2, 3, 4].map(|version| json!({ "id": 7, "version": version })))
}

#[tokio::test]
async fn a_total_that_is_too_low_does_not_end_a_stream_by_steps() -> Outcome {
    let totals: [fn() -> Value; 2] =
        [|| json!({ "value": 6, "relation": "gte" }), || json!({ "value": 2, "relation": "eq" })];
    for total in totals {
        for concurrent in [1, 3] {
            let server = Server::start(move |req| {
                let from = req.number("from");
                js(json!({ "hits": { "total": total(), "hits": (from..9).take(2).collect::<Vec<_>>() } }))
            })
            .await;
            let hits = endpoint(&server.url).items_at("/hits/hits").total_at("/hits/total/value");
            let hits = hits.by_offset_steps::<u32>("from", "size", 2).concurrency(concurrent);
            let all: Vec<_> = (0..9).collect();
            walk(hits).await.is(&all).map_err(|error| format!("{} {concurrent}: {error}", total()))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_page_may_report_a_next_one_in_many_forms() -> Outcome {
    for extra in [
        json!({ "next": "/x?page=3" }),
        json!({ "next_page": 3 }),
        json!({ "page_count": 4 }),
        json!({ "pageCount": 4 }),
        json!({ "totalPageCount": 4 }),
        json!({ "num_pages": 4 }),
        json!({ "total_page": 4 }),
        json!({ "result": { "total_pages": 4 } }),
        json!({ "pagination": { "next": { "page": 3, "limit": 1 } } }),
        json!({ "next_cursor": "abc" }),
        json!({ "isLast": false }),
        json!({ "header": "x-total-pages" }),
        json!({ "header": "x-wp-totalpages" }),
        json!({ "header": "x-next-page" }),
    ] {
        let shown = extra.to_string();
        let server = Server::start(move |req| {
            let page = req.number("page");
            let items = if page == 2 || page > 4 { json!([]) } else { json!([page]) };
            let mut body = json!({ "items": items });
            if page < 4 {
                body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            }
            match extra["header"].as_str() {
                Some("x-next-page") if page < 4 => js(body).with("x-next-page", (page + 1).to_string()),
                Some("x-total-pages") => js(body).with("x-total-pages", "4"),
                Some(_) => js(body).with("x-wp-totalpages", "4"),
                None => js(body),
            }
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_page_number::<u32>("page", 1);
        walk(docs).await.is(&[1, 3, 4]).map_err(|error| format!("{shown}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_next_page_in_another_header_than_link_is_followed_or_an_error() -> Outcome {
    for (name, value, is_followed) in [
        ("next-page", "/d?page=2", true),
        ("x-next-page", "/d?page=2", true),
        ("x-next-url", "?page=2", true),
        ("x-next", "/d?page=2", true),
        ("next-link", "/d?page=2", true),
        ("pagination-next", "/d?page=2", true),
        ("x-next-page", "2", false),
        ("x-next-cursor", "abc", false),
        ("x-ms-continuation", "abc", false),
        ("x-has-more", "true", false),
    ] {
        let server = Server::start(move |req| match req.n {
            0 => js(json!([1])).with(name, value),
            // GitLab sends the header on its last page, too.
            _ => js(json!([2])).with(name, ""),
        })
        .await;
        let endpoint = endpoint(&format!("{}/d", server.url));
        let got = walk(endpoint.clone().by_link::<u32>()).await;
        let outcome = if is_followed { got.is(&[1, 2]) } else { got.fails(&[], "set `ignore_reports`") };
        outcome.map_err(|error| format!("{name}: {value}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_misspelled_pointer_to_a_cursor_is_an_error() -> Outcome {
    for (pointer, body) in [
        ("/next_cursor", json!({ "nextCursor": "a" })),
        ("/nextCursor", json!({ "next_cursor": "a" })),
        ("/meta/next_cursor", json!({ "next_cursor": "a" })),
        ("/next_page_token", json!({ "nextPageToken": "a" })),
        ("/next", json!({ "meta": { "next": "a" } })),
        ("/next", json!({ "links": { "next": "/d?x=2" } })),
        ("/links/next", json!({ "_links": { "next": { "href": "/d?x=2" } } })),
        ("/next_url", json!({ "next": "/d?x=2" })),
    ] {
        for ignores in [false, true] {
            let mut page = body.clone();
            page["items"] = json!([1]);
            let server = Server::start(move |_| js(page.clone())).await;
            let mut endpoint = endpoint(&format!("{}/d", server.url)).items_at("/items");
            if ignores {
                endpoint = endpoint.ignore_reports();
            }
            for by_url in [false, true] {
                let got = if by_url {
                    walk(endpoint.clone().by_next_url::<u32>(pointer)).await
                } else {
                    walk(endpoint.clone().by_cursor::<u32>(pointer, "c")).await
                };
                let outcome = if ignores { got.is(&[1]) } else { got.fails(&[], "set `ignore_reports`") };
                outcome.map_err(|error| format!("{pointer} {by_url}: {error}"))?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_last_page_may_lack_the_cursor_that_others_had() -> Outcome {
    // The last page has its own URL under another name.
    for null in [false, true] {
        let server = Server::start(move |req| {
            js(match (req.n, null) {
                (0, _) => json!({ "items": [1], "nextCursor": "a", "next": "/d?x=1" }),
                (_, false) => json!({ "items": [2], "next": "/d?x=2" }),
                (_, true) => json!({ "items": [2], "nextCursor": null, "next": "/d?x=2" }),
            })
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextCursor", "c");
        walk(docs).await.is(&[1, 2])?;
    }
    Ok(())
}

#[tokio::test]
async fn a_flag_of_something_else_does_not_end_a_stream() -> Outcome {
    for concurrent in [1, 2, 5] {
        // The state of the list, not of the page.
        let server = Server::start(|req| {
            let page = req.number("page");
            let items = if page < 7 { json!([page]) } else { json!([]) };
            js(json!({ "items": items, "done": page % 2 == 1 }))
        });
        let docs = endpoint(&server.await.url).items_at("/items").by_page_number::<u32>("page", 1);
        walk(docs.concurrency(concurrent)).await.is(&[1, 2, 3, 4, 5, 6])?;
        let server = Server::start(|req| {
            let page = req.number("page");
            let items = if page < 4 { json!([page]) } else { json!([]) };
            js(json!({ "items": items, "done": page >= 3 }))
        });
        let docs = endpoint(&server.await.url).items_at("/items").by_page_number::<u32>("page", 1);
        walk(docs.concurrency(concurrent)).await.is(&[1, 2, 3])?;
    }
    let server = Server::start(|req| {
        js(match req.n {
            0 => json!({ "items": [1], "more": false, "paging": { "next": "a" } }),
            _ => json!({ "items": [2], "more": false, "paging": {} }),
        })
    });
    let docs = endpoint(&server.await.url).items_at("/items").by_cursor::<u32>("/paging/next", "c");
    walk(docs).await.is(&[1, 2])
}

#[tokio::test]
async fn checks_by_well_known_names_can_be_turned_off() -> Outcome {
    let serve = || {
        Server::start(|req| {
            let page = req.number("page");
            js(json!({ "items": if page < 3 { json!([page]) } else { json!([]) }, "has_prev": true }))
        })
    };
    let docs = |url: &str| endpoint(url).items_at("/items");
    walk(docs(&serve().await.url).by_page_number::<u32>("page", 1))
        .await
        .fails(&[], "set `ignore_reports`")?;
    walk(docs(&serve().await.url).ignore_reports().by_page_number::<u32>("page", 1)).await.is(&[1, 2])?;
    let serve = |limit: u32| {
        Server::start(move |req| {
            let items: Vec<_> = (req.number("o")..9).take(4).collect();
            js(json!({ "items": items, "limit": limit, "total": 9 }))
        })
    };
    // A page with more items than the limit proves that the limit is that of something else.
    let all: Vec<_> = (0..9).collect();
    let steps = |endpoint: Endpoint| endpoint.total_at("/total").by_offset_steps::<u32>("o", "l", 5);
    walk(endpoint(&serve(3).await.url).items_at("/items").total_at("/total").by_offset_steps("o", "l", 4))
        .await
        .is(&all)?;
    walk(steps(docs(&serve(4).await.url))).await.fails(&[], "set `ignore_reports`")
}

#[tokio::test]
async fn a_rejected_parameter_costs_one_request_per_stream() -> Outcome {
    let serve = || {
        Server::start(|req| {
            let cursor: u32 = req.q("c").map_or(0, |cursor| cursor.parse().unwrap());
            if cursor > 0 && req.q("start").is_some() {
                return raw(400, r#"{"error":"cursor and start"}"#);
            }
            let next = (cursor < 4).then(|| format!("/t?c={}", cursor + 1));
            js(json!({ "items": [cursor], "next": next }))
        })
    };
    let server = serve().await;
    let endpoint = endpoint(&format!("{}/t?start=1", server.url)).items_at("/items");
    for requests in [6, 12] {
        walk(endpoint.clone().by_next_url::<u32>("/next")).await.is(&[0, 1, 2, 3, 4])?;
        if server.targets().len() != requests {
            return Err(format!("{:?}", server.targets()));
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_error_that_may_mark_the_end_names_the_setting() -> Outcome {
    for (status, body, is_end) in [
        (404, r#"{"message":"Page 3 does not exist"}"#, true),
        (404, r#"{"error":"Page index out of bounds"}"#, true),
        (404, r#"{"error":"There are no more posts"}"#, true),
        (404, r#"{"message":"No items found on page 3"}"#, true),
        (404, r#"{"message":"Project not found"}"#, false),
        (404, r#"{"message":"Repository has been deleted"}"#, false),
        (400, r#"{"message":"Bad request"}"#, false),
    ] {
        let server = Server::start(move |req| match req.number("page") {
            page @ 1..3 => js(json!([page * 2, page * 2 + 1])),
            _ => raw(status, body).with("content-type", "application/json"),
        });
        let got = walk(endpoint(&server.await.url).by_page_number::<u32>("page", 1)).await;
        let items = [2, 3, 4, 5];
        let outcome = if is_end { got.is(&items) } else { got.fails(&items, "return `OnError::End`") };
        outcome.map_err(|error| format!("{body}: {error}"))?;
    }
    Ok(())
}
