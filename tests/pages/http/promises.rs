//! Responses that contradict each other: an error or an empty page where an earlier response has promised more, and
//! signs that the stream lacks items.

use serde_json::{Value, json};
use withal::pages::{ErrorKind, Event, OnEmpty, OnError};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

/// The members of a page beside its items, by its number.
type Beside = fn(u32) -> Value;

/// Reports of pages after the one with this number, which is not the last.
const MORE: &[Beside] = &[
    |_| json!({ "has_more": true }),
    |_| json!({ "hasMore": "true" }),
    |_| json!({ "isLast": false }),
    |_| json!({ "meta": { "has_more": true } }),
    |_| json!({ "pagination": { "has_next": 1 } }),
    |_| json!({ "meta": { "pagination": { "hasNextPage": true } } }),
    |page| json!({ "next": format!("https://api.example/docs?page={}", page + 1) }),
    |page| json!({ "links": { "next": format!("/docs?page={}", page + 1) } }),
    |page| json!({ "_links": { "next": { "href": format!("?page={}", page + 1) } } }),
    |page| json!({ "links": [{ "rel": "self", "href": "?" }, { "rel": "next", "href": format!("?page={}", page + 1) }] }),
    |page| json!({ "next_page": page + 1 }),
    |page| json!({ "nextPage": (page + 1).to_string() }),
    |_| json!({ "total_pages": 4 }),
    |_| json!({ "page": { "totalPages": 4, "size": 1 } }),
    |_| json!({ "meta": { "last_page": "4" } }),
];

fn page(items: &[u32], mut beside: Value) -> HttpResponse {
    let mut body = json!({ "items": items });
    body.as_object_mut().unwrap().append(beside.as_object_mut().unwrap());
    json(&body)
}

#[tokio::test]
async fn an_error_after_a_page_that_reports_more_is_not_the_end() {
    for beside in MORE {
        for (code, body) in [(404, "{}"), (400, "Invalid page."), (416, "")] {
            for concurrent in [1, 4] {
                let server =
                    Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
                        number @ 1..=2 => page(&[number], beside(number)),
                        _ => status(code, body),
                    })
                    .await;
                let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
                let (items, error) = until_error(&mut { docs.concurrency(concurrent).no_retry() }).await;
                assert_eq!(items, [1, 2], "{} {code} {concurrent}", beside(1));
                assert_eq!(error.into_fetch_error().unwrap().status().unwrap().as_u16(), code);
            }
        }
    }
}

