use std::future::Future;
use std::pin::Pin;

use serde_json::{Value, json};
use withal::pages::http::{Endpoint, GraphQlQuery};

use super::{Outcome, run};
use crate::http::server::{HttpResponse, ReceivedRequest, json as respond, with_header};

type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The way by which an API identifies its next page.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum By {
    Url,
    Cursor,
    LastItem,
    Number,
    Offset,
    Steps,
}

/// The target and the number of the next page; `None` on the last page.
pub(super) type Next = Option<(String, u32)>;

/// An API of pages with two items, and the paginator for it.
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) by: By,
    /// Starts the paginator, with a wrong pointer to the items if the flag is set, and from a checkpoint.
    pub(super) run: fn(Endpoint, bool, Option<Value>) -> Run,
    /// The page that a request is for.
    pub(super) page: fn(&ReceivedRequest) -> u32,
    /// A page: its items, and the target and the number of the next.
    pub(super) reply: fn(&[u32], Next) -> HttpResponse,
}

impl Api {
    /// The cursor of the second page, in JSON.
    pub(super) fn second(&self) -> &'static str {
        match (self.by, self.name) {
            (_, "by_parameters") => r#""{\"page\":\"1\"}""#,
            (By::Url, _) => r#""/docs?page=1""#,
            (By::Cursor, "by_response") => "1",
            (By::Cursor | By::LastItem, _) => r#""1""#,
            (By::Number, _) => r#"{"page":1}"#,
            (By::Offset | By::Steps, _) => r#"{"offset":2}"#,
        }
    }
}

fn number(request: &ReceivedRequest, name: &str) -> Option<u32> {
    let body: Value = serde_json::from_str(&request.body).unwrap_or(Value::Null);
    let variable = body["variables"]["after"].as_str().and_then(|text| text.parse().ok());
    request
        .number(name)
        .or_else(|| body[name].as_u64().map(|number| u32::try_from(number).unwrap()))
        .or(variable)
}

fn page(request: &ReceivedRequest) -> u32 {
    number(request, "page").unwrap_or(0)
}

fn after(request: &ReceivedRequest) -> u32 {
    number(request, "after").map_or(0, |after| after.div_ceil(2))
}

fn offset(request: &ReceivedRequest) -> u32 {
    request.number("offset").unwrap_or(0) / 2
}

fn start(request: &ReceivedRequest) -> u32 {
    (request.number("start").unwrap() - 1) / 2
}

#[expect(clippy::needless_pass_by_value, reason = "the type of the column")]
fn with_flag(items: &[u32], next: Next) -> HttpResponse {
    respond(&json!({ "items": items, "has_more": next.is_some() }))
}

fn with_number(items: &[u32], next: Next) -> HttpResponse {
    respond(&json!({ "items": items, "next": next.map(|(_, number)| number) }))
}

fn pointer(is_wrong: bool, right: &str) -> String {
    if is_wrong { "/wrong".to_owned() } else { right.to_owned() }
}

macro_rules! api {
    ($name:literal, $by:ident, $items:literal, |$endpoint:ident| $docs:expr, $page:expr, $reply:expr) => {
        Api {
            name: $name,
            by: By::$by,
            run: |endpoint, is_wrong, from| {
                let $endpoint = endpoint.items_at(&pointer(is_wrong, $items));
                Box::pin(run($docs, from))
            },
            page: $page,
            reply: $reply,
        }
    };
}

