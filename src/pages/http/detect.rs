use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::json_outline::outline;
use super::known_cursors::known_cursor;
use super::links::Links;
use super::proposal::{Argument, Proposal};
use super::reference::resolve;
use super::usual_names::{
    CURSORS, LAST_FLAGS, MORE_FLAGS, NEXT_URLS, PAGE_NUMBERS, TOTAL_HEADERS, TOTAL_PAGES, TOTALS, fields,
    flag, items_pointer, numbered,
};

/// Proposes a paginator from the first response of an API.
///
/// The headers and the fields of a first page are compared with those of known APIs and conventions. The proposal is a
/// guess for a human to check: the name of a query parameter, for example, is not in the response. The names of Airtable,
/// Asana, Gong, `HubSpot`, Intercom, Jira, MCP, Notion, Pipedrive, Relay, Vercel, X and Zoom, among others, are known;
/// [`Endpoint::detect`](super::Endpoint::detect) also considers whether the endpoint sends JSON. `None` means that
/// nothing is known about the response, not that it is the only page.
///
/// # Examples
///
/// ```
/// use reqwest::header::{HeaderMap, LINK};
/// use withal::pages::http::detect;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(LINK, r#"</docs?page=2>; rel="next""#.parse()?);
/// let proposal = detect(&headers, b"[1, 2]").expect("the response has a link");
/// assert_eq!(proposal.to_string(), ".by_link::<T>()");
///
/// let body = br#"{"value": [1], "@odata.nextLink": "https://api.example/docs?$skiptoken=7"}"#;
/// let proposal = detect(&HeaderMap::new(), body).expect("the response has a link");
/// assert_eq!(proposal.to_string(), ".by_odata::<T>()");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn detect(headers: &HeaderMap, body: &[u8]) -> Option<Proposal> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let body = outline(body);
    let items = items_pointer(&body);
    let with_items = |proposal: Proposal| {
        let is_set = proposal.items_at().is_some();
        let items = items.clone().filter(|items| !items.is_empty() && !is_set);
        // The count of Vercel is that of the page.
        let total = numbered(&body, TOTALS).map(|(pointer, _)| pointer);
        let total = total.filter(|pointer| pointer != "/pagination/count");
        proposal.setting("items_at", items).setting("total_at", total)
    };
    by_header(headers)
        .map(|(proposal, reads_body)| if reads_body { with_items(proposal) } else { proposal })
        .or_else(|| known_cursor(&body).map(with_items))
        .or_else(|| by_convention(&body, items.as_deref()))
        .or_else(|| by_field(&body, items.as_deref()).map(with_items))
        .or_else(|| by_number(headers, &body).map(with_items))
        .or_else(|| items.as_deref().and_then(|_| by_null(&body)).map(with_items))
}

/// Finds a link in the headers.
fn by_header(headers: &HeaderMap) -> Option<(Proposal, bool)> {
    if let Ok(Some(_)) = Links::parse(headers).find("next") {
        return Some((propose("by_link", [], "a Link header with the relation `next`"), true));
    }
    for name in ["next-page", "x-next-page"] {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        if value.is_some_and(is_url) {
            let reason = format!("a URL in the header {name:?}");
            return Some((propose("by_next_url_header", [name.into()], &reason), true));
        }
    }
    None
}

/// Recognizes the formats that a paginator knows by name.
fn by_convention(body: &Value, items: Option<&str>) -> Option<Proposal> {
    let has = |pointer: &str| body.pointer(pointer).is_some();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let proposal = if has("/@odata.nextLink") || has("/@odata.context") && has("/value") {
        propose("by_odata", [], "an OData response")
    } else if text("/kind").is_some_and(|kind| kind.ends_with("List")) && has("/apiVersion") && has("/items")
    {
        propose("by_kubernetes", [], "a list of Kubernetes")
    } else if text("/resourceType") == Some("Bundle") {
        propose("by_link_array", ["/link".into()], "a bundle of FHIR")
            .setting("items_at", Some("/entry".to_owned()))
    } else if has("/totalResults") && has("/itemsPerPage") && has("/schemas") {
        propose("by_scim", [100.into()], "a list response of SCIM")
    } else if body.pointer("/continue").is_some_and(Value::is_object) {
        propose("by_parameters", ["/continue".into()], "an object of parameters at \"/continue\"")
            .setting("items_at", items.map(str::to_owned))
    } else if body.pointer("/LastEvaluatedKey").is_some_and(Value::is_object) {
        let arguments = ["/LastEvaluatedKey".into(), "/ExclusiveStartKey".into()];
        propose("by_body_cursor", arguments, "an object cursor of DynamoDB")
            .setting("items_at", Some("/Items".to_owned()))
    } else if body.pointer("/_embedded").is_some_and(Value::is_object) && has("/_links") {
        let name = items.and_then(|items| items.strip_prefix("/_embedded/"))?;
        propose("by_hal", [name.into()], "a HAL document")
    } else if has("/data") && (has("/jsonapi") || has("/links/next") && has("/links/self")) {
        propose("by_json_api", [], "a JSON:API document")
    } else if let (Some(true), "/hits/hits") =
        (items.map(|_| has("/hits/hits/0/sort")), items.unwrap_or_default())
    {
        propose("by_last_item_in_body", ["/sort".into(), "/search_after".into()], "a sorted search")
            .setting("items_at", Some("/hits/hits".to_owned()))
    } else if link_array(body, "/links") {
        propose("by_link_array", ["/links".into()], "an array of links at \"/links\"")
            .setting("items_at", items.map(str::to_owned))
    } else {
        return None;
    };
    Some(proposal)
}