#[tokio::test]
async fn the_user_decides_that_an_error_is_the_end() {
    for concurrent in [1, 4] {
        let server = Server::start(|request: &ReceivedRequest| match request.number("page").unwrap() {
            number @ 1..=2 => page(&[number], json!({ "has_more": true })),
            _ => status(404, ""),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
        let docs = docs.concurrency(concurrent).classify(|_| OnError::End);
        assert_eq!(all(docs).await, [1, 2]);
    }
}

#[tokio::test]
async fn an_offset_stream_believes_a_promise_too() {
    for concurrent in [1, 4] {
        for beside in [
            json!({ "has_more": true }),
            json!({ "next": "/docs?offset=4" }),
            json!({ "next_offset": 400 }),
            json!({ "meta": { "next": "/docs?offset=4" } }),
        ] {
            let server =
                Server::start(move |request: &ReceivedRequest| match request.number("offset").unwrap() {
                    offset @ 0..4 => page(&[offset, offset + 1], beside.clone()),
                    _ => status(404, "{}"),
                })
                .await;
            let docs = endpoint(&server.url).items_at("/items").by_offset("offset", "limit", 2);
            let (items, error) = until_error(&mut { docs.concurrency(concurrent).no_retry() }).await;
            assert_eq!(items, [0, 1, 2, 3]);
            assert!(chain(&error).contains("404"), "{}", chain(&error));
        }
    }
}

#[tokio::test]
async fn an_error_that_overtakes_a_promise_is_not_the_end() {
    // The 404 of the second page arrives before the first page, with its total or its flag.
    for beside in [json!({ "total": 9 }), json!({ "has_more": true }), json!({ "next": "/docs?page=2" })] {
        let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let events = std::sync::Arc::clone(&log);
        let beside = beside.clone();
        let url = slow_first_page(move || page(&[1, 2], beside.clone())).await;
        let docs =
            endpoint(&url).items_at("/items").total_at("/total").by_page_number("page", 1).concurrency(3);
        let docs = docs.no_retry().on_event(move |event| {
            let name = match event {
                Event::EndedByError { .. } => "end",
                Event::Failure { page, .. } => {
                    assert_eq!(*page, 2);
                    "failure"
                }
                _ => return,
            };
            events.lock().unwrap().push(name);
        });
        let mut docs = docs;
        let (items, error) = until_error(&mut docs).await;
        assert_eq!(items, [1, 2]);
        assert!(chain(&error).contains("404"), "{}", chain(&error));
        assert_eq!(*log.lock().unwrap(), ["failure"]);
        // The page may have arrived by now.
        assert!(docs.retry_failed());
    }
    // Without a promise, the same error is the end.
    let url = slow_first_page(|| page(&[1, 2], json!({ "total": 2 }))).await;
    let docs = endpoint(&url).items_at("/items").total_at("/total").by_page_number("page", 1).concurrency(3);
    assert_eq!(all(docs).await, [1, 2]);
}

/// A server whose first page waits until another page was requested.
async fn slow_first_page(first: impl Fn() -> HttpResponse + Clone + Send + Sync + 'static) -> String {
    let other = std::sync::Arc::new(tokio::sync::Notify::new());
    let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let (other, first) = (std::sync::Arc::clone(&other), first.clone());
        async move {
            if request.uri().query() == Some("page=1") {
                other.notified().await;
                // The response to the other request is on its way.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                return first();
            }
            other.notify_one();
            status(404, "{}")
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn an_empty_page_before_others_is_not_the_end() {
    for beside in MORE {
        for concurrent in [1, 3] {
            let server =
                Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
                    2 => page(&[], beside(2)),
                    number @ 1..=3 => page(&[number], beside(number)),
                    4 => page(&[4], json!({ "total_pages": 4 })),
                    _ => page(&[], json!({})),
                })
                .await;
            let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
            assert_eq!(all(docs.concurrency(concurrent)).await, [1, 3, 4], "{} {concurrent}", beside(1));
        }
    }
    // GitHub filters after paging: only the header reports the next page.
    let server = Server::start(|request: &ReceivedRequest| {
        let number = request.number("page").unwrap();
        let response = json(&json!(if matches!(number, 1 | 3) { vec![number] } else { vec![] }));
        if number < 3 {
            with_header(response, "link", &format!("</docs?page={}>; rel=\"next\"", number + 1))
        } else {
            response
        }
    })
    .await;
    assert_eq!(all(endpoint(&server.url).by_page_number("page", 1)).await, [1, 3]);
}

#[tokio::test]
async fn a_server_that_always_reports_more_fails_or_ends_by_setting() {
    let serve = || {
        Server::start(|request: &ReceivedRequest| {
            let number = request.number("page").unwrap();
            let items = if number <= 2 { vec![number] } else { vec![] };
            page(&items, json!({ "links": { "next": format!("/docs?page={}", number + 1) } }))
        })
    };
    let server = serve().await;
    let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1).max_empty_pages(3);
    let (items, error) = until_error(&mut { docs }).await;
    assert_eq!(items, [1, 2]);
    assert!(matches!(error.kind(), ErrorKind::TooManyEmptyPages { .. }), "{error}");
    let server = serve().await;
    let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
    assert_eq!(all(docs.on_empty(OnEmpty::End)).await, [1, 2]);
}

#[tokio::test]
async fn other_members_promise_nothing() {
    for beside in [
        json!({ "next": null }),
        json!({ "next": "" }),
        json!({ "next": "Next »" }),
        json!({ "next_page": 1 }),
        json!({ "next_page": false }),
        json!({ "links": { "next": null, "last": "/docs?page=9" } }),
        json!({ "links": [{ "rel": "previous", "href": "?page=1" }] }),
        json!({ "total_pages": 2 }),
        json!({ "total": 50 }),
        json!({ "page_count": 9 }),
        json!({ "author": { "next": "/docs?page=3" } }),
    ] {
        for beyond in [false, true] {
            let beside = beside.clone();
            let server =
                Server::start(move |request: &ReceivedRequest| match request.number("page").unwrap() {
                    number @ 1..=2 => page(&[number], beside.clone()),
                    _ if beyond => status(404, "{}"),
                    _ => page(&[], beside.clone()),
                })
                .await;
            let shown = server.url.clone();
            let docs = endpoint(&server.url).items_at("/items").by_page_number("page", 1);
            assert_eq!(all(docs).await, [1, 2], "{shown} {beyond}");
        }
    }
}

#[tokio::test]
async fn pages_that_count_from_zero_are_noticed_at_page_one() {
    fn spring(number: u32) -> (Vec<u32>, u32, bool, bool) {
        ((number * 2..6).take(2).collect(), number, number == 0, number >= 2)
    }
    let with_flags = |number| {
        let (items, number, first, last) = spring(number);
        json!({ "content": items, "number": number, "first": first, "last": last, "totalPages": 3 })
    };
    let with_page = |number| {
        let (items, number, ..) = spring(number);
        json!({ "content": items, "page": { "number": number, "size": 2, "totalPages": 3, "totalElements": 6 } })
    };
    let with_previous = |number| {
        let (items, number, first, _) = spring(number);
        json!({ "content": items, "pagination": { "page": number, "hasPrevious": !first } })
    };
    let bodies: [fn(u32) -> Value; 3] = [with_flags, with_page, with_previous];
    for body in bodies {
        for concurrent in [1, 3] {
            let server =
                Server::start(move |request: &ReceivedRequest| json(&body(request.number("page").unwrap())))
                    .await;
            let endpoint = endpoint(&server.url).items_at("/content");
            let docs = endpoint.clone().by_page_number::<u32>("page", 1).concurrency(concurrent);
            let (_, error) = until_error(&mut { docs }).await;
            assert!(chain(&error).contains("begin with number 0"), "{}", chain(&error));
            let docs = endpoint.by_page_number("page", 0).concurrency(concurrent);
            assert_eq!(all(docs).await, [0, 1, 2, 3, 4, 5]);
        }
    }
    // A list of one page: page 1 is empty.
    let server = Server::start(|request: &ReceivedRequest| {
        let number = request.number("page").unwrap();
        let content = if number == 0 { vec![7] } else { vec![] };
        json(&json!({ "content": content, "page": { "number": number, "totalPages": 1 } }))
    })
    .await;
    let docs = endpoint(&server.url).items_at("/content").by_page_number::<u32>("page", 1);
    let (items, error) = until_error(&mut { docs }).await;
    assert!(items.is_empty() && chain(&error).contains("begin with number 0"), "{}", chain(&error));
    // Pages that count from 1 may have the same members.
    let server = Server::start(|request: &ReceivedRequest| {
        let number = request.number("page").unwrap();
        let content: Vec<_> = (1..=2).filter(|item| *item == number).collect();
        json(&json!({ "content": content, "first": number == 1, "hasPrevious": number > 1,
            "number": number, "totalPages": 2 }))
    })
    .await;
    assert_eq!(all(endpoint(&server.url).items_at("/content").by_page_number("page", 1)).await, [1, 2]);
}

#[tokio::test]
async fn done_beside_a_cursor_is_the_end_only_if_it_was_false_before() {
    // The state of a job whose results are listed.
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match request.query.get("c").map(String::as_str) {
            None => json!({ "items": [1], "next": "b", "done": true }),
            Some("b") => json!({ "items": [2], "next": "c", "done": true }),
            _ => json!({ "items": [3], "done": true }),
        })
    })
    .await;
    assert_eq!(all(endpoint(&server.url).items_at("/items").by_cursor("/next", "c")).await, [1, 2, 3]);
    // Salesforce: the last page has no URL.
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match request.target.as_str() {
            "/q" => json!({ "records": [1], "done": false, "nextRecordsUrl": "/q/2", "totalSize": 2 }),
            _ => json!({ "records": [2], "done": true, "totalSize": 2 }),
        })
    })
    .await;
    let endpoint = endpoint(&format!("{}/q", server.url)).items_at("/records");
    assert_eq!(all(endpoint.by_next_url("/nextRecordsUrl")).await, [1, 2]);
}

