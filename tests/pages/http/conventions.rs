//! The paginators of known APIs, against servers that page as those APIs do.

use serde_json::{Value, json};
use withal::pages::OnBlankCursor;

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

const SIX: [u32; 6] = [0, 1, 2, 3, 4, 5];

/// The items of one of three pages.
fn items(page: u32) -> Vec<u32> {
    (page * 2..(page * 2 + 2).min(6)).collect()
}

fn body(request: &ReceivedRequest) -> Value {
    serde_json::from_str(&request.body).unwrap_or(Value::Null)
}

/// Starts a server whose response depends on the number of the request, and compares the targets afterwards.
macro_rules! serve {
    ($respond:expr, |$endpoint:ident| $docs:expr, $want:expr, $targets:expr) => {{
        let server = Server::start($respond).await;
        let $endpoint = endpoint(&format!("{}/v1/docs", server.url));
        assert_eq!(all($docs).await, $want, "{}", stringify!($docs));
        assert_eq!(server.targets(), $targets, "{}", stringify!($docs));
    }};
}

#[tokio::test]
async fn links_with_a_relation_are_followed_in_any_order() {
    for (rel, url) in [("relation", "url"), ("rel", "href"), ("rel", "uri")] {
        let respond = move |request: &ReceivedRequest| {
            let page = request.number("p").unwrap_or(0);
            let mut links = vec![json!({ rel: "self", url: "/v1/docs" })];
            if page > 0 {
                links.push(json!({ rel: "previous", url: format!("?p={}", page - 1) }));
            }
            if page < 2 {
                links.insert(page as usize, json!({ rel: "NEXT", url: format!("?p={}", page + 1) }));
            }
            json(&json!({ "entry": items(page), "link": links }))
        };
        let targets = ["/v1/docs", "/v1/docs?p=1", "/v1/docs?p=2"];
        serve!(respond, |e| e.items_at("/entry").by_link_array("/link"), SIX, targets);
        serve!(respond, |e| e.items_at("/entry").by_next_url(&format!("/link/0/{url}")), SIX, targets);
        serve!(respond, |e| e.items_at("/entry").by_next_url(&format!("/link/9/{url}")), SIX, targets);
    }
}

#[tokio::test]
async fn a_link_without_a_url_is_an_error() {
    for links in
        [json!([{ "rel": "next" }]), json!([{ "rel": ["next"], "href": null }]), json!({}), json!("/x")]
    {
        let server =
            Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [1], "links": links }))).await;
        let (_, error) =
            until_error(&mut endpoint(&server.url).items_at("/items").by_link_array("/links")).await;
        assert!(chain(&error).contains("expected a cursor at \"/links\""), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_search_by_post_merges_the_body_of_its_link() {
    for merge in [true, false] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let token = body(request)["token"].as_u64().unwrap_or(0);
            let link = json!({ "rel": "next", "href": "/v1/docs", "method": "POST", "merge": merge,
                               "body": { "token": token + 1 } });
            let links = if token < 2 { json!([{ "rel": "root", "href": "/" }, link]) } else { json!([]) };
            json(&json!({ "features": items(u32::try_from(token).unwrap()), "links": links }))
        })
        .await;
        let endpoint = endpoint(&format!("{}/v1/docs", server.url)).json(&json!({ "limit": 2 })).unwrap();
        assert_eq!(all(endpoint.items_at("/features").by_link_array("/links")).await, SIX);
        let bodies: Vec<_> = server.requests().iter().map(body).collect();
        let last = if merge { json!({ "limit": 2, "token": 2 }) } else { json!({ "token": 2 }) };
        assert_eq!((&bodies[0], &bodies[2]), (&json!({ "limit": 2 }), &last));
    }
}

#[tokio::test]
async fn the_headers_of_a_link_are_sent() {
    for (method, merge) in
        [(json!("GET"), json!(null)), (json!(null), json!(false)), (json!("POST"), json!(null))]
    {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.header("x-page").map_or(0, |page| page.parse::<u32>().unwrap());
            if page > 0 && method == "POST" {
                assert_eq!(body(request), json!({ "limit": 3 }));
            }
            let mut link = json!({ "rel": "next", "href": "/v1/docs", "method": method, "merge": merge,
                                   "headers": { "x-page": (page + 1).to_string(), "x-both": ["a", "b"] } });
            if method == "POST" {
                link["body"] = json!({ "limit": 3 });
            }
            let links = if page < 2 { json!([link]) } else { json!([]) };
            json(&json!({ "features": items(page), "links": links }))
        })
        .await;
        let endpoint = endpoint(&format!("{}/v1/docs", server.url)).items_at("/features");
        let endpoint = endpoint.method(reqwest::Method::GET);
        // The links point to the same URL.
        let docs = endpoint.by_link_array("/links");
        assert_eq!(all(docs).await, SIX);
        assert_eq!(server.requests()[1].header("x-both"), Some("a, b"));
    }
}

