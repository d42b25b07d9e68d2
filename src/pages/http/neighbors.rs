//! The pages before and after a numbered page, as far as its response reports them under well-known names.

use serde_json::Value;
use serde_json::value::RawValue;

use super::error::Error;
use super::json_array;
use super::next_url::{next_of, target_of};
use super::response::Response;
use super::usual_names::{MORE_FLAGS, NEXT_URLS};

/// The objects that describe a page, beside the top of the body.
const PARENTS: &[&str] = &[
    "_links",
    "_meta",
    "additional_data",
    "info",
    "links",
    "meta",
    "metadata",
    "page",
    "pageInfo",
    "page_context",
    "page_info",
    "pager",
    "paging",
    "pagination",
    "response_metadata",
    "result",
    "resultInfo",
    "result_info",
];
/// Flags that are `true` on each page but the first.
const PREVIOUS_FLAGS: &[&str] = &[
    "hasPrev",
    "hasPrevPage",
    "hasPrevious",
    "hasPreviousPage",
    "has_prev",
    "has_prev_page",
    "has_previous",
    "has_previous_page",
];
/// Flags that are `true` on the first page.
const FIRST_FLAGS: &[&str] = &["first", "first_page", "isFirst", "isFirstPage", "is_first", "is_first_page"];
/// Numbers that report a next page if they are larger than the number of this page.
const NEXT_NUMBERS: &[&str] = &["nextOffset", "nextPageStart", "nextStart", "next_offset", "next_start"];
/// The number of all pages.
const LAST_NUMBERS: &[&str] = &[
    "lastPage",
    "last_page",
    "nbPages",
    "numPages",
    "num_pages",
    "pages",
    "totalPage",
    "totalPageCount",
    "totalPages",
    "total_page",
    "total_page_count",
    "total_pages",
];
/// The number of all pages, or that of the items of a page.
const AMBIGUOUS_LAST_NUMBERS: &[&str] = &["pageCount", "pageTotal", "page_count", "page_total"];
/// Headers with the number of all pages.
const LAST_HEADERS: &[&str] =
    &["x-page-count", "x-pagination-page-count", "x-total-pages", "x-wp-totalpages"];
/// Cursors of other paginators, which a last page lacks.
const NEXT_CURSORS: &[&str] =
    &["nextCursor", "nextPageToken", "nextToken", "next_cursor", "next_page_token", "next_token"];
/// The largest number of items of a page.
const SIZES: &[&str] =
    &["limit", "maxResults", "max_results", "pageSize", "page_size", "perPage", "per_page"];
/// The length of the longest value that is read, in bytes. A longer one does not describe a page.
const MAX_LEN: usize = 4 << 10;

/// The JSON pointers to the members that describe a page.
pub(super) struct Neighbors {
    pointers: Vec<String>,
}

/// The description of a page.
#[derive(Debug, Default)]
pub(super) struct Description {
    members: Vec<(String, Value)>,
    has_next_link: bool,
    /// The number of the next page, and the number of all pages.
    next_in_header: Option<u64>,
    count_in_header: Option<u64>,
}

impl Neighbors {
    pub(super) fn new() -> Self {
        let names =
            [PARENTS, MORE_FLAGS, NEXT_URLS, PREVIOUS_FLAGS, FIRST_FLAGS, NEXT_NUMBERS, LAST_NUMBERS, SIZES];
        let others = [AMBIGUOUS_LAST_NUMBERS, NEXT_CURSORS, &["number"]];
        let names = names.into_iter().chain(others).flatten();
        Self { pointers: names.map(|name| format!("/{name}")).collect() }
    }