#[tokio::test]
async fn a_misspelled_pointer_is_an_error_wherever_the_items_are() {
    for body in [
        json!({ "names": ["a", "b"] }),
        json!({ "result": { "list": [1] } }),
        json!({ "response": { "data": { "rows": [{ "id": 1 }] } } }),
        json!({ "response": { "ids": ["a"] }, "total": 1 }),
        json!({ "meta": { "page": 1 }, "payload": { "records": [[1]] } }),
    ] {
        let shown = body.to_string();
        let server = Server::start(move |_: &ReceivedRequest| json(&body)).await;
        let (items, error) =
            until_error(&mut endpoint(&server.url).items_at("/items").by_cursor::<u32>("/next", "c")).await;
        assert!(items.is_empty() && chain(&error).contains("found nothing"), "{shown} {}", chain(&error));
        assert!(chain(&error).contains("`missing_items`"), "{}", chain(&error));
    }
    for embedded in [json!({ "people": [1] }), json!({ "tags": ["a"] }), json!({ "user": { "id": 1 } })] {
        let body = json!({ "_embedded": embedded, "_links": { "self": { "href": "/" } } });
        let server = Server::start(move |_: &ReceivedRequest| json(&body)).await;
        let (items, error) = until_error(&mut endpoint(&server.url).by_hal::<u32>("users")).await;
        assert!(items.is_empty() && chain(&error).contains("\"/_embedded/users\""), "{}", chain(&error));
    }
    // What describes a page without items is not mistaken for them.
    for body in [
        json!({}),
        json!({ "kind": "x#list", "etag": "a", "pageInfo": { "totalResults": 0 } }),
        json!({ "warnings": ["deprecated"], "scopes": ["read"] }),
        json!({ "meta": { "sort": ["name"], "fields": ["id"] } }),
        json!({ "query": { "terms": ["a"] }, "facets": { "color": { "buckets": [1] } } }),
        json!({ "_links": { "self": [{ "href": "/" }] }, "_embedded": {} }),
        json!({ "links": [{ "rel": "self", "href": "/" }], "included": [] }),
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0 }),
    ] {
        let shown = body.to_string();
        let server = Server::start(move |_: &ReceivedRequest| json(&body)).await;
        let docs = endpoint(&server.url).items_at("/items").by_cursor::<u32>("/next", "c");
        assert!(all(docs).await.is_empty(), "{shown}");
    }
    let body = json!({ "_links": { "self": { "href": "/users" } }, "page": { "totalElements": 0 } });
    let server = Server::start(move |_: &ReceivedRequest| json(&body)).await;
    assert!(all(endpoint(&server.url).by_hal("users")).await.is_empty());
}

