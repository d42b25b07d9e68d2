//! Cursors, flags and numbers, and the end of a stream.

use serde_json::{Value, json};
use withal::pages::OnCycle;

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, edited};
use crate::http::endpoint;

/// `has_more` as 1 or 0.
#[tokio::test]
async fn has_more_as_number() -> Outcome {
    has_more(json!(1), json!(0)).await
}

async fn has_more(yes: Value, no: Value) -> Outcome {
    let server = Server::start(move |req| match req.n {
        0 => js(json!({ "d": [1], "has_more": yes, "cursor": "a" })),
        1 => js(json!({ "d": [2], "has_more": no, "cursor": "b" })),
        _ => js(json!({ "d": [99], "has_more": no })),
    })
    .await;
    walk(endpoint(&server.url).items_at("/d").has_more_at("/has_more").by_cursor::<u32>("/cursor", "cursor"))
        .await
        .is(&[1, 2])
}

/// `has_more` as "true" or "false".
#[tokio::test]
async fn has_more_as_text() -> Outcome {
    has_more(json!("true"), json!("false")).await
}

/// The flag for the last page, the opposite of `has_more`: Bitbucket Server, Jira, Spring.
#[tokio::test]
async fn is_last() -> Outcome {
    // `nextPageStart` stays on the last page: only the flag marks it.
    let server = Server::start(|req| match req.n {
        0 => js(json!({ "values": [1], "isLastPage": false, "nextPageStart": 1 })),
        1 => js(json!({ "values": [2], "isLastPage": true, "nextPageStart": 2 })),
        _ => js(json!({ "values": [99], "isLastPage": true })),
    })
    .await;
    walk(endpoint(&server.url).items_at("/values").by_cursor::<u32>("/nextPageStart", "start"))
        .await
        .is(&[1, 2])
}

/// The id of the last item as cursor: Stripe.
#[tokio::test]
async fn stripe() -> Outcome {
    let server = Server::start(|req| match req.q("starting_after").as_deref() {
        None => js(json!({ "data": [{ "id": "a" }, { "id": "b" }], "has_more": true })),
        Some("b") => js(json!({ "data": [{ "id": "c" }], "has_more": true })),
        _ => js(json!({ "data": [{ "id": "d" }], "has_more": false })),
    })
    .await;
    let got = walk(
        endpoint(&format!("{}/?limit=2", server.url))
            .items_at("/data")
            .has_more_at("/has_more")
            .by_cursor::<Value>("/data/1/id", "starting_after"),
    )
    .await;
    got.is(&[json!({ "id": "a" }), json!({ "id": "b" }), json!({ "id": "c" }), json!({ "id": "d" })])
}

/// A cursor in the body of a POST: Notion.
#[tokio::test]
async fn notion() -> Outcome {
    let server = Server::start(|req| {
        assert_eq!((req.method.as_str(), req.target.as_str()), ("POST", "/v1/databases/x/query"));
        let body: Value = serde_json::from_str(&req.body).unwrap();
        match body["start_cursor"].as_str() {
            None => js(json!({ "results": [1], "has_more": true, "next_cursor": "c=2" })),
            Some("c=2") => js(json!({ "results": [2], "has_more": false, "next_cursor": null })),
            Some(other) => raw(400, other.to_owned()),
        }
    })
    .await;
    let endpoint = endpoint(&format!("{}/v1/databases/x/query", server.url))
        .items_at("/results")
        .has_more_at("/has_more");
    let endpoint = endpoint.map_request(|request| {
        edited(request, |request| {
            let cursor = request
                .url()
                .query_pairs()
                .find(|(key, _)| key == "start_cursor")
                .map(|(_, value)| value.into_owned());
            request.url_mut().set_query(None);
            *request.method_mut() = reqwest::Method::POST;
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            let mut body = json!({ "page_size": 1 });
            if let Some(cursor) = cursor {
                body["start_cursor"] = cursor.into();
            }
            *request.body_mut() = Some(body.to_string().into());
        })
    });
    walk(endpoint.by_cursor::<u32>("/next_cursor", "start_cursor")).await.is(&[1, 2])
}