#[tokio::test]
async fn documents_of_known_formats_are_read() {
    let page = |request: &ReceivedRequest| request.number("page").unwrap_or(0);
    let next = |page: u32| (page < 2).then(|| format!("/v1/docs?page={}", page + 1));
    let targets = ["/v1/docs", "/v1/docs?page=1", "/v1/docs?page=2"];
    serve!(
        move |r: &ReceivedRequest| {
            let mut value = json!({ "@odata.count": 6, "value": items(page(r)) });
            if let Some(next) = next(page(r)) {
                value["@odata.nextLink"] = next.into();
            }
            json(&value)
        },
        |e| e.by_odata(),
        SIX,
        targets
    );
    // Version 4.01 permits the short names.
    serve!(
        move |r: &ReceivedRequest| {
            let mut value = json!({ "@context": "/v1/$metadata#docs", "value": items(page(r)) });
            if page(r) < 2 {
                value["@nextLink"] = format!("docs?page={}", page(r) + 1).into();
            }
            json(&value)
        },
        |e| e.by_odata(),
        SIX,
        targets
    );
    // A templated link, whose variables are undefined.
    serve!(
        move |r: &ReceivedRequest| {
            let href = next(page(r)).map(|next| json!({ "href": next + "{&size,sort*}", "templated": true }));
            json(&json!({ "_embedded": { "docs": items(page(r)) }, "_links": { "next": href } }))
        },
        |e| e.by_hal("docs"),
        SIX,
        targets
    );
    serve!(
        move |r: &ReceivedRequest| {
            let links = next(page(r)).map_or(json!({}), |next| json!({ "next": { "href": next } }));
            json(&json!({ "_embedded": { "a/b": items(page(r)) }, "_links": links }))
        },
        |e| e.by_hal("a/b"),
        SIX,
        targets
    );
    for as_object in [true, false] {
        serve!(
            move |r: &ReceivedRequest| {
                let next = next(page(r)).map(|n| if as_object { json!({ "href": n }) } else { json!(n) });
                json(&json!({ "data": items(page(r)), "links": { "next": next } }))
            },
            |e| e.by_json_api(),
            SIX,
            targets
        );
    }
    serve!(
        move |r: &ReceivedRequest| {
            let response = json(&json!({ "data": items(page(r)) }));
            next(page(r)).map_or(with_header(status(200, "{\"data\":[4,5]}"), "x", "y"), |next| {
                with_header(response, "next-page", &next)
            })
        },
        |e| e.items_at("/data").by_next_url_header("Next-Page"),
        SIX,
        targets
    );
    // Without a `Link` header, `by_link` reads `Next-Page`.
    serve!(
        move |r: &ReceivedRequest| {
            let response = json(&items(page(r)).into());
            next(page(r)).map_or(json(&json!([4, 5])), |next| with_header(response, "next-page", &next))
        },
        |e| e.by_link(),
        SIX,
        targets
    );
}

#[tokio::test]
async fn a_json_cursor_is_sent_in_the_body_byte_for_byte() {
    for cursors in [
        ["\"a\\u00e9\"", "\"b\""],
        ["9007199254740993", "1503435956.00024751"],
        ["{\"id\": {\"S\":\"a\"} }", "{\"id\":{\"N\":\"1e400\"}}"],
        ["[1.10, null]", "[2]"],
    ] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = cursors.iter().position(|cursor| request.body.contains(cursor)).map_or(0, |p| p + 1);
            let next = cursors.get(page).map_or(String::new(), |next| format!(", \"next\": {next}"));
            status(200, &format!("{{\"items\": {:?}{next}}}", items(u32::try_from(page).unwrap())))
        })
        .await;
        let endpoint = endpoint(&server.url).json(&json!({ "size": 2 })).unwrap().items_at("/items");
        assert_eq!(all(endpoint.by_body_cursor("/next", "/start")).await, SIX, "{cursors:?}");
        let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
        let want = |cursor: &str| format!("{{\"size\":2,\"start\":{cursor}}}");
        assert_eq!(bodies, ["{\"size\":2}".to_owned(), want(cursors[0]), want(cursors[1])]);
    }
}

#[tokio::test]
async fn a_blank_cursor_is_a_cursor_if_the_protocol_says_so() {
    for (setting, want) in [(OnBlankCursor::End, &SIX[..2]), (OnBlankCursor::Continue, &SIX[..4])] {
        let server = Server::start(|request: &ReceivedRequest| {
            json(&match body(request)["params"]["cursor"].as_str() {
                None => json!({ "result": { "tools": [0, 1], "nextCursor": "" } }),
                Some(cursor) => {
                    assert_eq!(cursor, "");
                    json!({ "result": { "tools": [2, 3] } })
                }
            })
        })
        .await;
        let endpoint = endpoint(&server.url).json(&json!({ "method": "tools/list", "params": {} })).unwrap();
        let docs = endpoint.items_at("/result/tools").by_body_cursor("/result/nextCursor", "/params/cursor");
        assert_eq!(all(docs.on_blank_cursor(setting)).await, want);
    }
}

