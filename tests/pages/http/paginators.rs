//! Each paginator, against a server that pages in its way.

use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use withal::pages::http::GraphQlQuery;

use super::server::{ReceivedRequest, Server, github, json, status, with_header};
use super::{all, chain, endpoint, until_error};

const TEN: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

fn slice(from: u32, size: u32) -> Vec<u32> {
    (from..10.min(from + size)).collect()
}

#[tokio::test]
async fn link_headers_are_followed_to_the_last_page() {
    let server = Server::start(github).await;
    assert_eq!(all(endpoint(&format!("{}/docs", server.url)).by_link()).await, TEN);
    assert_eq!(
        server.targets(),
        ["/docs", "/docs?per_page=3&page=2", "/docs?per_page=3&page=3", "/docs?per_page=3&page=4"]
    );
}

#[tokio::test]
async fn a_server_that_clamps_the_page_size_is_read_correctly() {
    let server = Server::start(github).await;
    let docs = endpoint(&format!("{}/docs?per_page=1000", server.url)).by_link().read_ahead(2);
    assert_eq!(all(docs).await, TEN);
    assert_eq!(server.targets().len(), 3);
}

#[tokio::test]
async fn relative_links_and_several_headers_are_parsed() {
    let server = Server::start(|request: &ReceivedRequest| {
        let page = request.number("page").unwrap_or(0);
        let response =
            with_header(json(&slice(page * 4, 4).into()), "link", "</style.css>; rel=preload, <x>; rel=prev");
        if page == 2 {
            response
        } else {
            with_header(response, "link", &format!("<?page={}>; rel=\"last next\"", page + 1))
        }
    })
    .await;
    assert_eq!(all(endpoint(&format!("{}/v1/docs", server.url)).by_link()).await, TEN);
    assert_eq!(server.targets(), ["/v1/docs", "/v1/docs?page=1", "/v1/docs?page=2"]);
}

#[tokio::test]
async fn the_next_url_is_found_in_the_json() {
    for end in [json!(null), json!(""), json!(false)] {
        let server = Server::start(move |request: &ReceivedRequest| {
            let page = request.number("page").unwrap_or(0);
            let next = match page {
                0 => json!("/docs?page=1"),
                1 => json!(format!("http://{}/docs?page=2", request.header("host").unwrap())),
                _ => end.clone(),
            };
            json(&json!({ "count": "10", "links": { "next": next }, "items": slice(page * 4, 4) }))
        })
        .await;
        let endpoint = endpoint(&format!("{}/docs", server.url)).items_at("/items").total_at("/count");
        let mut docs = endpoint.by_next_url::<u32>("/links/next");
        assert_eq!(docs.by_ref().try_collect::<Vec<_>>().await.unwrap(), TEN);
        assert_eq!(docs.progress().total, Some(10));
        assert_eq!(server.targets(), ["/docs", "/docs?page=1", "/docs?page=2"]);
    }
}

#[tokio::test]
async fn a_cursor_in_the_json_is_sent_in_the_query() {
    let server = Server::start(|request: &ReceivedRequest| {
        let from =
            request.query.get("after").map_or(0, |cursor| cursor.trim_start_matches("a&b=").parse().unwrap());
        let items = slice(from, 4);
        json(&match from {
            0 => json!({ "items": items, "next": "a&b=4" }),
            4 => json!({ "items": items, "next": 8 }),
            _ => json!({ "items": items }),
        })
    })
    .await;
    let docs =
        endpoint(&format!("{}/docs?q=x%20y", server.url)).items_at("/items").by_cursor("/next", "after");
    assert_eq!(all(docs).await, TEN);
    assert_eq!(server.targets(), ["/docs?q=x%20y", "/docs?q=x%20y&after=a%26b%3D4", "/docs?q=x%20y&after=8"]);
}

#[tokio::test]
async fn an_empty_array_or_object_in_place_of_a_cursor_is_the_end() {
    for empty in [json!([]), json!({})] {
        let server =
            Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [1], "next": empty }))).await;
        let endpoint = || endpoint(&server.url).items_at("/items");
        assert_eq!(all(endpoint().by_cursor("/next", "cursor")).await, [1]);
        assert_eq!(all(endpoint().by_body_cursor("/next", "/cursor")).await, [1]);
        assert_eq!(all(endpoint().by_parameters("/next")).await, [1]);
    }
}

