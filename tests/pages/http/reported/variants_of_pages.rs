//! Further shapes of links, cursors and ends, as tables.

use serde_json::{Value, json};
use withal::pages::OnRepeat;

use super::server::{Resp, Server, js, raw};
use super::walk::walk;
use super::{Outcome, soon};
use crate::http::endpoint;

/// Adds the row of a table to the reason.
fn row(outcome: Outcome, row: impl std::fmt::Display) -> Outcome {
    outcome.map_err(|error| format!("{row}: {error}"))
}

#[tokio::test]
async fn a_link_to_no_results_is_the_end_in_any_form() -> Outcome {
    for link in [
        r#"</d?c=1>; rel="next"; results="false"; cursor="0:1:0""#,
        r#"</d?c=1>; results="false"; rel="next""#,
        "</d?c=1>; rel=next; results=false",
        r#"</d?c=1>; REL="NEXT"; RESULTS="False""#,
        r#"</d?c=0>; rel="previous"; results="true", </d?c=1>; rel="next"; results="false""#,
        r#"</d?c=1>; rel="last next"; results="false""#,
    ] {
        let server = Server::start(move |_| js(json!([1])).with("link", link)).await;
        row(walk(endpoint(&server.url).by_link::<u32>()).await.is(&[1]), link)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_last_page_again_ends_no_stream_with_duplicates() -> Outcome {
    // The last page is full, so that the stream cannot end by its size.
    let pages = [json!([{ "id": 1 }, { "id": 2 }]), json!([{ "id": 3 }, { "id": 4 }])];
    let want: Vec<Value> = (1..5).map(|id| json!({ "id": id })).collect();
    for number in ["page", "offset", "p", "cursor", "link", "url"] {
        let pages = pages.clone();
        let server = Server::start(move |req| {
            let page = pages[req.n.min(1)].clone();
            let next = format!("/d?n={}", req.n);
            match number {
                "link" => js(page).with("link", format!("<{next}>; rel=next")),
                "url" => js(json!({ "items": page, "next": next })),
                _ => js(json!({ "items": page, "next": req.n + 1 })),
            }
        })
        .await;
        let endpoint = endpoint(&format!("{}/d", server.url));
        let at = endpoint.clone().items_at("/items");
        let got = match number {
            "page" | "p" => walk(at.by_page_number(number, 1).on_repeat(OnRepeat::End)).await,
            "offset" => walk(at.by_offset("offset", "limit", 2).on_repeat(OnRepeat::End)).await,
            "cursor" => walk(at.by_cursor("/next", "cursor").on_repeat(OnRepeat::End)).await,
            "url" => walk(at.by_next_url("/next").on_repeat(OnRepeat::End)).await,
            _ => walk(endpoint.by_link().on_repeat(OnRepeat::End)).await,
        };
        row(got.is(&want), number)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_array_of_links_has_many_forms() -> Outcome {
    for link in [
        json!({ "relation": "next", "url": "/d?n=1" }),
        json!({ "rel": "next", "href": "/d?n=1" }),
        json!({ "rel": "next", "uri": "?n=1" }),
        json!({ "rel": ["self", "next"], "href": "/d?n=1" }),
        json!({ "rel": "NEXT", "href": "/d?n=1", "method": "get" }),
        json!({ "rel": "last next", "href": "/d?n=1", "type": "application/geo+json" }),
    ] {
        let shown = link.to_string();
        let server = Server::start(move |req| {
            let own = json!({ "rel": "self", "href": "/d", "relation": "self", "url": "/d" });
            let links = if req.n == 0 { json!([own, link]) } else { json!([own]) };
            js(json!({ "entry": [req.n], "link": links }))
        })
        .await;
        let docs = endpoint(&format!("{}/d", server.url)).items_at("/entry").by_link_array("/link");
        row(walk::<usize, _>(docs).await.is(&[0, 1]), shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_last_item_gives_the_cursor_in_many_forms() -> Outcome {
    for (pointer, ids) in [
        ("/id", [json!({ "id": "cus_1" }), json!({ "id": "cus_2" })]),
        ("/id", [json!({ "id": 1 }), json!({ "id": 10_954_000_000_000_000_001_u64 })]),
        ("/meta/key", [json!({ "meta": { "key": "a" } }), json!({ "meta": { "key": "a&b=c d" } })]),
        ("", [json!("GSP"), json!("GST/µ")]),
        ("/a~1b", [json!({ "a/b": "x" }), json!({ "a/b": "y" })]),
        ("/0", [json!(["k1", 1]), json!(["k2", 2])]),
    ] {
        let last = ids[1].pointer(pointer).unwrap().clone();
        let last = last.as_str().map_or_else(|| last.to_string(), str::to_owned);
        let pages = ids.clone();
        let server = Server::start(move |req| match req.q("after") {
            None => js(json!({ "data": pages, "has_more": true })),
            Some(after) if after == last => js(json!({ "data": ["end"], "has_more": false })),
            Some(after) => raw(400, after),
        })
        .await;
        let docs = endpoint(&server.url).items_at("/data").by_last_item::<Value>(pointer, "after");
        row(walk(docs).await.is(&[ids[0].clone(), ids[1].clone(), json!("end")]), pointer)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_reaches_the_body_as_it_came() -> Outcome {
    for (at, cursor) in [
        ("/start_cursor", json!("33e19cb9-751f")),
        ("/start_cursor", json!("a\"b\\c\u{e9}\n")),
        ("/page/cursor", json!({ "id": { "S": "a" } })),
        ("/search_after", json!([1_503_435_956, "a", null])),
        ("/after", json!(18_446_744_073_709_551_615_u64)),
        ("/params/0/cursor", json!("x")),
    ] {
        let sent = cursor.clone();
        let server = Server::start(move |req| {
            let body: Value = serde_json::from_str(&req.body).unwrap();
            match body.pointer(at) {
                None => js(json!({ "results": [1], "next": sent })),
                Some(cursor) if *cursor == sent && body["size"] == 2 => js(json!({ "results": [2] })),
                Some(_) => raw(400, body.to_string()),
            }
        })
        .await;
        let body = json!({ "size": 2, "params": [{}] });
        let docs =
            endpoint(&server.url).json(&body).unwrap().items_at("/results").by_body_cursor("/next", at);
        row(walk::<u32, _>(docs).await.is(&[1, 2]), format_args!("{at} {cursor}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_that_stays_ends_the_stream_by_setting() -> Outcome {
    // Zendesk's incremental exports return the cursor of the last page for ever, with its items or without.
    for (items, more, flag) in [
        (json!([3]), json!(null), "end_of_stream"),
        (json!([]), json!(null), "end_of_stream"),
        (json!([3]), json!(true), "end_of_stream"),
        (json!([]), json!(true), "done"),
        (json!([2, 3]), json!(true), "isLast"),
    ] {
        let shown = format!("{items} {more} {flag}");
        let server = Server::start(move |req| {
            js(match req.q("cursor") {
                None => json!({ "tickets": [1, 2], "after_cursor": "a", flag: false }),
                Some(_) => json!({ "tickets": items, "after_cursor": "a", flag: more }),
            })
        })
        .await;
        let docs = endpoint(&server.url).items_at("/tickets").by_cursor::<u32>("/after_cursor", "cursor");
        let got = walk(docs.on_repeat(OnRepeat::End).unique_by(|id| *id)).await;
        let want: &[u32] = if shown.contains('3') { &[1, 2, 3] } else { &[1, 2] };
        row(got.is(want), shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_not_json_is_named_and_shown() -> Outcome {
    for (body, format, excerpt) in [
        ("<!DOCTYPE html><title>Just a moment</title>", "found HTML", "Just a moment"),
        ("\n\n<html><h1>Sign in</h1>", "found HTML", "Sign in"),
        ("<?xml version='1.0'?><Error><Code>Slow</Code></Error>", "found XML", "<Code>Slow"),
        ("<Error>no</Error>", "found XML or HTML", "<Error>no"),
        ("upstream connect error", "found text", "upstream connect error"),
        ("Error: quota", "found text", "quota"),
        ("", "found an empty body", ""),
        ("\u{feff}<!doctype HTML>maintenance", "found HTML", "maintenance"),
    ] {
        let server = Server::start(move |_| raw(200, body)).await;
        let docs = endpoint(&server.url).items_at("/data").by_cursor::<u32>("/next", "c").no_retry();
        let got = walk(docs).await;
        if !got.error.as_ref().is_some_and(|error| error.contains(excerpt)) {
            return row(Err(got.shown(&[])), body);
        }
        row(got.fails(&[], format), body)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_cursor_marks_the_end_in_many_forms() -> Outcome {
    for (end, by_setting) in [
        (json!(""), false),
        (json!(null), false),
        (json!(false), false),
        (json!(0), true),
        (json!("0"), true),
        (json!("-1"), true),
        (json!("AA=="), true),
    ] {
        let shown = end.to_string();
        let marks = end.clone();
        let server = Server::start(move |req| match req.n {
            0 => js(json!({ "ids": [1], "meta": { "next": "a" } })),
            1 => js(json!({ "ids": [2], "meta": { "next": end } })),
            _ => js(json!({ "ids": [3], "meta": {} })),
        })
        .await;
        let mut endpoint = endpoint(&server.url).items_at("/ids");
        if by_setting {
            endpoint =
                endpoint.end_cursors([marks.as_str().map_or_else(|| marks.to_string(), str::to_owned)]);
        }
        row(walk(endpoint.by_cursor::<u32>("/meta/next", "c")).await.is(&[1, 2]), shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_without_items_may_have_another_type() -> Outcome {
    for (pointer, body) in [
        ("/products", json!([])),
        ("/data/products", json!([])),
        ("/products", json!({ "products": [] })),
        ("/products", json!({ "products": null })),
        ("/products", json!({ "products": {} })),
        ("/products", json!({ "products": "" })),
        ("/data/products", json!({ "data": [] })),
        ("/data/products", json!({ "data": "" })),
        ("/d/results", json!({ "d": { "results": [] } })),
        ("/users", json!({ "users": null, "next_token": null })),
    ] {
        let shown = body.to_string();
        let server = Server::start(move |_| js(body.clone())).await;
        let endpoint = endpoint(&server.url).items_at(pointer);
        row(walk(endpoint.clone().by_cursor::<u32>("/next_token", "token")).await.is(&[]), &shown)?;
        row(walk(endpoint.by_page_number::<u32>("page", 1)).await.is(&[]), &shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_link_of_json_api_has_many_forms() -> Outcome {
    let one = "/a?page[number]=2";
    for (next, end) in [
        (json!(one), Some(json!(null))),
        (json!({ "href": one }), Some(json!(null))),
        (json!({ "href": one, "meta": { "count": 9 } }), None),
        (json!("/a?page%5Bnumber%5D=2"), Some(json!(""))),
        (json!("?page[number]=2"), Some(json!({ "href": null }))),
        (json!(one), Some(json!({}))),
    ] {
        let shown = format!("{next} {end:?}");
        let server = Server::start(move |req| {
            let mut links = json!({ "self": "/a" });
            match (req.q("page[number]"), &end) {
                (None, _) => links["next"] = next.clone(),
                (Some(_), Some(end)) => links["next"] = end.clone(),
                (Some(_), None) => {}
            }
            js(json!({ "data": [req.n], "links": links, "jsonapi": { "version": "1.1" } }))
        })
        .await;
        let docs = endpoint(&format!("{}/a?filter[x]=1", server.url)).by_json_api::<usize>();
        row(walk(docs).await.is(&[0, 1]), shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_relative_link_header_is_followed_from_any_path() -> Outcome {
    for link in [
        "</v2/_catalog?last=a&n=1>",
        "<?last=a&n=1>",
        "<_catalog?last=a&n=1>",
        "<./_catalog?last=a>",
        "<../v2/_catalog?last=a>",
    ] {
        let shown = link;
        let server = Server::start(move |req| match req.q("last") {
            None => js(json!({ "repositories": ["a"] })).with("link", format!("{link}; rel=\"next\"")),
            Some(_) if req.target.starts_with("/v2/_catalog?") => js(json!({ "repositories": null })),
            Some(_) => raw(404, ""),
        })
        .await;
        let docs = endpoint(&format!("{}/v2/_catalog?n=1", server.url)).items_at("/repositories");
        row(walk(docs.by_link::<String>()).await.is(&["a".to_owned()]), shown)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_flag_elsewhere_ends_a_stream_whose_link_stays() -> Outcome {
    for (flag, more, last) in [
        ("/meta/has_more", json!(true), json!(false)),
        ("/meta/has_more", json!(1), json!(0)),
        ("/page/hasNext", json!("true"), json!("false")),
        ("/has_more", json!(true), json!(false)),
        ("/links/more", json!(true), json!(false)),
        ("/meta/more", json!("yes"), json!("no")),
    ] {
        let server = Server::start(move |req| {
            let mut page = json!({ "d": [req.n], "links": { "next": format!("/d?n={}", req.n) }, "meta": {}, "page": {} });
            let (parent, name) = flag.rsplit_once('/').unwrap();
            page.pointer_mut(parent).unwrap()[name] = if req.n < 2 { more.clone() } else { last.clone() };
            js(page)
        })
        .await;
        let docs = endpoint(&format!("{}/d", server.url)).items_at("/d").has_more_at(flag);
        row(walk(docs.by_next_url::<usize>("/links/next")).await.is(&[0, 1, 2]), flag)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_limit_with_status_200_is_retried_in_any_form() -> Outcome {
    let limited: [fn() -> Resp; 6] = [
        || js(json!({ "errors": [{ "message": "slow", "type": "RATE_LIMITED" }] })),
        || {
            js(
                json!({ "errors": [{ "message": "slow", "extensions": { "code": "THROTTLED" } }], "data": null }),
            )
        },
        || js(json!({ "ok": false, "error": "ratelimited" })),
        || js(json!({ "data": null, "error": { "code": "TooManyRequests" } })),
        || js(json!({ "code": 429, "msg": "slow", "data": null })),
        || js(json!({ "success": false, "message": "busy" })).with("retry-after", "0.01"),
    ];
    for (index, limited) in limited.into_iter().enumerate() {
        let server =
            Server::start(move |req| if req.n == 0 { limited() } else { js(json!({ "data": [1] })) }).await;
        let docs = endpoint(&server.url).items_at("/data").by_cursor::<u32>("/next", "c").retry(soon());
        row(walk(docs).await.is(&[1]), index)?;
    }
    Ok(())
}
