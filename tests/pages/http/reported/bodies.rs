//! Bodies: missing keys, errors with status 200, numbers, and text that is not JSON.

use serde_json::{Value, json};

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// A1 items key left out of an empty page in the middle: `edutap.wallet_google#45`.
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

/// A1b items key left out: nothing found: google-cloud-python#1419.
#[tokio::test]
async fn google_nothing() -> Outcome {
    let server = Server::start(|_| js(json!({ "kind": "storage#objects" }))).await;
    walk(endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextPageToken", "pageToken"))
        .await
        .is(&[])
}

/// A2 status 200, error code, data null: right or loud: open-connector#567, `fivetran/community_connectors#60`.
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

/// A3 status 200, ok false: the error tells why: slackin-extended#108, SlackPirate#21.
#[tokio::test]
async fn slack_not_ok() -> Outcome {
    let server = Server::start(|_| js(json!({ "ok": false, "error": "invalid_cursor" }))).await;
    walk(endpoint(&server.url).items_at("/members").by_cursor::<u32>("/next", "cursor"))
        .await
        .fails(&[], "invalid_cursor")
}

/// A8 a BOM before the JSON: bsl-analyzer#9, wc-api-python#40, RestSharp#900.
#[tokio::test]
async fn bom() -> Outcome {
    let server = Server::start(|_| raw(200, "\u{feff}[1]")).await;
    walk(endpoint(&server.url).by_link::<u32>()).await.is(&[1])
}

/// A9 a number as cursor is sent as it was written: openFEC#2582, getnote-mcp#4.
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

/// A22 half of an emoji in one item: serde-rs/json#495, #827.
#[tokio::test]
async fn surrogate() -> Outcome {
    let server = Server::start(|_| raw(200, r#"[{"text":"whole"},{"text":"cut \ud83d"}]"#)).await;
    let got = walk(endpoint(&server.url).by_link::<Value>()).await;
    if got.items.len() == 2 { Ok(()) } else { Err(got.shown(&[])) }
}

/// A24 status 200 and HTML: the error shows some of it: speedtest-tracker#2326, `MARRVEL_MCP#75`.
#[tokio::test]
async fn html() -> Outcome {
    let server = Server::start(|_| {
        raw(200, "<!doctype html><title>Sign in</title>").with("content-type", "text/html")
    })
    .await;
    walk(endpoint(&server.url).by_link::<Value>()).await.fails(&[], "html")
}

/// A28 no products are [], not {"products": []}: PrestaShop#10172.
#[tokio::test]
async fn prestashop() -> Outcome {
    let server = Server::start(|_| js(json!([]))).await;
    walk(endpoint(&server.url).items_at("/products").by_page_number::<u32>("page", 1)).await.is(&[])
}

/// A33 users null, `next_token` null: dlt#2932.
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