    pub(super) fn describe(&self, response: &Response) -> Result<Description, Error> {
        // A malformed header is an error of the paginators that follow links.
        let has_next_link = response.next_link().is_ok_and(|next| next.is_some());
        let number = |name: &&str| response.headers().get(*name)?.to_str().ok()?.trim().parse().ok();
        let mut description = Description {
            members: Vec::new(),
            has_next_link,
            next_in_header: number(&"x-next-page"),
            count_in_header: LAST_HEADERS.iter().find_map(number),
        };
        for (pointer, value) in self.pointers.iter().zip(response.find_all(&self.pointers)?) {
            if let Some(value) = value.filter(|value| value.get().len() <= MAX_LEN) {
                description.insert(&pointer[1..], value);
            }
        }
        Ok(description)
    }
}

impl Description {
    fn insert(&mut self, name: &str, value: &RawValue) {
        let Ok(value) = json_array::value::<Value>(value) else { return };
        self.insert_value(name, value, PARENTS.contains(&name));
    }

    fn insert_value(&mut self, name: &str, value: Value, is_parent: bool) {
        match value {
            Value::Object(members) if is_parent => {
                for (name, value) in members {
                    // `{"meta": {"pagination": {..}}}`, and `{"links": {"pages": {..}}}`
                    let is_parent = matches!(name.as_str(), "pagination" | "pages");
                    self.insert_value(&name, value, is_parent);
                }
            }
            Value::Array(links) if is_parent => {
                self.has_next_link |= next_of(&links).and_then(target_of).is_some();
            }
            value => self.members.push((name.to_owned(), value)),
        }
    }

    fn values<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Value> {
        self.members.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value)
    }

    /// Returns `true` if there is a page after the one with this number.
    pub(super) fn has_next(&self, number: u64) -> bool {
        // `{"next": 3}`, or `{"next": {"page": 3, "limit": 10}}`
        let is_later =
            |value: &Value| number_of(value.get("page").unwrap_or(value)).is_some_and(|next| next > number);
        self.has_next_link
            || self.next_in_header.is_some_and(|next| next > number)
            || self
                .values(NEXT_CURSORS)
                .any(|value| value.as_str().is_some_and(|cursor| !cursor.trim().is_empty()))
            || self.values(MORE_FLAGS).any(is_true)
            || self.values(NEXT_NUMBERS).any(is_later)
            || self.values(NEXT_URLS).any(|value| is_url(value) || is_later(value))
    }

    /// Returns `true` if the page has a place for the URL or the number of the next page, and it is blank.
    pub(super) fn has_no_next(&self) -> bool {
        self.values(NEXT_URLS).any(|value| {
            matches!(value.get("href").unwrap_or(value), Value::Null | Value::Bool(false))
                || value.as_str() == Some("")
        })
    }

    /// Returns `true` if there is a page before this one.
    pub(super) fn has_previous(&self) -> bool {
        self.values(PREVIOUS_FLAGS).any(is_true)
            || self.values(FIRST_FLAGS).any(|value| matches!(value, Value::Bool(false)))
    }

    /// Returns the number of pages.
    pub(super) fn page_count(&self) -> Option<u64> {
        self.values(LAST_NUMBERS).filter_map(number_of).max().max(self.count_in_header)
    }

    /// Returns a number that may be that of the pages, or that of the items of this page.
    pub(super) fn ambiguous_page_count(&self) -> Option<u64> {
        self.values(AMBIGUOUS_LAST_NUMBERS).filter_map(number_of).max()
    }

    /// Returns the largest number of items of a page.
    pub(super) fn page_size(&self) -> Option<u64> {
        self.values(SIZES).find_map(number_of)
    }

    /// Returns `true` if the page reports its number as Spring does, from 0, and therefore is beyond the last page.
    pub(super) fn is_past_zero_based(&self, number: u64) -> bool {
        let has_number = self.values(&["number"]).any(|value| number_of(value) == Some(number));
        has_number && self.values(&["totalPages"]).any(|value| number_of(value) == Some(number))
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn is_url(value: &Value) -> bool {
    let is_url = |text: &str| text.starts_with(['/', '?']) || text.contains("://");
    value.get("href").unwrap_or(value).as_str().is_some_and(is_url)
}

fn number_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
