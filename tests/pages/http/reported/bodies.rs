//! Bodies: missing keys, errors with status 200, numbers, and text that is not JSON.

use serde_json::{Value, json};

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// An empty page in the middle that lacks the key of its items: Google Wallet.
#[tokio::test]
async fn google_middle() -> Outcome {
    let server = Server::start(|req| match req.q("pageToken").as_deref() {
        None => js(json!({ "items": [1, 2], "nextPageToken": "a" })),
        Some("a") => js(json!({ "nextPageToken": "b" })),
        _ => js(json!({ "items": [3] })),
    })
    .await;
    walk(endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextPageToken", "pageToken"))
        .await
        .is(&[1, 2, 3])
}

/// A body that lacks the key of its items, since nothing was found: Google Cloud.
#[tokio::test]
async fn google_nothing() -> Outcome {
    let server = Server::start(|_| js(json!({ "kind": "storage#objects" }))).await;
    walk(endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextPageToken", "pageToken"))
        .await
        .is(&[])
}

/// An error code beside `null` in place of the items, with status 200: Fivetran.
#[tokio::test]
async fn error_in_200() -> Outcome {
    let server = Server::start(|req| match req.n {
        0 => js(json!({ "code": 0, "data": [1, 2], "next": "x" })),
        1 => js(json!({ "code": 50011, "msg": "Too Many Requests", "data": null })),
        _ => js(json!({ "code": 0, "data": [3] })),
    })
    .await;
    walk(endpoint(&server.url).items_at("/data").by_cursor::<u32>("/next", "cursor").retry(soon()))
        .await
        .is_or_loud(&[1, 2, 3])
}

/// `"ok": false` with status 200: Slack. The error contains the message.
#[tokio::test]
async fn slack_not_ok() -> Outcome {
    let server = Server::start(|_| js(json!({ "ok": false, "error": "invalid_cursor" }))).await;
    walk(endpoint(&server.url).items_at("/members").by_cursor::<u32>("/next", "cursor"))
        .await
        .fails(&[], "invalid_cursor")
}

/// A byte order mark before the JSON: `WooCommerce`.
#[tokio::test]
async fn bom() -> Outcome {
    let server = Server::start(|_| raw(200, "\u{feff}[1]")).await;
    walk(endpoint(&server.url).by_link::<u32>()).await.is(&[1])
}

/// A number as cursor, which is sent back with the same digits: openFEC.
#[tokio::test]
async fn numbers() -> Outcome {
    for number in
        ["9007199254740993", "18446744073709551615", "184467440737095516150", "1503435956.00024751", "1e3"]
    {
        let server = Server::start(move |req| {
            if req.n == 0 {
                raw(200, format!("{{\"d\":[1],\"n\":{number}}}"))
            } else {
                js(json!({ "d": [] }))
            }
        })
        .await;
        walk(endpoint(&server.url).items_at("/d").by_cursor::<u32>("/n", "n")).await.is(&[1])?;
        let asked = server.targets();
        if asked[1] != format!("/?n={number}") {
            return Err(format!("{number} was sent as {}", asked[1]));
        }
    }
    Ok(())
}

/// A lone surrogate in one item.
#[tokio::test]
async fn surrogate() -> Outcome {
    let server = Server::start(|_| raw(200, r#"[{"text":"whole"},{"text":"cut \ud83d"}]"#)).await;
    let got = walk(endpoint(&server.url).by_link::<Value>()).await;
    if got.items.len() == 2 { Ok(()) } else { Err(got.shown(&[])) }
}

/// HTML with status 200. The error contains some of it.
#[tokio::test]
async fn html() -> Outcome {
    let server = Server::start(|_| {
        raw(200, "<!doctype html><title>Sign in</title>").with("content-type", "text/html")
    })
    .await;
    walk(endpoint(&server.url).by_link::<Value>()).await.fails(&[], "html")
}

/// An array in place of an object if there are no items: `PrestaShop`.
#[tokio::test]
async fn prestashop() -> Outcome {
    let server = Server::start(|_| js(json!([]))).await;
    walk(endpoint(&server.url).items_at("/products").by_page_number::<u32>("page", 1)).await.is(&[])
}

/// `null` in place of the items and of the token.
#[tokio::test]
async fn dlt_null() -> Outcome {
    let server = Server::start(|req| {
        js(if req.n < 2 {
            json!({ "users": [req.n], "next_token": format!("t{}", req.n) })
        } else {
            json!({ "users": null, "next_token": null })
        })
    })
    .await;
    walk(endpoint(&server.url).items_at("/users").by_cursor::<usize>("/next_token", "next_token"))
        .await
        .is(&[0, 1])
}
