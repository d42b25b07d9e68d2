//! The paging of known APIs, each read by one chain of methods or a short function, without a loss.

use reqwest::StatusCode;
use serde_json::{Value, json};
use withal::pages::http::Endpoint;
use withal::pages::{OnCycle, OnEmpty, OnRepeat, Page};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

const SIX: [u32; 6] = [0, 1, 2, 3, 4, 5];

/// The two items of one of three pages.
fn items(page: u32) -> Vec<u32> {
    (page * 2..(page * 2 + 2).min(6)).collect()
}

/// The number in a parameter, or in the JSON body; 0 if there is none.
fn at(request: &ReceivedRequest, name: &str) -> u32 {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = request.query.get(name).cloned().or_else(|| body.get(name).map(text));
    value.map_or(0, |value| value.trim_start_matches('c').parse().unwrap())
}

/// A value on each page but the last, otherwise `null`.
fn next(page: u32, value: impl FnOnce(u32) -> Value) -> Value {
    if page < 2 { value(page + 1) } else { Value::Null }
}

/// Starts a server, and requires the six items of its three pages.
macro_rules! reads {
    ($name:expr, |$request:ident| $respond:expr, |$endpoint:ident| $docs:expr) => {{
        let server = Server::start(|$request: &ReceivedRequest| -> HttpResponse { $respond }).await;
        let $endpoint: Endpoint = endpoint(&format!("{}/v1/docs", server.url));
        assert_eq!(all($docs).await, SIX, "{}: {}", $name, stringify!($docs));
    }};
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn cursors_in_the_body() {
    reads!(
        "Asana",
        |r| {
            let page = at(r, "offset");
            json(
                &json!({ "data": items(page), "next_page": next(page, |n| json!({ "offset": format!("c{n}"), "uri": "x" })) }),
            )
        },
        |e| e.items_at("/data").by_cursor("/next_page/offset", "offset")
    );
    reads!(
        "Jira",
        |r| {
            let page = at(r, "nextPageToken");
            json(
                &json!({ "issues": items(page), "nextPageToken": format!("c{}", page + 1), "isLast": page == 2 }),
            )
        },
        |e| e.items_at("/issues").by_cursor("/nextPageToken", "nextPageToken")
    );
    reads!(
        "HubSpot",
        |r| {
            let page = at(r, "after");
            let mut body = json!({ "results": items(page), "total": 6 });
            if page < 2 {
                body["paging"] = json!({ "next": { "after": (page + 1).to_string(), "link": "https://x" } });
            }
            json(&body)
        },
        |e| e.items_at("/results").by_cursor("/paging/next/after", "after")
    );
    reads!(
        "Twitch",
        |r| {
            let page = at(r, "after");
            json(
                &json!({ "data": items(page), "pagination": if page < 3 { json!({ "cursor": format!("c{}", page + 1) }) } else { json!({}) } }),
            )
        },
        |e| e.items_at("/data").by_cursor("/pagination/cursor", "after")
    );
    reads!(
        "X",
        |r| {
            let page = at(r, "pagination_token");
            let mut body = json!({ "meta": { "result_count": 2, "next_token": next(page, |n| json!(format!("c{n}"))) } });
            body["data"] = items(page).into();
            json(&body)
        },
        |e| e.items_at("/data").by_cursor("/meta/next_token", "pagination_token")
    );
    reads!(
        "Reddit",
        |r| {
            let page = at(r, "after");
            json(
                &json!({ "kind": "Listing", "data": { "after": next(page, |n| json!(format!("c{n}"))), "children": items(page) } }),
            )
        },
        |e| e.items_at("/data/children").by_cursor("/data/after", "after")
    );
    reads!(
        "Pipedrive",
        |r| {
            let page = at(r, "start");
            json(&json!({ "success": true, "data": items(page), "additional_data": { "pagination":
            { "start": page, "more_items_in_collection": page < 2, "next_start": page + 1 } } }))
        },
        |e| e.items_at("/data").by_cursor("/additional_data/pagination/next_start", "start")
    );
    reads!(
        "Zhihu",
        |r| {
            let page = at(r, "offset");
            json(&json!({ "data": items(page), "paging": { "is_end": page == 2, "cursor": page + 1 } }))
        },
        |e| e.items_at("/data").by_cursor("/paging/cursor", "offset")
    );
    reads!(
        "Crossref",
        |r| {
            let page = at(r, "cursor");
            json(&json!({ "message": { "items": items(page), "next-cursor": format!("c{}", page + 1) } }))
        },
        |e| e.items_at("/message/items").by_cursor("/message/next-cursor", "cursor").on_empty(OnEmpty::End)
    );
    reads!(
        "Solr",
        |r| {
            let page = at(r, "cursorMark");
            let mark = format!("c{}", (page + 1).min(3));
            json(&json!({ "response": { "docs": items(page) }, "nextCursorMark": mark }))
        },
        |e| e.items_at("/response/docs").by_cursor("/nextCursorMark", "cursorMark").on_cycle(OnCycle::End)
    );
    reads!(
        "Notion",
        |r| {
            let page = at(r, "start_cursor");
            json(
                &json!({ "object": "list", "results": items(page), "has_more": page < 2, "next_cursor": next(page, |n| json!(format!("c{n}"))) }),
            )
        },
        |e| e
            .json(&json!({ "page_size": 2 }))
            .unwrap()
            .items_at("/results")
            .by_body_cursor("/next_cursor", "/start_cursor")
    );
    reads!(
        "Gerrit",
        |r| {
            let page = at(r, "S");
            status(200, &format!(")]}}'\n{}", json!(items(page))))
        },
        |e| e.by_page_number("S", 0)
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn links() {
    reads!(
        "Confluence",
        |r| {
            let page = at(r, "start");
            json(
                &json!({ "results": items(page), "_links": { "base": format!("http://{}/v1", r.header("host").unwrap()),
            "next": next(page, |n| json!(format!("/docs?start={n}"))) } }),
            )
        },
        |e| e.items_at("/results").by_next_url("/_links/next")
    );
    reads!(
        "Salesforce",
        |r| {
            let page = r.target.rsplit_once('-').map_or(0, |(_, page)| page.parse().unwrap());
            json(&json!({ "totalSize": 6, "done": page == 2, "records": items(page),
            "nextRecordsUrl": next(page, |n| json!(format!("/v1/docs/01g-{n}"))) }))
        },
        |e| e.items_at("/records").total_at("/totalSize").by_next_url("/nextRecordsUrl").expect_total()
    );
    reads!(
        "Twilio",
        |r| {
            let page = at(r, "Page");
            json(
                &json!({ "messages": items(page), "next_page_uri": next(page, |n| json!(format!("/v1/docs?Page={n}&PageToken=PASM{n}"))) }),
            )
        },
        |e| e.items_at("/messages").by_next_url("/next_page_uri")
    );
    reads!(
        "Zendesk",
        |r| {
            let page = at(r, "t");
            json(
                &json!({ "tickets": items(page), "next_page": format!("/v1/docs?t={}", page + 1), "end_of_stream": page == 2 }),
            )
        },
        |e| e.items_at("/tickets").by_next_url("/next_page")
    );
    reads!(
        "Okta",
        |r| {
            let page = at(r, "after");
            let response = with_header(json(&json!(items(page))), "link", "</v1/docs>; rel=\"self\"");
            if page == 2 {
                return response;
            }
            with_header(
                response,
                "link",
                &format!("<http://{}/v1/docs?after={}>; rel=\"next\"", r.header("host").unwrap(), page + 1),
            )
        },
        |e| e.by_link()
    );
    reads!(
        "Shopify",
        |r| {
            let page = at(r, "page_info");
            if page > 0 && r.query.contains_key("status") {
                return status(400, r#"{"errors":{"status":"cannot be passed when page_info is present"}}"#);
            }
            let response = json(&json!({ "orders": items(page) }));
            if page == 2 {
                response
            } else {
                with_header(
                    response,
                    "link",
                    &format!("</v1/docs?limit=2&page_info=c{}>; rel=next", page + 1),
                )
            }
        },
        |e| e.map_request(|request| request).links_as_sent().items_at("/orders").by_link()
    );
    reads!(
        "crates.io",
        |r| {
            let page = at(r, "page");
            json(
                &json!({ "crates": items(page), "meta": { "total": 6, "next_page": next(page, |n| json!(format!("?page={n}"))) } }),
            )
        },
        |e| e.items_at("/crates").by_next_url("/meta/next_page")
    );
    reads!(
        "PayPal",
        |r| {
            let page = at(r, "page");
            let mut links = vec![json!({ "href": "/v1/docs?page=9", "rel": "last", "method": "GET" })];
            if page < 2 {
                links.push(
                    json!({ "href": format!("/v1/docs?page={}", page + 1), "rel": "next", "method": "GET" }),
                );
            }
            json(&json!({ "transactions": items(page), "links": links }))
        },
        |e| e.items_at("/transactions").by_link_array("/links")
    );
    reads!(
        "RingCentral",
        |r| {
            let page = at(r, "page");
            let navigation = if page < 2 {
                json!({ "nextPage": { "uri": format!("/v1/docs?page={}", page + 1) } })
            } else {
                json!({})
            };
            json(&json!({ "records": items(page), "navigation": navigation }))
        },
        |e| e.items_at("/records").by_next_url("/navigation/nextPage/uri")
    );
    reads!(
        "Mailgun",
        |r| {
            let page = at(r, "page");
            json(
                &json!({ "items": items(page), "paging": { "next": format!("/v1/docs?page={}", page + 1) } }),
            )
        },
        |e| e.items_at("/items").by_next_url("/paging/next").on_empty(OnEmpty::End)
    );
    reads!(
        "Azure DevOps",
        |r| {
            let page = at(r, "continuationToken");
            let response = json(&json!({ "count": 2, "value": items(page) }));
            if page == 2 {
                response
            } else {
                with_header(response, "x-ms-continuationtoken", &format!("c{}", page + 1))
            }
        },
        |e| e.items_at("/value").by_cursor_header("x-ms-continuationtoken", "continuationToken")
    );
    reads!(
        "GitLab",
        |r| {
            let page = at(r, "page").max(1) - 1;
            with_header(
                json(&json!(items(page))),
                "x-next-page",
                &if page < 2 { (page + 2).to_string() } else { String::new() },
            )
        },
        |e| e.by_cursor_header("x-next-page", "page")
    );
}

#[tokio::test]
async fn numbers() {
    reads!(
        "WordPress",
        |r| {
            let page = at(r, "page") - 1;
            if page > 2 {
                return status(400, r#"{"code":"rest_post_invalid_page_number"}"#);
            }
            with_header(json(&json!(items(page))), "x-wp-totalpages", "3")
        },
        |e| e.by_page_number("page", 1).concurrency(4)
    );
    reads!(
        "Zoho Books",
        |r| {
            let page = at(r, "page") - 1;
            // The second page has only items that the user may not see.
            let pages: [&[u32]; 4] = [&[0, 1, 2], &[], &[3, 4, 5], &[]];
            json(
                &json!({ "code": 0, "message": "success", "docs": pages[page as usize], "page_context": { "page": page + 1, "has_more_page": page < 2 } }),
            )
        },
        |e| e.items_at("/docs").by_page_number("page", 1)
    );
    reads!(
        "Cloudflare",
        |r| {
            let page = at(r, "page") - 1;
            json(
                &json!({ "success": true, "errors": [], "result": items(page), "result_info": { "page": page + 1, "total_pages": 3 } }),
            )
        },
        |e| e.items_at("/result").total_pages_at("/result_info/total_pages").by_page_number("page", 1)
    );
    reads!(
        "DigitalOcean",
        |r| {
            let page = at(r, "page") - 1;
            let pages: [&[u32]; 4] = [&[0, 1, 2], &[], &[3, 4, 5], &[]];
            let links = if page < 2 {
                json!({ "pages": { "next": format!("/v1/docs?page={}", page + 2) } })
            } else {
                json!({})
            };
            json(&json!({ "droplets": pages[page as usize], "links": links, "meta": { "total": 6 } }))
        },
        |e| e.items_at("/droplets").by_page_number("page", 1)
    );
    reads!(
        "PagerDuty",
        |r| {
            let offset = at(r, "offset");
            json(
                &json!({ "users": items(offset / 2), "offset": offset, "limit": 2, "more": offset < 4, "total": null }),
            )
        },
        |e| e.items_at("/users").by_offset("offset", "limit", 2)
    );
    reads!(
        "GBIF",
        |r| {
            let offset = at(r, "offset");
            json(&json!({ "results": items(offset / 2), "offset": offset, "endOfRecords": offset >= 4 }))
        },
        |e| e.items_at("/results").by_offset("offset", "limit", 2).concurrency(2)
    );
    reads!(
        "ClickUp",
        |r| {
            let page = at(r, "page");
            json(&json!({ "tasks": items(page), "last_page": page == 2 }))
        },
        |e| e.items_at("/tasks").by_page_number("page", 0)
    );
    reads!(
        "Magento",
        |r| {
            let page = at(r, "searchCriteria[currentPage]").clamp(1, 3) - 1;
            json(&json!({ "items": items(page), "total_count": 6 }))
        },
        |e| e.items_at("/items").by_page_number("searchCriteria[currentPage]", 1).on_repeat(OnRepeat::End)
    );
    reads!(
        "BigCommerce",
        |r| {
            let page = at(r, "page") - 1;
            if page < 3 { json(&json!(items(page))) } else { status(204, "") }
        },
        |e| e.by_page_number("page", 1)
    );
}

#[tokio::test]
async fn functions() {
    reads!(
        "Heroku",
        |r| {
            let page: u32 = r.header("range").map_or(0, |range| range.parse().unwrap());
            let response = json(&json!(items(page)));
            if page == 2 {
                return response;
            }
            let mut response = with_header(response, "next-range", &(page + 1).to_string());
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response
        },
        |e| e.accept_status(StatusCode::PARTIAL_CONTENT).by_response(
            |request, range: &String| request.header("range", range),
            |response| Ok(response.page(response.header("next-range")?.map(str::to_owned))?),
        )
    );
    reads!(
        "SP-API",
        |r| {
            let page = at(r, "NextToken");
            if page > 0 && r.query.contains_key("MarketplaceIds") {
                return status(400, "NextToken must be the only parameter");
            }
            json(
                &json!({ "payload": { "Orders": items(page), "NextToken": next(page, |n| json!(format!("c{n}"))) } }),
            )
        },
        |e| e.items_at("/payload/Orders").by_response(
            |request, token: &String| request.remove_query("MarketplaceIds").query("NextToken", token),
            |response| Ok(response.page(response.cursor_at("/payload/NextToken")?)?),
        )
    );
    // CouchDB: the start key is inclusive.
    reads!(
        "CouchDB",
        |r| {
            let start = at(r, "startkey") + at(r, "skip");
            json(&json!({ "total_rows": 6, "rows": (start..(start + 2).min(6)).collect::<Vec<_>>() }))
        },
        |e| e.items_at("/rows").by_response(
            |request, key: &String| request.query("startkey", key).query("skip", 1),
            |response| Ok(response.page(response.cursor_at("/rows/-1")?)?),
        )
    );
    reads!(
        "Elasticsearch scroll",
        |r| {
            let is_first = !r.target.starts_with("/_search/scroll");
            let page = if is_first { 0 } else { u32::try_from(r.earlier_requests).unwrap() + 1 };
            json(&json!({ "_scroll_id": "same", "hits": { "hits": items(page) } }))
        },
        |e| e
            .items_at("/hits/hits")
            .by_response(
                |request, id: &String| request
                    .url("/_search/scroll")
                    .json(&json!({ "scroll": "1m", "scroll_id": id })),
                |response| Ok(response.page(response.cursor_at("/_scroll_id")?)?),
            )
            .on_cycle(OnCycle::Allow)
            .on_empty(OnEmpty::End)
    );
    reads!(
        "Dropbox",
        |r| {
            let page = at(r, "cursor");
            assert_eq!(r.target.ends_with("/continue"), page > 0);
            json(&json!({ "entries": items(page), "cursor": format!("c{}", page + 1), "has_more": page < 2 }))
        },
        |e| e.json(&json!({ "path": "" })).unwrap().items_at("/entries").by_response(
            |request, cursor: &String| request.url("/v1/docs/continue").json(&json!({ "cursor": cursor })),
            |response| {
                let next = response.cursor_at("/cursor")?;
                Ok(response.page(next)?.has_more(response.at::<bool>("/has_more")?))
            },
        )
    );
    reads!(
        "an object of items",
        |r| {
            let page = at(r, "page");
            let members: serde_json::Map<_, _> =
                items(page).into_iter().map(|id| (format!("id-{id}"), json!(id))).collect();
            json(&json!({ "items": members }))
        },
        |e| e.by_numbered_response(
            0,
            |request, page| request.query("page", page),
            |response| {
                let items: Option<std::collections::BTreeMap<String, u32>> = response.at("/items")?;
                Ok(Page::new(items.unwrap_or_default().into_values().collect(), None))
            }
        )
    );
}

#[tokio::test]
async fn a_search_that_lacks_hits_is_an_error() {
    for (beside, want) in [
        (json!({ "timed_out": true }), "timed_out is true"),
        (json!({ "_shards": { "total": 5, "successful": 4, "failed": 1 } }), "failed shards: 1"),
    ] {
        let server = Server::start(move |_: &ReceivedRequest| {
            let mut body = json!({ "hits": { "hits": [{ "sort": [1] }] } });
            body.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
            json(&body)
        })
        .await;
        let endpoint = endpoint(&server.url).json(&json!({})).unwrap().items_at("/hits/hits");
        let error =
            endpoint.by_last_item_in_body::<Value>("/sort", "/search_after").try_next().await.unwrap_err();
        assert!(chain(&error).contains(want), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_space_in_a_cursor_is_sent_so_that_each_server_decodes_it() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match request.query.get("c") {
            None => json!({ "items": [1], "next": "a b+c/d=é" }),
            Some(cursor) => {
                assert_eq!(cursor, "a b+c/d=é");
                json!({ "items": [2] })
            }
        })
    })
    .await;
    assert_eq!(all(endpoint(&server.url).items_at("/items").by_cursor("/next", "c")).await, [1, 2]);
    assert_eq!(server.targets()[1], "/?c=a%20b%2Bc%2Fd%3D%C3%A9");
}

#[tokio::test]
async fn a_limit_of_the_server_is_not_the_end() {
    // HubSpot, SonarQube, Elasticsearch.
    for (code, message) in [
        (400, r#"{"message":"paging: offset + limit must be at most 10000"}"#),
        (400, r#"{"errors":[{"msg":"Can return only the first 10000 results"}]}"#),
        (400, r#"{"error":{"reason":"Result window is too large"}}"#),
        (422, r#"{"message":"Only the first 1000 search results are available"}"#),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match at(request, "offset") {
            0..6 => json(&json!({ "items": items(at(request, "offset") / 2) })),
            _ => status(code, message),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_offset::<u32>("offset", "limit", 2);
        let (items, error) = until_error(&mut { docs }).await;
        assert_eq!(items, SIX);
        assert!(chain(&error).contains(&code.to_string()), "{}", chain(&error));
    }
}
