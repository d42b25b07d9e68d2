//! Proposals for known APIs: each one reads all pages of an API that responds as its documentation shows.

use serde_json::{Value, json};

use super::server::{ReceivedRequest, Server, json, status};
use super::{chain, endpoint};

/// An API of three pages, each with one item.
struct Api {
    name: &'static str,
    /// The body of the endpoint's requests.
    body: Option<Value>,
    /// The query parameter that takes the cursor, or the JSON pointer in the body. `#` is that of a number.
    parameter: &'static str,
    proposal: &'static str,
    /// The page with an item and the next cursor.
    page: fn(Value, Option<Value>) -> Value,
}

fn api(
    name: &'static str,
    body: Option<Value>,
    parameter: &'static str,
    proposal: &'static str,
    page: fn(Value, Option<Value>) -> Value,
) -> Api {
    Api { name, body, parameter, proposal, page }
}

/// Adds a member unless it is absent.
fn with(mut page: Value, pointer: &str, value: Option<Value>) -> Value {
    if let Some(value) = value {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        page.pointer_mut(parent).unwrap()[name] = value;
    }
    page
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn known_apis() -> Vec<Api> {
    vec![
        api(
            "HubSpot",
            None,
            "after",
            r#".items_at("/results").by_cursor::<T>("/paging/next/after", "after")"#,
            |item, next| match next {
                Some(next) => json!({
                    "results": [item],
                    "paging": { "next": { "after": next, "link": "https://api.hubapi.com/x?after=1" } },
                }),
                None => json!({ "results": [item] }),
            },
        ),
        api(
            "HubSpot search",
            Some(json!({ "filterGroups": [], "limit": 1 })),
            "/after",
            r#".items_at("/results").total_at("/total").by_body_cursor::<T>("/paging/next/after", "/after")"#,
            |item, next| match next {
                Some(next) => {
                    json!({ "total": 3, "results": [item], "paging": { "next": { "after": next } } })
                }
                None => json!({ "total": 3, "results": [item] }),
            },
        ),
        api(
            "Airtable",
            None,
            "offset",
            r#".items_at("/records").by_cursor::<T>("/offset", "offset")"#,
            |item, next| with(json!({ "records": [item] }), "/offset", next),
        ),
        api(
            "Asana",
            None,
            "offset",
            r#".items_at("/data").by_cursor::<T>("/next_page/offset", "offset")"#,
            |item, next| {
                let next = next.map(|next| {
                    json!({ "offset": next, "path": "/tasks?offset=a", "uri": "https://app.asana.com/api/1.0/tasks" })
                });
                json!({ "data": [item], "next_page": next })
            },
        ),
        api(
            "Intercom",
            None,
            "starting_after",
            r#".items_at("/data").total_at("/total_count").by_cursor::<T>("/pages/next/starting_after", "starting_after")"#,
            |item, next| {
                let pages = json!({ "type": "pages", "page": 1, "per_page": 1, "total_pages": 3 });
                let next = next.map(|next| json!({ "page": 2, "starting_after": next }));
                json!({ "type": "list", "data": [item], "total_count": 3, "pages": with(pages, "/next", next) })
            },
        ),
        api(
            "Intercom search",
            Some(json!({ "query": {}, "pagination": { "per_page": 1 } })),
            "/pagination/starting_after",
            r#".items_at("/data").by_body_cursor::<T>("/pages/next/starting_after", "/pagination/starting_after")"#,
            |item, next| {
                let next = next.map(|next| json!({ "page": 2, "starting_after": next }));
                json!({ "type": "list", "data": [item], "pages": { "page": 1, "total_pages": 3, "next": next } })
            },
        ),
        api(
            "Pipedrive",
            None,
            "start#",
            r#".items_at("/data").has_more_at("/additional_data/pagination/more_items_in_collection").by_cursor::<T>("/additional_data/pagination/next_start", "start")"#,
            |item, next| {
                let pagination =
                    json!({ "start": 0, "limit": 1, "more_items_in_collection": next.is_some() });
                let pagination = with(pagination, "/next_start", next);
                json!({ "success": true, "data": [item], "additional_data": { "pagination": pagination } })
            },
        ),
        api(
            "Pipedrive 2",
            None,
            "cursor",
            r#".items_at("/data").by_cursor::<T>("/additional_data/next_cursor", "cursor")"#,
            |item, next| json!({ "success": true, "data": [item], "additional_data": { "next_cursor": next } }),
        ),
        api(
            "Zoom",
            None,
            "next_page_token",
            r#".items_at("/users").by_cursor::<T>("/next_page_token", "next_page_token")"#,
            |item, next| {
                let next = next.unwrap_or(json!(""));
                json!({ "page_count": 3, "page_size": 1, "total_records": 3, "next_page_token": next, "users": [item] })
            },
        ),
        api(
            "Jira",
            None,
            "nextPageToken",
            r#".items_at("/issues").is_last_at("/isLast").by_cursor::<T>("/nextPageToken", "nextPageToken")"#,
            |item, next| with(json!({ "isLast": next.is_none(), "issues": [item] }), "/nextPageToken", next),
        ),
        api(
            "Jira search",
            Some(json!({ "jql": "project = A" })),
            "/nextPageToken",
            r#".items_at("/issues").is_last_at("/isLast").by_body_cursor::<T>("/nextPageToken", "/nextPageToken")"#,
            |item, next| with(json!({ "isLast": next.is_none(), "issues": [item] }), "/nextPageToken", next),
        ),
        api(
            "Notion query",
            Some(json!({ "page_size": 1 })),
            "/start_cursor",
            r#".items_at("/results").has_more_at("/has_more").by_body_cursor::<T>("/next_cursor", "/start_cursor")"#,
            |item, next| json!({ "object": "list", "results": [item], "has_more": next.is_some(), "next_cursor": next, "type": "page" }),
        ),
        api(
            "Notion users",
            None,
            "start_cursor",
            r#".items_at("/results").has_more_at("/has_more").by_cursor::<T>("/next_cursor", "start_cursor")"#,
            |item, next| json!({ "object": "list", "results": [item], "has_more": next.is_some(), "next_cursor": next, "type": "user" }),
        ),
        api(
            "MCP",
            Some(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })),
            "/params/cursor",
            r#".items_at("/result/tools").by_body_cursor::<T>("/result/nextCursor", "/params/cursor")"#,
            |item, next| {
                let result = with(json!({ "tools": [item] }), "/nextCursor", next);
                json!({ "jsonrpc": "2.0", "id": 1, "result": result })
            },
        ),
        api(
            "Relay",
            Some(json!({ "query": "query($after: String) { .. }" })),
            "/variables/after",
            r#".items_at("/data/users/nodes").has_more_at("/data/users/pageInfo/hasNextPage").by_body_cursor::<T>("/data/users/pageInfo/endCursor", "/variables/after")"#,
            |item, next| {
                let info =
                    json!({ "hasNextPage": next.is_some(), "endCursor": next.unwrap_or(json!("end")) });
                json!({ "data": { "users": { "nodes": [item], "pageInfo": info } } })
            },
        ),
        api(
            "GitHub GraphQL",
            Some(json!({ "query": "query($after: String) { .. }", "variables": { "login": "a" } })),
            "/variables/after",
            r#".items_at("/data/organization/repositories/edges").has_more_at("/data/organization/repositories/pageInfo/hasNextPage").by_body_cursor::<T>("/data/organization/repositories/pageInfo/endCursor", "/variables/after")"#,
            |item, next| {
                let info = json!({ "endCursor": next, "hasNextPage": next.is_some() });
                let repositories = json!({ "totalCount": 3, "edges": [item], "pageInfo": info });
                json!({ "data": { "organization": { "name": "a", "repositories": repositories } } })
            },
        ),
        api(
            "X",
            None,
            "pagination_token",
            r#".items_at("/data").by_cursor::<T>("/meta/next_token", "pagination_token")"#,
            |item, next| {
                with(json!({ "data": [item], "meta": { "result_count": 1 } }), "/meta/next_token", next)
            },
        ),
        api(
            "Vercel",
            None,
            "until#",
            r#".items_at("/deployments").by_cursor::<T>("/pagination/next", "until")"#,
            |item, next| json!({ "deployments": [item], "pagination": { "count": 1, "next": next, "prev": 9 } }),
        ),
        api(
            "Gong",
            Some(json!({ "filter": {} })),
            "/cursor",
            r#".items_at("/calls").by_body_cursor::<T>("/records/cursor", "/cursor")"#,
            |item, next| {
                let records = json!({ "totalRecords": 3, "currentPageSize": 1 });
                json!({ "requestId": "4al", "records": with(records, "/cursor", next), "calls": [item] })
            },
        ),
        api(
            "Plaid",
            Some(json!({ "access_token": "a" })),
            "/cursor",
            r#".items_at("/added").has_more_at("/has_more").by_body_cursor::<T>("/next_cursor", "/cursor")"#,
            |item, next| json!({ "added": [item], "has_more": next.is_some(), "next_cursor": next.unwrap_or(json!("end")) }),
        ),
        api(
            "AWS",
            Some(json!({ "MaxResults": 1 })),
            "/NextToken",
            r#".items_at("/Parameters").by_body_cursor::<T>("/NextToken", "/NextToken")"#,
            |item, next| with(json!({ "Parameters": [item] }), "/NextToken", next),
        ),
        api(
            "Slack",
            None,
            "cursor",
            r#".items_at("/members").by_cursor::<T>("/response_metadata/next_cursor", "cursor")"#,
            |item, next| json!({ "ok": true, "members": [item], "response_metadata": { "next_cursor": next.unwrap_or(json!("")) } }),
        ),
        api(
            "Cloudflare",
            None,
            "cursor",
            r#".items_at("/result").by_cursor::<T>("/result_info/cursor", "cursor")"#,
            |item, next| json!({ "success": true, "errors": [], "result": [item], "result_info": { "count": 1, "cursor": next.unwrap_or(json!("")) } }),
        ),
        api(
            "Reddit",
            None,
            "after",
            r#".items_at("/data/children").by_cursor::<T>("/data/after", "after")"#,
            |item, next| json!({ "kind": "Listing", "data": { "after": next, "before": null, "children": [item] } }),
        ),
    ]
}