/// Finds a URL, a cursor or a flag in the fields of a page.
fn by_field(body: &Value, items: Option<&str>) -> Option<Proposal> {
    let more = flag(body, MORE_FLAGS);
    let last = flag(body, LAST_FLAGS);
    let flagged = |proposal: Proposal| match (&more, &last) {
        (Some(more), _) => proposal.setting("has_more_at", Some(more.clone())),
        (None, last) => proposal.setting("is_last_at", last.clone()),
    };
    for (pointer, value) in fields(body, NEXT_URLS) {
        let href = value.get("href").unwrap_or(value);
        if href.as_str().is_some_and(is_url) {
            let reason = format!("a URL at {pointer:?}");
            let parent = &pointer[..pointer.rfind('/').unwrap_or(0)];
            let is_beside = |flag: &str| ["", parent].contains(&&flag[..flag.rfind('/').unwrap_or(0)]);
            // A flag beside the URL or at the top is known to the paginator.
            let is_known = more.as_deref().or(last.as_deref()).is_none_or(is_beside);
            let proposal = propose("by_next_url", [pointer.as_str().into()], &reason);
            return Some(if is_known { proposal } else { flagged(proposal) });
        }
    }
    for (name, parameter) in CURSORS {
        let names = [*name];
        let found = fields(body, &names).find(|(_, value)| is_cursor(value));
        let Some((pointer, _)) = found else { continue };
        let is_page_info = pointer.starts_with("/pageInfo") || pointer.starts_with("/data/");
        if is_page_info && *name == "endCursor" {
            continue;
        }
        let reason = format!("a cursor at {pointer:?}");
        return Some(flagged(propose("by_cursor", [pointer.into(), (*parameter).into()], &reason)));
    }
    // Without a cursor, the last item is one: Stripe.
    let items = items?;
    let has_id = body.pointer(&format!("{items}/0/id")).is_some();
    let is_list = body.get("object").and_then(Value::as_str) == Some("list");
    (is_list && has_id && more.is_some()).then(|| {
        flagged(propose("by_last_item", ["/id".into(), "starting_after".into()], "a list of Stripe"))
    })
}

/// Finds numbers of pages or offsets.
fn by_number(headers: &HeaderMap, body: &Value) -> Option<Proposal> {
    for name in TOTAL_HEADERS {
        if headers.contains_key(*name) {
            let reason = format!("the number of pages in the header {name:?}");
            let proposal = propose("by_page_number", ["page".into(), 1.into()], &reason);
            return Some(proposal.setting("total_pages_header", Some((*name).to_owned())));
        }
    }
    let total_pages = numbered(body, TOTAL_PAGES).map(|(pointer, _)| pointer);
    let page = numbered(body, PAGE_NUMBERS).filter(|(_, number)| *number <= 1);
    if total_pages.is_some() || page.is_some() {
        let first = page.as_ref().map_or(1, |(_, number)| *number);
        let pointer = total_pages.as_ref().or(page.as_ref().map(|(pointer, _)| pointer));
        let reason = format!("a page number at {:?}", pointer.map_or("", String::as_str));
        let proposal = propose("by_page_number", ["page".into(), first.into()], &reason);
        return Some(proposal.setting("total_pages_at", total_pages));
    }
    let limit = numbered(body, &["limit", "maxResults", "size", "page_size", "pageSize"]);
    let offset = numbered(body, &["offset", "startAt", "skip", "start"]);
    if let (Some((at, _)), Some((_, limit))) = (offset, limit.filter(|(_, limit)| *limit > 0)) {
        let name = at.rsplit('/').next().unwrap_or("offset").to_owned();
        let size = if name == "startAt" { "maxResults" } else { "limit" };
        let reason = format!("an offset at {at:?}");
        return Some(propose("by_offset", [name.into(), size.into(), limit.into()], &reason));
    }
    let total =
        ["x-total-count", "x-wp-total", "x-total"].into_iter().find(|name| headers.contains_key(*name));
    total.map(|name| {
        let reason = format!("a total in the header {name:?}");
        propose("by_page_number", ["page".into(), 1.into()], &reason)
    })
}

