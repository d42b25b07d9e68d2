//! The lines of `withal::pages::http::from_dlt`, compiled.

use serde_json::json;
use withal::pages::http::{Endpoint, Error, GraphQlQuery, Response, TokenSource, detect};
use withal::pages::{Checkpoint, OnBlankCursor, OnEmpty, OnRepeat};

const PAGE: &str = include_str!("../../../src/pages/http/from_dlt.md");
const PROGRAM: &str = include_str!("from_dlt.rs");

type T = serde_json::Value;

#[allow(
    dead_code,
    unused_variables,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the lines are only compiled"
)]
fn paginators(
    e: &Endpoint,
    token: String,
    response: &Response,
    checkpoint: Checkpoint<String>,
) -> Result<(), Error> {
    {
        let e = e.clone();
        let _line = e.by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.by_response(
            |r, url: &String| r.url(url),
            |r: &Response| {
                let link = r.links().find("older")?.map(|l| r.link(l.target()));
                Ok(r.page::<T, _>(link)?)
            },
        );
    }
    {
        let e = e.clone();
        let _line = e.by_next_url::<T>("/paging/next");
    }
    {
        let e = e.clone();
        let _line = e.by_cursor::<T>("/meta/next", "after");
    }
    {
        let e = e.clone();
        let _line = e.by_body_cursor::<T>("/next", "/start");
    }
    {
        let e = e.clone();
        let _line = e.by_cursor_header::<T>("x-next", "after");
    }
    {
        let e = e.clone();
        let _line = e.by_offset::<T>("offset", "limit", 100);
    }
    {
        let e = e.clone();
        let _line = e.total_at("/total").by_offset_steps::<T>("offset", "limit", 100);
    }
    {
        let e = e.clone();
        let _line = e.by_offset::<T>("/from", "/size", 100);
    }
    {
        let e = e.clone();
        let _line = e.by_page_number::<T>("page", 1);
    }
    {
        let e = e.clone();
        let _line = e.total_pages_at("/pages").by_page_number::<T>("page", 0);
    }
    {
        let e = e.clone();
        let _line = e.by_page_number::<T>("/page", 0);
    }
    {
        let e = e.clone();
        let _line = e.by_link::<T>().max_pages(1);
    }
    {
        let e = e.clone();
        let _line = e.by_response(
            |r, c: &u64| r.query("since", c),
            |r: &Response| Ok(r.page::<T, _>(r.at("/until")?)?),
        );
    }
    {
        let e = e.clone();
        let _line = detect(response.headers(), response.bytes());
    }
    Ok(())
}

#[allow(
    dead_code,
    unused_variables,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the lines are only compiled"
)]
fn settings(
    e: &Endpoint,
    token: String,
    source: TokenSource,
    response: &Response,
    checkpoint: Checkpoint<String>,
) -> Result<(), Error> {
    {
        let e = e.clone();
        let _line = e.items_at("/data/items").by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.has_more_at("/has_more").by_offset::<T>("offset", "limit", 100);
    }
    {
        let e = e.clone();
        let _line = e.by_page_number::<T>("page", 0).on_empty(OnEmpty::Continue);
    }
    {
        let e = e.clone();
        let _line = e.by_page_number::<T>("page", 0).max_pages(5);
    }
    {
        let e = e.clone();
        let _line = e.by_offset::<T>("offset", "limit", 100).max_items(1000);
    }
    {
        let e = e.clone();
        let _line = e.header("x-key", "k")?.by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.bearer(&token)?.by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.basic("me", &token).by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.api_key_header("x-key", &token)?.by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.api_key_query("key", &token).by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.token_source(source).by_link::<T>();
    }
    {
        let e = e.clone();
        let _line = e.json(&json!({ "size": 100 }))?.by_link::<T>();
    }
    Ok(())
}

#[allow(
    dead_code,
    unused_variables,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the lines are only compiled"
)]
fn additions(
    e: &Endpoint,
    token: String,
    response: &Response,
    checkpoint: Checkpoint<String>,
) -> Result<(), Error> {
    {
        let e = e.clone();
        let _line = e.items_at("/data").by_last_item::<T>("/id", "starting_after");
    }
    {
        let e = e.clone();
        let _line = e.items_at("/hits/hits").by_last_item_in_body::<T>("/sort", "/search_after");
    }
    {
        let e = e.clone();
        let _line = e.items_at("/query/allpages").by_parameters::<T>("/continue");
    }
    {
        let e = e.clone();
        let _line = e.items_at("/entry").by_link_array::<T>("/link");
    }
    {
        let e = e.clone();
        let _line = e.by_odata::<T>();
    }
    {
        let e = e.clone();
        let _line = e.by_hal::<T>("users");
    }
    {
        let e = e.clone();
        let _line = e.by_json_api::<T>();
    }
    {
        let e = e.clone();
        let _line = e.by_kubernetes::<T>();
    }
    {
        let e = e.clone();
        let _line = e.by_scim::<T>(100);
    }
    {
        let e = e.clone();
        let _line = e.by_next_url_header::<T>("next-page");
    }
    {
        let e = e.clone();
        let _line = e.by_relay_connection::<T>(GraphQlQuery::new("query ..", "/data/users"));
    }
    {
        let e = e.clone();
        let _line = e.is_last_at("/isLastPage").by_cursor::<T>("/nextPageStart", "start");
    }
    {
        let e = e.clone();
        let _line = e.end_cursors(["0", "-1"]).by_cursor::<T>("/next", "cursor");
    }
    {
        let e = e.clone();
        let _line = e.by_body_cursor::<T>("/next", "/cursor").on_blank_cursor(OnBlankCursor::Continue);
    }
    {
        let e = e.clone();
        let _line = e.by_offset_from::<T>("start", "rows", 100, 1);
    }
    {
        let e = e.clone();
        let _line = e.total_pages_from_link().by_page_number::<T>("page", 1).concurrency(4);
    }
    {
        let e = e.clone();
        let _line = e.by_link::<T>().read_ahead(2);
    }
    {
        let e = e.clone();
        let _line = e.by_link::<T>().resume(checkpoint);
    }
    {
        let e = e.clone();
        let _line = e.by_page_number::<T>("page", 1).on_repeat(OnRepeat::End);
    }
    Ok(())
}

/// A text without what rustfmt may add or remove.
fn plain(code: &str) -> String {
    code.replace("\\|", "|")
        .split_whitespace()
        .collect::<String>()
        .replace(",)", ")")
        .replace(",}", "}")
        .replace(";}", "}")
}

#[test]
fn every_line_is_compiled() {
    let program = plain(PROGRAM);
    let mut lines = 0;
    for row in PAGE.lines().filter(|line| line.starts_with("| ")) {
        for code in row.split("[`").skip(1) {
            let line = code.split("`](").next().unwrap();
            assert!(program.contains(&plain(line)), "not compiled: {line}");
            lines += 1;
        }
    }
    assert!(lines >= 35, "{lines}");
}
