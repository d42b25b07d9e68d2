//! The names that APIs usually give the parts of a page, and the search for them in a body.

use serde_json::{Map, Value};

use super::json_pointers::pointer_to;

/// Names of arrays of items.
pub(super) const ITEMS: &[&str] = &[
    "items", "results", "data", "records", "values", "value", "entries", "entry", "content", "list", "rows",
];
/// Objects that contain the fields of a page, besides the whole body.
pub(super) const PARENTS: &[&str] = &[
    "",
    "/links",
    "/_links",
    "/paging",
    "/paging/cursors",
    "/pagination",
    "/meta",
    "/meta/pagination",
    "/metadata",
    "/_meta",
    "/page",
    "/pageInfo",
    "/page_info",
    "/response_metadata",
    "/cursors",
    "/data",
    "/result",
];
pub(super) const NEXT_URLS: &[&str] = &[
    "next",
    "next_url",
    "nextUrl",
    "next_page",
    "nextPage",
    "next_page_url",
    "nextPageUrl",
    "nextLink",
    "next_link",
    "nextRecordsUrl",
    "__next",
    "after_url",
];
/// Names of cursors, and of the query parameters that usually take them.
pub(super) const CURSORS: &[(&str, &str)] = &[
    ("nextPageToken", "pageToken"),
    ("next_page_token", "page_token"),
    ("nextToken", "nextToken"),
    ("NextToken", "NextToken"),
    ("next_token", "next_token"),
    ("next_cursor", "cursor"),
    ("nextCursor", "cursor"),
    ("continuationToken", "continuationToken"),
    ("continuation_token", "continuation_token"),
    ("after_cursor", "cursor"),
    ("endCursor", "after"),
    ("end_cursor", "after"),
    ("cursor", "cursor"),
    ("after", "after"),
    ("next_offset", "offset"),
    ("nextOffset", "offset"),
    ("nextPageStart", "start"),
    ("offset_token", "offset"),
    ("scroll_id", "scroll_id"),
    ("next", "cursor"),
];
/// Flags whose names have one meaning: `true` means that there are more pages.
pub(super) const MORE_FLAGS: &[&str] = &[
    "has_more",
    "hasMore",
    "has-more",
    "HasMore",
    "hasNextPage",
    "has_next_page",
    "hasNext",
    "has_next",
    "moreResults",
    "more_items",
    "more_items_in_collection",
    "isTruncated",
    "IsTruncated",
    "hasMoreItems",
    "hasMorePages",
    "hasMoreRecords",
    "hasMoreResults",
    "has_more_items",
    "has_more_page",
    "has_more_pages",
    "has_more_results",
    "more",
    "moreRecords",
    "more_records",
    "more_results",
];
/// Flags whose names have one meaning: `true` means that the page is the last.
pub(super) const LAST_FLAGS: &[&str] = &[
    "isLast",
    "is_last",
    "isLastPage",
    "is_last_page",
    "last",
    "done",
    "end_of_stream",
    "endOfStream",
    "endOfRecords",
    "isEnd",
    "is_end",
    "lastPage",
    "last_page",
];
pub(super) const TOTALS: &[&str] = &[
    "total",
    "total_count",
    "totalCount",
    "totalResults",
    "total_results",
    "totalElements",
    "totalItems",
    "count",
];
pub(super) const TOTAL_PAGES: &[&str] =
    &["total_pages", "totalPages", "page_count", "pageCount", "last_page", "lastPage"];
pub(super) const PAGE_NUMBERS: &[&str] =
    &["page", "current_page", "currentPage", "pageNumber", "page_number", "number"];
pub(super) const TOTAL_HEADERS: &[&str] = &["x-wp-totalpages", "x-total-pages", "x-pagination-page-count"];

/// Returns the pointer to the array that most likely contains the items.
pub(super) fn items_pointer(body: &Value) -> Option<String> {
    if body.is_array() {
        return Some(String::new());
    }
    let mut best: Option<(u8, String)> = None;
    let mut visit = |parent: &str, members: &Map<String, Value>, depth: u8| {
        for (name, value) in members {
            let Value::Array(items) = value else { continue };
            let is_links =
                matches!(name.as_str(), "links" | "link" | "errors" | "warnings" | "included" | "schemas");
            let is_named =
                ITEMS.contains(&name.as_str()) || matches!(name.as_str(), "hits" | "Items" | "Resources");
            let is_objects = items.first().is_some_and(Value::is_object);
            let rank = u8::from(is_objects) * 4 + u8::from(is_named) * 3 + (3 - depth);
            if !is_links && best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, format!("{parent}{}", pointer_to(name))));
            }
        }
    };
    let root = body.as_object()?;
    visit("", root, 0);
    for (name, child) in root.iter().filter_map(|(name, value)| Some((name, value.as_object()?))) {
        let pointer = pointer_to(name);
        visit(&pointer, child, 1);
        for (name, grandchild) in child.iter().filter_map(|(name, value)| Some((name, value.as_object()?))) {
            visit(&format!("{pointer}{}", pointer_to(name)), grandchild, 2);
        }
    }
    best.map(|(_, pointer)| pointer)
}

/// Returns the values with these names, and their pointers.
pub(super) fn fields<'a>(body: &'a Value, names: &'a [&'a str]) -> impl Iterator<Item = (String, &'a Value)> {
    let parents = PARENTS.iter().filter_map(|parent| Some((*parent, body.pointer(parent)?)));
    parents.flat_map(move |(parent, value)| {
        names.iter().filter_map(move |name| Some((format!("{parent}/{name}"), value.get(name)?)))
    })
}

/// Returns the first number with one of these names. Some APIs send it as a string.
pub(super) fn numbered(body: &Value, names: &[&str]) -> Option<(String, u64)> {
    fields(body, names).find_map(|(pointer, value)| {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.map(|number| (pointer, number))
    })
}

/// Returns the pointer to the first boolean with one of these names.
pub(super) fn flag(body: &Value, names: &[&str]) -> Option<String> {
    fields(body, names).find(|(_, value)| value.is_boolean()).map(|(pointer, _)| pointer)
}