#[tokio::test]
async fn a_redirect_of_a_post_to_another_origin_is_reported_as_such() {
    for code in [301, 302, 303] {
        let server = Server::start(move |_: &ReceivedRequest| {
            with_header(status(code, ""), "location", "http://other.invalid/login")
        })
        .await;
        let endpoint = endpoint(&server.url).json(&json!({ "size": 2 })).unwrap().items_at("/items");
        let (_, error) = until_error(&mut endpoint.by_body_cursor::<u32>("/next", "/cursor")).await;
        let text = chain(&error);
        assert!(text.contains("http://other.invalid/login, which is on another origin"), "{text}");
        assert_eq!(server.targets(), ["/"]);
    }
}

#[tokio::test]
async fn other_spellings_of_retry_after_are_read() {
    for (name, value) in
        [("retry-after", ".05"), ("x-retry-after", "0.05"), ("x-ratelimit-retry-after", ".05")]
    {
        let server = Server::start(move |request: &ReceivedRequest| {
            if request.earlier_requests == 0 {
                with_header(status(429, ""), name, value)
            } else {
                json(&json!([1]))
            }
        })
        .await;
        let delays = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = std::sync::Arc::clone(&delays);
        let docs = endpoint(&server.url).by_link().on_event(move |event| {
            if let Event::Retry { delay, .. } = event {
                log.lock().unwrap().push(delay.as_millis());
            }
        });
        assert_eq!(all(docs).await, [1]);
        assert_eq!(*delays.lock().unwrap(), [50], "{name}: {value}");
    }
}
