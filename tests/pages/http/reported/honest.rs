//! APIs that are unusual, but right: their pages are read, or the error names the setting that accepts them.

use serde_json::{Value, json};
use withal::pages::http::Endpoint;
use withal::pages::{OnCycle, OnEmpty, OnRepeat};

use super::Outcome;
use super::server::{Req, Resp, Server, js};
use super::walk::walk;
use crate::http::endpoint;

type Respond = fn(&Req) -> Resp;

async fn start(respond: Respond) -> Endpoint {
    endpoint(&format!("{}/d?q=1", Server::start(respond).await.url))
}

/// Three pages with this member in each, and then empty ones.
macro_rules! pages_with {
    ($items:literal, $($member:tt)*) => {
        |req| {
            let page = req.number("page");
            let mut body = json!({ $($member)* });
            body[$items] = if page < 4 { json!([page]) } else { json!([]) };
            js(body)
        }
    };
}

#[tokio::test]
async fn members_with_other_meanings_change_no_stream() -> Outcome {
    let rows: &[(Respond, &str)] = &[
        (pages_with!("items", "total": 3), "/items"),
        (pages_with!("items", "total": 1), "/items"),
        (pages_with!("items", "count": 1), "/items"),
        (pages_with!("points", "error_rate": 0.2, "error_budget": { "left": 1 }), "/points"),
        (pages_with!("methods", "name": "x", "throws": ["IOException"]), "/methods"),
        (pages_with!("items", "limit": 100, "page_size": 1), "/items"),
        (pages_with!("items", "page_count": 1, "next_run": "2026-12-01"), "/items"),
    ];
    for (index, (respond, items)) in rows.iter().enumerate() {
        let docs = start(*respond).await.items_at(items).by_page_number::<u32>("page", 1);
        walk(docs).await.is(&[1, 2, 3]).map_err(|error| format!("{index}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn members_with_the_names_of_reports_can_be_ignored() -> Outcome {
    let rows: &[(Respond, &str)] = &[
        (pages_with!("steps", "id": 7, "status": "failed"), "/steps"),
        (pages_with!("submissions", "problem": { "id": 17, "title": "A+B" }), "/submissions"),
        (pages_with!("submissions", "problem_id": 17), "/submissions"),
        (pages_with!("events", "exceptions": [{ "date": "2026-12-25" }]), "/events"),
        (pages_with!("redemptions", "code": "XMAS", "message": "Summer sale"), "/redemptions"),
        (pages_with!("trips", "maintenance": true), "/trips"),
        (pages_with!("votes", "result": "rejected"), "/votes"),
        (pages_with!("lines", "status": "pending"), "/lines"),
        (pages_with!("items", "info": "Terms: you must be 18"), "/items"),
        (pages_with!("items", "message": "Took 3 ms, timeout 30 s"), "/items"),
        (pages_with!("releases", "first": false), "/releases"),
    ];
    for (index, (respond, items)) in rows.iter().enumerate() {
        for is_ignored in [false, true] {
            let endpoint = start(*respond).await.items_at(items);
            let endpoint = if is_ignored { endpoint.ignore_reports() } else { endpoint };
            let got = walk(endpoint.by_page_number::<u32>("page", 1).no_retry()).await;
            let outcome = match (is_ignored, *items) {
                (true, _) => got.is(&[1, 2, 3]),
                (_, "/releases") => got.fails(&[], "set `ignore_reports`"),
                _ => got.fails(&[1, 2, 3], "set `ignore_reports`"),
            };
            outcome.map_err(|error| format!("{index}: {error}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn members_that_seem_to_report_a_next_page_can_be_ignored() -> Outcome {
    let rows: &[(Respond, &str)] = &[
        (pages_with!("chapters", "title": "x", "pages": 320), "/chapters"),
        (pages_with!("items", "next_cursor": "MQ=="), "/items"),
        (pages_with!("items", "next": "/issues/9"), "/items"),
    ];
    for (index, (respond, items)) in rows.iter().enumerate() {
        let endpoint = start(*respond).await.items_at(items);
        let docs = || endpoint.clone().by_page_number::<u32>("page", 1);
        walk(docs().max_empty_pages(9))
            .await
            .fails(&[1, 2, 3], "set `on_empty`")
            .map_err(|error| format!("{index}: {error}"))?;
        walk(docs().on_empty(OnEmpty::End))
            .await
            .is(&[1, 2, 3])
            .map_err(|error| format!("{index}: {error}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn pages_that_begin_with_the_same_ids_can_be_allowed() -> Outcome {
    // The values of two sensors at each time.
    let sensors = |page: u32| json!([{ "id": "s1", "time": page }, { "id": "s2", "time": page }]);
    for setting in [OnRepeat::Error, OnRepeat::Allow] {
        let server = Server::start(move |req| match req.number("page") {
            page @ 1..4 => js(sensors(page)),
            _ => js(json!([])),
        });
        let docs = endpoint(&server.await.url).by_page_number::<Value>("page", 1).on_repeat(setting);
        let all: Vec<_> =
            (1..4).flat_map(|page| sensors(page).as_array().unwrap().clone()).collect::<Vec<_>>();
        match setting {
            OnRepeat::Allow => walk(docs).await.is(&all)?,
            _ => walk(docs).await.fails(&all[..2], "set `on_repeat`")?,
        }
    }
    // The first two items of a forum stay on each page.
    for is_unique in [false, true] {
        let server = Server::start(|req| match req.number("page") {
            page @ 1..4 => js(json!([{ "id": 8 }, { "id": 9 }, { "id": page }])),
            _ => js(json!([])),
        });
        let docs = endpoint(&server.await.url).by_page_number::<Value>("page", 1);
        let ids = |ids: &[u32]| ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>();
        if is_unique {
            let docs = docs.unique_by(|item: &Value| item["id"].to_string());
            walk(docs).await.is(&ids(&[8, 9, 1, 2, 3]))?;
        } else {
            walk(docs)
                .await
                .fails(&ids(&[8, 9, 1]), "`unique_by` if each page begins with the same items")?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_cursor_of_a_log_stays_at_its_end_by_setting() -> Outcome {
    for setting in [OnCycle::Error, OnCycle::End] {
        let server = Server::start(|req| {
            let at: u32 = req.q("c").map_or(0, |c| c.parse().unwrap());
            let items: Vec<_> = (at + 1..4).take(1).collect();
            js(json!({ "cursor": items.last().unwrap_or(&at).to_string(), "items": items }))
        });
        let docs = endpoint(&server.await.url).items_at("/items").by_cursor::<u32>("/cursor", "c");
        let got = walk(docs.on_cycle(setting)).await;
        match setting {
            OnCycle::End => got.is(&[1, 2, 3])?,
            _ => got.fails(&[1, 2, 3], "set `on_cycle`")?,
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_next_url_of_something_else_can_be_ignored() -> Outcome {
    for body in [
        json!({ "items": [1], "next": "2026-12-01T00:00:00Z" }),
        json!({ "items": [1], "links": { "next": "/d?q=1", "self": "/d?q=1" } }),
    ] {
        for is_ignored in [false, true] {
            let page = body.clone();
            let server = Server::start(move |_| js(page.clone())).await;
            let endpoint = endpoint(&server.url).items_at("/items");
            let endpoint = if is_ignored { endpoint.ignore_reports() } else { endpoint };
            let got = walk(endpoint.by_cursor::<u32>("/cursor", "c")).await;
            if is_ignored { got.is(&[1])? } else { got.fails(&[], "set `ignore_reports`")? }
        }
    }
    // A token for the next run, and the link to later changes.
    let server = Server::start(|_| js(json!({ "items": [1], "nextSyncToken": "x" }))).await;
    let docs = endpoint(&server.url).items_at("/items").by_cursor::<u32>("/nextPageToken", "pageToken");
    walk(docs).await.is(&[1])?;
    let server = Server::start(|req| {
        js(match req.q("t") {
            None => json!({ "value": [1], "@odata.nextLink": "/d?t=2" }),
            Some(_) => json!({ "value": [], "@odata.deltaLink": "/d?delta=3" }),
        })
    })
    .await;
    let docs =
        endpoint(&format!("{}/d", server.url)).items_at("/value").by_next_url::<u32>("/@odata.nextLink");
    walk(docs).await.is(&[1])
}

#[tokio::test]
async fn links_to_other_pages_overrule_other_headers() -> Outcome {
    const NEXT: &str = "</d?page=2>; rel=\"next\"";
    for (first, first_other, last, last_other) in [
        // The number of the last page stays.
        (NEXT, "2", "", "2"),
        (NEXT, "2", "", "/d?page=3"),
        (NEXT, "2", "", "-1"),
        (NEXT, "2", "</d>; rel=\"first\"", "2"),
        // Links of other kinds.
        ("</s.css>; rel=preload", "/d?page=2", "</s.css>; rel=preload", ""),
        ("</d>; rel=\"self\"", "/d?page=2", "</d?page=2>; rel=\"self\"", "-1"),
    ] {
        let server = Server::start(move |req| {
            let (number, link, other) = match req.q("page") {
                None => (1, first, first_other),
                Some(_) => (2, last, last_other),
            };
            let response = js(json!([number])).with("x-next-page", other);
            if link.is_empty() { response } else { response.with("link", link) }
        })
        .await;
        let docs = endpoint(&format!("{}/d", server.url)).by_link::<u32>();
        walk(docs).await.is(&[1, 2]).map_err(|error| format!("{first} {last} {last_other}: {error}"))?;
    }
    Ok(())
}
