use reqwest::header::HeaderMap;

use super::retry_after::texts;

/// The headers with the number of all items: of json-server and Rails, `WordPress`, `GitLab`, Kinto, and others.
const TOTALS: &[&str] = &[
    "x-total-count",
    "x-wp-total",
    "x-total",
    "total-count",
    "total-records",
    "total-results",
    "x-total-items",
    "x-total-records",
    "x-total-results",
    "x-pagination-total",
    "x-pagination-total-count",
    "pagination-total",
    "pagination-total-count",
    "pagination-count",
    "x-item-count",
    "total",
];

/// Returns the number of all items in the first of these headers that has one, or else in `Content-Range`
/// (`items 0-24/319`, `PostgREST`).
pub(super) fn total(headers: &HeaderMap) -> Option<u64> {
    // One pass over the headers costs less than a lookup of each name.
    let named = headers.keys().filter_map(|key| {
        let rank = TOTALS.iter().position(|name| key.as_str() == *name)?;
        let total = texts(headers, TOTALS[rank]).find_map(|text| text.parse().ok())?;
        Some((rank, total))
    });
    named.min().map(|(_, total)| total).or_else(|| {
        let (range, total) = texts(headers, "content-range").next()?.rsplit_once('/')?;
        // The unit of a partial body is not that of the items.
        if range.trim_start().to_ascii_lowercase().starts_with("bytes") {
            None
        } else {
            total.trim().parse().ok()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    #[test]
    fn the_total_is_found_in_any_of_its_headers() {
        for (name, value, want) in [
            ("x-total-count", "7", Some(7)),
            ("x-wp-total", " 7 ", Some(7)),
            ("x-total", "7", Some(7)),
            ("total-records", "275", Some(275)),
            ("x-pagination-total-count", "7", Some(7)),
            ("content-range", "items 0-24/319", Some(319)),
            ("content-range", "0-24/319", Some(319)),
            ("content-range", "items 0-24/*", None),
            ("content-range", "bytes 0-24/319", None),
            ("x-total-count", "many", None),
            ("x-total-count", "-1", None),
            ("x-other", "7", None),
        ] {
            let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(total(&HeaderMap::from_iter([header])), want, "{name}: {value}");
        }
    }

    #[test]
    fn the_first_header_of_the_list_counts_if_it_has_a_number() {
        for (values, want) in [
            ([("total", "3"), ("x-total-count", "7")], Some(7)),
            ([("x-total", "8"), ("x-wp-total", "7")], Some(7)),
            ([("x-total-count", "many"), ("total", "3")], Some(3)),
            ([("x-total-count", "many"), ("x-total-count", "3")], Some(3)),
            ([("content-range", "items 0-1/9"), ("total", "3")], Some(3)),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(total(&headers), want, "{values:?}");
        }
    }
}