/// Finds the field that would have a URL or a cursor if the first page were not the only one.
fn by_null(body: &Value) -> Option<Proposal> {
    let null = |names: &[&str]| {
        let found = fields(body, names).find(|(_, value)| value.is_null());
        found.map(|(pointer, _)| pointer)
    };
    if let Some(pointer) = null(NEXT_URLS) {
        let reason = format!("no further URL at {pointer:?}");
        return Some(propose("by_next_url", [pointer.into()], &reason));
    }
    CURSORS.iter().find_map(|(name, parameter)| {
        let pointer = null(&[*name])?;
        let reason = format!("no further cursor at {pointer:?}");
        Some(propose("by_cursor", [pointer.into(), (*parameter).into()], &reason))
    })
}

fn propose<const N: usize>(paginator: &'static str, arguments: [Argument; N], reason: &str) -> Proposal {
    Proposal::new(paginator, arguments.into(), reason.to_owned())
}

fn is_cursor(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty() && !is_url(text),
        Value::Number(number) => number.as_u64() != Some(0),
        _ => false,
    }
}

fn is_url(text: &str) -> bool {
    let is_reference = text.starts_with(['/', '?']) || text.contains("://");
    let base = Url::parse("http://localhost/");
    is_reference && base.is_ok_and(|base| resolve(&base, text).is_ok())
}