#[tokio::test]
async fn a_cursor_that_is_too_long_is_an_error() {
    let long = "x".repeat(70_000);
    let server = Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [1], "next": long }))).await;
    let error = endpoint(&server.url).items_at("/items").by_cursor::<u32>("/next", "cursor").next().await;
    let error = chain(&error.unwrap().unwrap_err());
    assert!(
        error.contains("expected a cursor at \"/next\"") && error.ends_with("found more than 64 KiB"),
        "{error}"
    );
}

#[tokio::test]
async fn a_header_that_is_not_text_is_an_error_of_a_reader() {
    let server =
        Server::start(|_: &ReceivedRequest| with_header(json(&json!([1])), "x-next", "caf\u{e9}")).await;
    let mut docs = endpoint(&server.url).by_response(
        |request, cursor: &String| request.query("cursor", cursor),
        |response| {
            assert_eq!(response.header("x-absent")?, None);
            let next = response.header("x-next")?.map(str::to_owned);
            Ok(response.page::<u32, _>(next)?)
        },
    );
    let error = chain(&docs.next().await.unwrap().unwrap_err());
    assert!(error.contains("the header \"x-next\" contains bytes that are not text"), "{error}");
}

#[tokio::test]
async fn a_cursor_in_a_header_is_sent_in_the_query() {
    let server = Server::start(|request: &ReceivedRequest| {
        let from = request.number("after").unwrap_or(0);
        let response = with_header(json(&slice(from, 4).into()), "x-total-count", "10");
        if from == 8 {
            with_header(response, "x-next", "")
        } else {
            with_header(response, "x-next", &(from + 4).to_string())
        }
    })
    .await;
    let mut docs = endpoint(&server.url).by_cursor_header::<u32>("X-Next", "after");
    assert_eq!(docs.by_ref().try_collect::<Vec<_>>().await.unwrap(), TEN);
    assert_eq!(docs.progress().total, Some(10));
}

fn by_page(request: &ReceivedRequest) -> super::server::HttpResponse {
    json(&slice((request.number("page").unwrap() - 1) * 4, 4).into())
}

#[tokio::test]
async fn page_numbers_are_requested_sequentially_and_concurrently() {
    for concurrent in [1, 4] {
        let server = Server::start(by_page).await;
        let docs = endpoint(&format!("{}/docs?page=7&q=1", server.url)).by_page_number("page", 1);
        assert_eq!(all(docs.concurrency(concurrent)).await, TEN);
        assert_eq!(server.targets()[0], "/docs?q=1&page=1");
    }
}

#[tokio::test]
async fn has_more_saves_the_request_for_an_empty_page() {
    let server = Server::start(|request: &ReceivedRequest| {
        let page = request.number("page").unwrap();
        json(&json!({ "items": slice(page * 5, 5), "more": page == 0 }))
    })
    .await;
    let endpoint = endpoint(&server.url).items_at("/items").has_more_at("/more");
    assert_eq!(all(endpoint.by_page_number("page", 0)).await, TEN);
    assert_eq!(server.targets().len(), 2);
}

#[tokio::test]
async fn has_more_guards_against_a_misspelled_pointer() {
    let server = Server::start(|_: &ReceivedRequest| {
        json(&json!({ "items": [0, 1], "more": true, "next": "token-2" }))
    })
    .await;
    let endpoint = endpoint(&server.url).items_at("/items").has_more_at("/more");
    let (before, error) = until_error(&mut endpoint.by_cursor("/nxet", "cursor")).await;
    assert_eq!(before, [0, 1]);
    assert_eq!(error.to_string(), "page 1: more pages reported, but no next cursor");
}

#[tokio::test]
async fn the_offset_advances_by_the_items_received() {
    for concurrent in [1, 3] {
        // The server returns 3 items, whatever the limit.
        let server = Server::start(|request: &ReceivedRequest| {
            json(&slice(request.number("offset").unwrap(), 3).into())
        })
        .await;
        let docs = endpoint(&server.url).by_offset("offset", "limit", 100);
        assert_eq!(all(docs.concurrency(concurrent)).await, TEN);
        assert_eq!(server.targets()[0], "/?limit=100&offset=0");
    }
}