#[tokio::test]
async fn a_proposal_for_a_known_api_reads_all_of_its_pages() {
    for Api { name, body, parameter, proposal: want, page } in known_apis() {
        let is_number = parameter.ends_with('#');
        let parameter = parameter.trim_end_matches('#');
        let wants_post = body.is_some();
        let server = Server::start(move |request: &ReceivedRequest| {
            let cursor = if parameter.starts_with('/') {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                body.pointer(parameter).cloned()
            } else {
                request.query.get(parameter).map(|text| json!(text))
            };
            if (request.method == "POST") != wants_post {
                return status(405, "");
            }
            let number = cursor.map_or(0, |cursor| {
                let text = cursor.as_str().map_or_else(|| cursor.to_string(), str::to_owned);
                text.trim_start_matches("c=").parse::<u32>().unwrap()
            });
            let next = (number < 2)
                .then(|| if is_number { json!(number + 1) } else { json!(format!("c={}", number + 1)) });
            json(&page(json!({ "id": number }), next))
        })
        .await;
        let mut endpoint = endpoint(&format!("{}/v1/docs", server.url));
        if let Some(body) = body {
            endpoint = endpoint.json(&body).unwrap();
        }
        let proposal = endpoint.detect().await.unwrap_or_else(|error| panic!("{name}: {}", chain(&error)));
        assert_eq!(proposal.to_string(), want, "{name}");
        let (mut items, mut ids) = (proposal.stream::<Value>(endpoint), Vec::new());
        while let Some(item) =
            items.try_next().await.unwrap_or_else(|error| panic!("{name}: {}", chain(&error)))
        {
            ids.push(item["id"].clone());
        }
        assert_eq!(ids, [0, 1, 2], "{name}");
        assert_eq!(server.requests().len(), 4, "{name}: one request for the proposal, three for the pages");
    }
}