pub(super) const APIS: &[Api] = &[
    api!("by_link", Url, "/items", |e| e.by_link(), page, |items, next| {
        let page = respond(&json!({ "items": items }));
        match next {
            Some((url, _)) => with_header(page, "link", &format!("<{url}>; rel=\"next\"")),
            None => page,
        }
    }),
    api!("by_next_url_header", Url, "/items", |e| e.by_next_url_header("next-page"), page, |items, next| {
        let page = respond(&json!({ "items": items }));
        match next {
            Some((url, _)) => with_header(page, "next-page", &url),
            None => page,
        }
    }),
    api!("by_next_url", Url, "/items", |e| e.by_next_url("/next"), page, |items, next| respond(
        &json!({ "items": items, "next": next.map(|(url, _)| url) })
    )),
    api!("by_link_array", Url, "/items", |e| e.by_link_array("/links"), page, |items, next| {
        let links: Vec<_> = next.iter().map(|(url, _)| json!({ "rel": "next", "href": url })).collect();
        respond(&json!({ "items": items, "links": links }))
    }),
    api!("by_odata", Url, "/value", |e| e.by_odata(), page, |items, next| respond(
        &json!({ "value": items, "@odata.nextLink": next.map(|(url, _)| url) })
    )),
    api!("by_hal", Url, "/_embedded/docs", |e| e.by_hal("docs"), page, |items, next| {
        let links = next.map_or(json!({}), |(url, _)| json!({ "next": { "href": url } }));
        respond(&json!({ "_embedded": { "docs": items }, "_links": links }))
    }),
    api!("by_json_api", Url, "/data", |e| e.by_json_api(), page, |items, next| respond(
        &json!({ "data": items, "links": { "next": next.map(|(url, _)| url) } })
    )),
    api!("by_cursor", Cursor, "/items", |e| e.by_cursor("/next", "page"), page, with_number),
    api!(
        "by_cursor_header",
        Cursor,
        "/items",
        |e| e.by_cursor_header("x-next", "page"),
        page,
        |items, next| {
            let page = respond(&json!({ "items": items }));
            match next {
                Some((_, number)) => with_header(page, "x-next", &number.to_string()),
                None => page,
            }
        }
    ),
    api!(
        "by_body_cursor",
        Cursor,
        "/items",
        |e| e.json(&json!({})).unwrap().by_body_cursor("/next", "/page"),
        page,
        with_number
    ),
    api!("by_parameters", Cursor, "/items", |e| e.by_parameters("/next"), page, |items, next| respond(
        &json!({ "items": items, "next": next.map(|(_, number)| json!({ "page": number })) })
    )),
    api!(
        "by_kubernetes",
        Cursor,
        "/items",
        |e| e.by_kubernetes(),
        |r| number(r, "continue").unwrap_or(0),
        |items, next| {
            let token = next.map_or(String::new(), |(_, number)| number.to_string());
            respond(&json!({ "items": items, "metadata": { "continue": token } }))
        }
    ),
    Api {
        name: "by_relay_connection",
        by: By::Cursor,
        run: |endpoint, is_wrong, from| {
            let query = GraphQlQuery::new("query", &pointer(is_wrong, "/data/docs"));
            Box::pin(run(endpoint.by_relay_connection(query), from))
        },
        page,
        reply: |items, next| {
            let info =
                json!({ "hasNextPage": next.is_some(), "endCursor": next.map(|(_, n)| n.to_string()) });
            respond(&json!({ "data": { "docs": { "nodes": items, "pageInfo": info } } }))
        },
    },
    api!(
        "by_response",
        Cursor,
        "/items",
        |e| e.by_response(
            |request, cursor: &u32| request.query("page", cursor),
            |response| Ok(response.page(response.at("/next")?)?)
        ),
        page,
        with_number
    ),
    api!("by_last_item", LastItem, "/items", |e| e.by_last_item("", "after"), after, with_flag),
    api!(
        "by_last_item_in_body",
        LastItem,
        "/items",
        |e| e.json(&json!({})).unwrap().by_last_item_in_body("", "/after"),
        after,
        with_flag
    ),
    api!("by_page_number", Number, "/items", |e| e.by_page_number("page", 0), page, with_flag),
    api!(
        "by_numbered_response",
        Number,
        "/items",
        |e| e.by_numbered_response(
            0,
            |request, number| request.query("page", number),
            |response| {
                let is_last = response.at::<bool>("/has_more")? == Some(false);
                let page = response.page(None)?;
                Ok(if is_last { page.has_more(false) } else { page })
            }
        ),
        page,
        with_flag
    ),
    api!("by_offset", Offset, "/items", |e| e.by_offset("offset", "limit", 2), offset, with_flag),
    api!("by_offset_from", Offset, "/items", |e| e.by_offset_from("start", "rows", 2, 1), start, with_flag),
    api!(
        "by_scim",
        Offset,
        "/Resources",
        |e| e.by_scim(2),
        |r| (r.number("startIndex").unwrap() - 1) / 2,
        |items, next| { respond(&json!({ "Resources": items, "has_more": next.is_some() })) }
    ),
    api!("by_offset_steps", Steps, "/items", |e| e.by_offset_steps("offset", "limit", 2), offset, with_flag),
];
