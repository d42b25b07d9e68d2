//! The stream of a proposal, and items that may be invalid.

use futures::TryStreamExt;
use serde_json::{Value, json};
use withal::pages::http::{Detected, TryItem};

use super::server::{HttpResponse, ReceivedRequest, Server, github, json, status};
use super::{chain, endpoint};

type Answer = fn() -> HttpResponse;

/// A page of an API, by its number from 0 to 2, which the request has under some name.
type Respond = fn(&ReceivedRequest, u32) -> Value;

#[tokio::test]
async fn a_proposal_becomes_a_stream() {
    let apis: &[(&str, &str, Respond)] = &[
        ("p", ".items_at(\"/results\").total_at(\"/count\").by_next_url::<T>(\"/next\")", |_, page| {
            let next = if page < 2 { json!(format!("/v1/docs?p={}", page + 1)) } else { Value::Null };
            json!({ "count": 3, "next": next, "results": [{ "id": page }] })
        }),
        ("cursor", ".items_at(\"/items\").by_cursor::<T>(\"/meta/next_cursor\", \"cursor\")", |_, page| {
            let next = if page < 2 { json!((page + 1).to_string()) } else { Value::Null };
            json!({ "items": [{ "id": page }], "meta": { "next_cursor": next } })
        }),
        (
            "page",
            ".items_at(\"/content\").total_pages_at(\"/totalPages\").by_page_number::<T>(\"page\", 0)",
            |_, page| json!({ "content": [{ "id": page }], "number": page, "totalPages": 3 }),
        ),
        (
            "startAt",
            ".items_at(\"/issues\").total_at(\"/total\").by_offset::<T>(\"startAt\", \"maxResults\", 1)",
            |_, page| {
                let issues: Vec<_> = (0..3).filter(|id| *id == page).map(|id| json!({ "id": id })).collect();
                json!({ "startAt": page, "maxResults": 1, "total": 3, "issues": issues })
            },
        ),
        ("p", ".by_hal::<T>(\"users\")", |_, page| {
            let mut links = json!({ "self": { "href": "/" } });
            if page < 2 {
                links["next"] = json!({ "href": format!("?p={}", page + 1) });
            }
            json!({ "_embedded": { "users": [{ "id": page }] }, "_links": links })
        }),
        (
            "starting_after",
            ".items_at(\"/data\").has_more_at(\"/has_more\").by_last_item::<T>(\"/id\", \"starting_after\")",
            |request, _| {
                let page = request.number("starting_after").map_or(0, |after| after + 1);
                json!({ "object": "list", "data": [{ "id": page }], "has_more": page < 2 })
            },
        ),
    ];
    for (name, want, respond) in apis {
        let server = Server::start(move |request: &ReceivedRequest| {
            json(&respond(request, request.number(name).unwrap_or(0)))
        })
        .await;
        let endpoint = endpoint(&format!("{}/v1/docs", server.url));
        let proposal = endpoint.detect().await.unwrap();
        assert_eq!(proposal.to_string(), *want);
        let mut items = proposal.stream::<Value>(endpoint);
        let mut ids = Vec::new();
        while let Some(item) =
            items.try_next().await.unwrap_or_else(|error| panic!("{want}: {}", chain(&error)))
        {
            ids.push(item["id"].clone());
        }
        assert_eq!(ids, [0, 1, 2], "{want}");
    }
    let server = Server::start(github).await;
    let endpoint = endpoint(&format!("{}/docs?per_page=3", server.url));
    let items = endpoint.detect().await.unwrap().stream::<u32>(endpoint);
    assert!(matches!(items, Detected::Cursor(_)));
    let items: Vec<u32> = items.try_collect().await.unwrap();
    assert_eq!(items, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_response_without_a_known_paginator_is_an_error() {
    let answers: [(Answer, &str); 3] = [
        (|| json(&json!({ "weather": "fine" })), "no member or header"),
        (|| status(200, "<html>"), "no member or header"),
        (|| status(403, "{}"), "403"),
    ];
    for (answer, want) in answers {
        let server = Server::start(move |_: &ReceivedRequest| answer()).await;
        let error = endpoint(&server.url).detect().await.unwrap_err();
        assert!(chain(&error).contains(want), "{}", chain(&error));
    }
}

#[tokio::test]
async fn an_invalid_item_does_not_fail_its_page() {
    for (pointer, body) in [
        ("", r#"[1, "two", {"a": "\ud83d"}, 4]"#.to_owned()),
        ("/items", r#"{"items": [1, "two", {"a": "\ud83d"}, 4]}"#.to_owned()),
        ("/data/items", r#"{"data": {"items": [1, "two", {"a": "\ud83d"}, 4]}}"#.to_owned()),
    ] {
        let server = Server::start(move |_: &ReceivedRequest| status(200, &body)).await;
        let items = endpoint(&server.url).items_at(pointer).by_link::<TryItem<u32>>();
        let items: Vec<TryItem<u32>> = items.try_collect().await.unwrap();
        assert_eq!(items.iter().map(TryItem::item).collect::<Vec<_>>(), [Some(&1), None, None, Some(&4)]);
        let [_, two, half, _] = items.try_into().unwrap();
        let (two, half) = (two.into_result().unwrap_err(), half.into_result().unwrap_err());
        assert_eq!((two.json(), half.json()), ("\"two\"", r#"{"a": "\ud83d"}"#));
        assert!(chain(&two).contains("invalid type: string \"two\""), "{}", chain(&two));
        // A lone surrogate is replaced.
        let texts = endpoint(&server.url).items_at(pointer).by_link::<TryItem<Value>>();
        let texts: Vec<TryItem<Value>> = texts.try_collect().await.unwrap();
        assert_eq!(texts[2].item().unwrap(), &json!({ "a": "\u{fffd}" }));
    }
}