/// A last page that comes again, with `OnCycle::End` and `unique_by`: incremental exports of Zendesk.
#[tokio::test]
async fn zendesk_incremental() -> Outcome {
    let server = Server::start(|req| {
        js(match req.q("start_time").as_deref() {
            Some("10") => {
                json!({ "tickets": [1, 2], "end_of_stream": false, "next_page": "/t?start_time=20" })
            }
            Some("20") => {
                json!({ "tickets": [2, 3], "end_of_stream": true, "next_page": "/t?start_time=30" })
            }
            _ => json!({ "tickets": [3], "end_of_stream": true, "next_page": "/t?start_time=30" }),
        })
    })
    .await;
    let docs = endpoint(&format!("{}/t?start_time=10", server.url))
        .items_at("/tickets")
        .by_next_url::<u32>("/next_page");
    walk(docs.on_cycle(OnCycle::End).unique_by(|doc| *doc)).await.is(&[1, 2, 3])
}

/// `next_cursor` 0 on the last page: Twitter.
#[tokio::test]
async fn cursor_zero() -> Outcome {
    let server = Server::start(|req| match req.q("cursor").as_deref() {
        None | Some("-1" | "0") => js(json!({ "ids": [1], "next_cursor": 5 })),
        _ => js(json!({ "ids": [2], "next_cursor": 0 })),
    })
    .await;
    walk(endpoint(&server.url).items_at("/ids").by_cursor::<u32>("/next_cursor", "cursor")).await.is(&[1, 2])
}

/// `next_cursor` "" on the last page: Slack.
#[tokio::test]
async fn slack_end() -> Outcome {
    let server = Server::start(|req| js(json!({ "members": [req.n], "response_metadata": { "next_cursor": if req.n == 0 { "dXNlcjpVMDYx=" } else { "" } } }))).await;
    walk(
        endpoint(&server.url)
            .items_at("/members")
            .by_cursor::<usize>("/response_metadata/next_cursor", "cursor"),
    )
    .await
    .is(&[0, 1])
}

/// A link on each page, and `meta.has_more` on the last: Zendesk.
#[tokio::test]
async fn zendesk_cursor() -> Outcome {
    let server = Server::start(|req| js(json!({ "users": [req.n], "meta": { "has_more": req.n < 2 }, "links": { "next": format!("/u?page%5Bafter%5D={}", req.n.min(2)) } }))).await;
    walk(
        endpoint(&server.url)
            .items_at("/users")
            .has_more_at("/meta/has_more")
            .by_next_url::<usize>("/links/next"),
    )
    .await
    .is(&[0, 1, 2])
}

/// The last page for each number beyond it: Magento.
#[tokio::test]
async fn last_page_again_by_default() -> Outcome {
    last_page_again(false).await
}

async fn last_page_again(distinct: bool) -> Outcome {
    let server = Server::start(|req| {
        let page = req.number("page").min(3);
        js(json!({ "items": [page * 10, page * 10 + 1], "total_count": 6 }))
    })
    .await;
    let mut docs =
        endpoint(&server.url).items_at("/items").total_at("/total_count").by_page_number::<u32>("page", 1);
    if distinct {
        docs = docs.unique_by(|doc| *doc);
    }
    walk(docs).await.is_or_loud(&[10, 11, 20, 21, 30, 31])
}

/// The same with `unique_by`.
#[tokio::test]
async fn last_page_again_without_duplicates() -> Outcome {
    last_page_again(true).await
}

/// Status 400 or 404 for a number beyond the last page: `WordPress`, Django REST framework.
#[tokio::test]
async fn beyond() -> Outcome {
    let server = Server::start(|req| match req.number("page") {
        page @ (1 | 2) => js(json!([page])).with("x-wp-totalpages", "2"),
        _ => raw(400, r#"{"code":"rest_post_invalid_page_number"}"#),
    })
    .await;
    walk(endpoint(&server.url).by_page_number::<u32>("page", 1)).await.is(&[1, 2])
}

/// Numbers that begin with 1, requested from 0: SCIM. The items are complete, or there is an error.
#[tokio::test]
async fn scim() -> Outcome {
    let server = Server::start(|req| {
        let from = req.number("startIndex").max(1);
        js(json!({ "totalResults": 7, "Resources": (from..=7).take(3).collect::<Vec<_>>() }))
    })
    .await;
    walk(endpoint(&server.url).items_at("/Resources").total_at("/totalResults").by_offset::<u32>(
        "startIndex",
        "count",
        3,
    ))
    .await
    .is_or_loud(&[1, 2, 3, 4, 5, 6, 7])
}