#[tokio::test]
async fn every_member_of_an_object_is_a_parameter() {
    serve!(
        |r: &ReceivedRequest| {
            let page =
                r.query.get("apcontinue").map_or(0, |name| name.trim_start_matches("B&").parse().unwrap());
            let next =
                json!({ "apcontinue": format!("B&{}", page + 1), "continue": "-||", "n": 1.50, "x": null });
            json(&match page {
                0 => json!({ "pages": items(page), "continue": next, "batchcomplete": true }),
                1 => json!({ "pages": items(page), "continue": { "apcontinue": "2" } }),
                _ => json!({ "pages": items(page), "continue": {} }),
            })
        },
        |e| e.items_at("/pages").by_parameters("/continue"),
        SIX,
        ["/v1/docs", "/v1/docs?apcontinue=B%261&continue=-%7C%7C&n=1.5", "/v1/docs?apcontinue=2"]
    );
    for value in [json!("x"), json!([1]), json!({ "a": {} })] {
        let server =
            Server::start(move |_: &ReceivedRequest| json(&json!({ "pages": [1], "continue": value }))).await;
        let docs = &mut endpoint(&server.url).items_at("/pages").by_parameters("/continue");
        assert!(chain(&until_error(docs).await.1).contains("expected a cursor at \"/continue\""));
    }
}

#[tokio::test]
async fn the_last_item_is_the_cursor() {
    let stripe = |r: &ReceivedRequest| {
        let from = r.number("after").map_or(0, |id| id + 1);
        let data: Vec<_> = (from..6.min(from + 4)).map(|id| json!(id)).collect();
        json(&json!({ "data": data, "has_more": from + 4 < 6 }))
    };
    let targets = ["/v1/docs", "/v1/docs?after=3"];
    serve!(stripe, |e| e.items_at("/data").by_last_item("", "after"), SIX, targets);
    serve!(stripe, |e| e.items_at("/data").has_more_at("/has_more").by_last_item("", "after"), SIX, targets);
    // An index stands for the last item.
    serve!(stripe, |e| e.items_at("/data").by_cursor("/data/1", "after"), SIX, targets);
    // Without a flag, an empty page is the last.
    serve!(
        |r: &ReceivedRequest| json(
            &(0..r.number("max").unwrap_or(6)).rev().take(4).collect::<Vec<_>>().into()
        ),
        |e| e.by_last_item("", "max"),
        [5, 4, 3, 2, 1, 0],
        ["/v1/docs", "/v1/docs?max=2", "/v1/docs?max=0"]
    );
}

#[tokio::test]
async fn a_last_item_without_a_cursor_is_an_error() {
    for item in
        [json!({}), json!({ "id": null }), json!({ "id": false }), json!({ "id": "" }), json!({ "id": {} })]
    {
        let server = Server::start(move |_: &ReceivedRequest| json(&json!([{ "id": 1 }, item]))).await;
        let error = endpoint(&server.url).by_last_item::<Value>("/id", "after").try_next().await.unwrap_err();
        assert!(chain(&error).contains("expected a cursor at \"/-1/id\""), "{}", chain(&error));
    }
}

#[tokio::test]
async fn the_sort_key_of_the_last_hit_is_sent_in_the_body() {
    let server = Server::start(|request: &ReceivedRequest| {
        let hit = |id: u32| format!("{{\"_id\": {id}, \"sort\": [1503435956.0002475{id}, \"{id}\"]}}");
        let from = if request.body.contains("search_after") {
            if request.body.contains("\"1\"") { 2 } else { 4 }
        } else {
            0
        };
        let hits: Vec<_> = (from..4.min(from + 2)).map(hit).collect();
        status(200, &format!("{{\"hits\": {{\"hits\": [{}]}}}}", hits.join(", ")))
    })
    .await;
    let endpoint = endpoint(&server.url).json(&json!({ "size": 2 })).unwrap().items_at("/hits/hits");
    let mut docs = endpoint.by_last_item_in_body::<Value>("/sort", "/search_after");
    let mut ids = Vec::new();
    while let Some(hit) = docs.try_next().await.unwrap() {
        ids.push(hit["_id"].as_u64().unwrap());
    }
    assert_eq!(ids, [0, 1, 2, 3]);
    assert_eq!(server.requests()[1].body, "{\"size\":2,\"search_after\":[1503435956.00024751, \"1\"]}");
}

#[tokio::test]
async fn an_expired_token_of_kubernetes_restarts_from_the_new_one() {
    for (gone, want) in [
        (json!({ "code": 410, "metadata": { "continue": "fresh" } }), Ok(SIX)),
        (json!({ "code": 410, "metadata": {} }), Err("returned 410 Gone")),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let list =
                |page, next: &str| json(&json!({ "items": items(page), "metadata": { "continue": next } }));
            match request.query.get("continue").map(String::as_str) {
                None => list(0, "old"),
                Some("old") => status(410, &gone.to_string()),
                Some("fresh") => list(1, "last"),
                _ => list(2, ""),
            }
        })
        .await;
        let mut docs = endpoint(&server.url).by_kubernetes::<u32>();
        match want {
            Ok(want) => assert_eq!(all(docs).await, want),
            Err(want) => {
                let (before, error) = until_error(&mut docs).await;
                assert_eq!(before, [0, 1]);
                assert!(chain(&error).contains(want), "{}", chain(&error));
            }
        }
    }
}