fn graphql(request: &ReceivedRequest) -> super::server::HttpResponse {
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["query"], "query Docs");
    assert_eq!(body["variables"]["owner"], "me");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let from = body["variables"]["after"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
    let info = json!({ "hasNextPage": from < 8, "endCursor": (from + 4).to_string() });
    let docs = slice(from, 4);
    let connection = match from {
        // A page of edges among pages of nodes, to cover both in one test.
        4 => {
            json!({ "edges": docs.iter().map(|doc| json!({ "node": doc })).collect::<Vec<_>>(), "pageInfo": info })
        }
        _ => json!({ "nodes": docs, "pageInfo": info, "totalCount": 10 }),
    };
    json(&json!({ "data": { "docs": connection } }))
}

#[tokio::test]
async fn a_relay_connection_is_followed() {
    let server = Server::start(graphql).await;
    let query = GraphQlQuery::new("query Docs", "/data/docs").variable("owner", "me");
    let mut docs = endpoint(&server.url).by_relay_connection::<u32>(query);
    assert_eq!(docs.by_ref().try_collect::<Vec<_>>().await.unwrap(), TEN);
    assert_eq!(docs.progress().total, Some(10));
    assert_eq!(server.targets().len(), 3);
}

#[tokio::test]
async fn partial_data_of_graphql_is_accepted_by_setting() {
    let server = Server::start(|_: &ReceivedRequest| {
        json(&json!({
            "data": { "docs": { "nodes": [1, null], "pageInfo": { "hasNextPage": false } } },
            "errors": [{ "message": "no such doc" }],
        }))
    })
    .await;
    let query = GraphQlQuery::new("query Docs", "/data/docs").partial_data();
    let docs = endpoint(&server.url).by_relay_connection::<Option<u32>>(query);
    assert_eq!(docs.try_collect::<Vec<_>>().await.unwrap(), [Some(1), None]);

    let server = Server::start(|_: &ReceivedRequest| {
        json(&json!({ "data": null, "errors": [{ "message": "busy", "extensions": { "code": 429 } }] }))
    })
    .await;
    let query = GraphQlQuery::new("query Docs", "/data/docs").partial_data();
    let mut docs = endpoint(&server.url).by_relay_connection::<u32>(query).no_retry();
    let error = chain(&docs.next().await.unwrap().unwrap_err());
    assert!(error.ends_with("failed: 429: busy"), "{error}");
}

#[tokio::test]
async fn graphql_errors_fail_even_with_partial_data() {
    for (body, want) in [
        (
            json!({ "errors": [{ "message": "no such field" }] }),
            "GraphQL query to URL/ failed: no such field",
        ),
        (
            json!({ "data": { "docs": { "nodes": [1], "pageInfo": { "hasNextPage": false } } }, "errors": ["odd"] }),
            "GraphQL query to URL/ failed: \"odd\"",
        ),
        (
            json!({ "data": { "docs": { "nodes": [1] } } }),
            "expected true or false at \"/data/docs/pageInfo/hasNextPage\" in the response from URL/, found nothing",
        ),
    ] {
        let server = Server::start(move |_: &ReceivedRequest| json(&body)).await;
        let mut docs =
            endpoint(&server.url).by_relay_connection::<u32>(GraphQlQuery::new("query Docs", "/data/docs"));
        let error = chain(&docs.next().await.unwrap().unwrap_err());
        assert!(error.contains(&want.replace("URL", &server.url)), "{error}");
    }
}

#[tokio::test]
async fn null_and_no_content_are_empty_pages() {
    let server = Server::start(|request: &ReceivedRequest| match request.number("page").unwrap() {
        0 => json(&json!({ "items": [1, 2] })),
        1 => json(&json!({ "items": null })),
        _ => panic!("the stream has ended"),
    })
    .await;
    assert_eq!(all(endpoint(&server.url).items_at("/items").by_page_number("page", 0)).await, [1, 2]);

    let server = Server::start(|_: &ReceivedRequest| status(204, "")).await;
    assert_eq!(all(endpoint(&server.url).items_at("/items").by_link()).await, [0; 0]);
}