/// Returns `true` for an array of objects with `rel`, `href` or `url`.
fn link_array(body: &Value, pointer: &str) -> bool {
    let links = body.pointer(pointer).and_then(Value::as_array);
    links
        .is_some_and(|links| links.iter().any(|link| link.get("rel").is_some() && link.get("href").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::http::usual_names::ITEMS;
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue, LINK};
    use serde_json::json;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn conventions_are_recognized() {
        for (body, want) in [
            (json!({ "value": [1], "@odata.nextLink": "http://a/?$skip=1" }), ".by_odata::<T>()"),
            (
                json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "continue": "x" }, "items": [{}] }),
                ".by_kubernetes::<T>()",
            ),
            (
                json!({ "resourceType": "Bundle", "link": [{ "relation": "next", "url": "/b" }], "entry": [{}] }),
                ".items_at(\"/entry\").by_link_array::<T>(\"/link\")",
            ),
            (
                json!({ "type": "FeatureCollection", "features": [{}], "links": [{ "rel": "next", "href": "/b" }] }),
                ".items_at(\"/features\").by_link_array::<T>(\"/links\")",
            ),
            (
                json!({ "schemas": [], "totalResults": 9, "itemsPerPage": 3, "startIndex": 1, "Resources": [{}] }),
                ".by_scim::<T>(100)",
            ),
            (
                json!({ "query": { "allpages": [{}] }, "continue": { "apcontinue": "B", "continue": "-||" } }),
                ".items_at(\"/query/allpages\").by_parameters::<T>(\"/continue\")",
            ),
            (
                json!({ "Items": [{}], "LastEvaluatedKey": { "id": { "S": "a" } } }),
                ".items_at(\"/Items\").by_body_cursor::<T>(\"/LastEvaluatedKey\", \"/ExclusiveStartKey\")",
            ),
            (
                json!({ "_embedded": { "users": [{}] }, "_links": { "next": { "href": "/u?page=2" } } }),
                ".by_hal::<T>(\"users\")",
            ),
            (json!({ "data": [{}], "links": { "self": "/d", "next": "/d?page=2" } }), ".by_json_api::<T>()"),
            (
                json!({ "hits": { "total": { "value": 9 }, "hits": [{ "_id": "a", "sort": [1] }] } }),
                ".items_at(\"/hits/hits\").by_last_item_in_body::<T>(\"/sort\", \"/search_after\")",
            ),
            (
                json!({ "object": "list", "has_more": true, "data": [{ "id": "a" }] }),
                ".items_at(\"/data\").has_more_at(\"/has_more\").by_last_item::<T>(\"/id\", \"starting_after\")",
            ),
            (
                json!({ "count": 40, "next": "https://a/?page=2", "previous": null, "results": [{}] }),
                ".items_at(\"/results\").total_at(\"/count\").by_next_url::<T>(\"/next\")",
            ),
            (
                json!({ "d": { "results": [{}] }, "nextPageToken": "x" }),
                ".items_at(\"/d/results\").by_cursor::<T>(\"/nextPageToken\", \"pageToken\")",
            ),
            (
                json!({ "items": [{}], "isTruncated": true, "nextToken": "x" }),
                ".items_at(\"/items\").has_more_at(\"/isTruncated\").by_cursor::<T>(\"/nextToken\", \"nextToken\")",
            ),
            (
                json!({ "values": [{}], "isLastPage": false, "nextPageStart": 25 }),
                ".items_at(\"/values\").is_last_at(\"/isLastPage\").by_cursor::<T>(\"/nextPageStart\", \"start\")",
            ),
            (
                json!({ "content": [{}], "totalPages": 3, "number": 0 }),
                ".items_at(\"/content\").total_pages_at(\"/totalPages\").by_page_number::<T>(\"page\", 0)",
            ),
            // The first page is the only one.
            (
                json!({ "count": 1, "next": null, "previous": null, "results": [{}] }),
                ".items_at(\"/results\").total_at(\"/count\").by_next_url::<T>(\"/next\")",
            ),
            // The link stays on the last page of Zendesk, which a flag elsewhere marks.
            (
                json!({ "users": [{}], "meta": { "has_more": true }, "links": { "next": "http://a/u?page=b" } }),
                ".items_at(\"/users\").has_more_at(\"/meta/has_more\").by_next_url::<T>(\"/links/next\")",
            ),
            (
                json!({ "items": [{}], "meta": { "next_cursor": null } }),
                ".items_at(\"/items\").by_cursor::<T>(\"/meta/next_cursor\", \"cursor\")",
            ),
            (
                json!({ "content": [{}], "totalPages": 1, "number": 0, "next": null }),
                ".items_at(\"/content\").total_pages_at(\"/totalPages\").by_page_number::<T>(\"page\", 0)",
            ),
            (
                json!({ "startAt": 0, "maxResults": 50, "total": 200, "issues": [{}] }),
                ".items_at(\"/issues\").total_at(\"/total\").by_offset::<T>(\"startAt\", \"maxResults\", 50)",
            ),
        ] {
            let proposal = detect(&HeaderMap::new(), body.to_string().as_bytes());
            assert_eq!(proposal.map(|proposal| proposal.to_string()).as_deref(), Some(want), "{body}");
        }
    }

    #[test]
    fn headers_are_recognized() {
        for (name, value, want) in [
            ("link", "</docs?page=2>; rel=\"next\"", Some(".by_link::<T>()")),
            ("link", "</docs?page=2>; rel='next'", None),
            ("next-page", "https://a/docs?_token=x", Some(".by_next_url_header::<T>(\"next-page\")")),
            (
                "x-wp-totalpages",
                "9",
                Some(".total_pages_header(\"x-wp-totalpages\").by_page_number::<T>(\"page\", 1)"),
            ),
            ("x-total-count", "9", Some(".by_page_number::<T>(\"page\", 1)")),
            ("x-other", "9", None),
        ] {
            let proposal = detect(&headers(name, value), b"[1]");
            assert_eq!(proposal.map(|proposal| proposal.to_string()).as_deref(), want, "{name}: {value}");
        }
        assert_eq!(detect(&HeaderMap::new(), b"<html>"), None);
        assert_eq!(detect(&HeaderMap::new(), br#"{"next": null}"#), None, "there are no items");
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(/|\\?|http://|[a-z]|é){0,5}".prop_map(Value::from),
        ];
        let name = prop::sample::select(
            [
                NEXT_URLS,
                MORE_FLAGS,
                LAST_FLAGS,
                ITEMS,
                &["links", "_links", "meta", "continue", "data", "a/b"],
            ]
            .concat(),
        );
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..5).prop_map(|members| {
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in any::<Vec<u8>>(), link in any::<Vec<u8>>()) {
            let link = HeaderValue::from_bytes(&link).unwrap_or(HeaderValue::from_static("<"));
            let _proposal = detect(&HeaderMap::from_iter([(LINK, link)]), &body);
        }

        #[test]
        fn the_items_of_a_proposal_are_an_array(body in json_value()) {
            if let Some(proposal) = detect(&HeaderMap::new(), body.to_string().as_bytes()) {
                if let Some(items) = proposal.items_at() {
                    prop_assert!(items.starts_with('/'));
                }
                prop_assert!(proposal.to_string().contains("::<T>("));
            }
        }
    }
}
