//! Links to the next page: their syntax, their base, and the query that is added to them.

use serde_json::{Value, json};
use withal::pages::http::Error;

use super::server::{ReceivedRequest, Server, json, status, with_header};
use super::{all, chain, endpoint, until_error};

#[tokio::test]
async fn a_header_that_cannot_be_understood_is_not_the_end() {
    for link in [
        "</2>; rel='next', </9>; rel='last'",
        "</2>; rel='next'",
        "</2>; rel=\u{201c}next\u{201d}",
        "</2>; rel=\"next",
        "</2; rel=\"next\"",
        "</2>, rel=\"next\"",
        "</2>; rel:next",
        "</2>; rel=&quot;next&quot;",
        "/2; rel=\"next\"",
        "{\"next\": \"/2\"}",
        "null",
        "</2>",
    ] {
        let server = Server::start(move |_: &ReceivedRequest| {
            let mut response = json(&json!([1]));
            response
                .headers_mut()
                .append("link", axum::http::HeaderValue::from_bytes(link.as_bytes()).unwrap());
            response
        })
        .await;
        let (before, error) = until_error(&mut endpoint(&server.url).by_link()).await;
        assert!(
            before.is_empty() && chain(&error).contains("invalid Link header"),
            "{link}: {}",
            chain(&error)
        );
        assert_eq!(server.targets().len(), 1);
    }
}

#[tokio::test]
async fn another_header_with_the_link_is_followed() {
    for (first, second) in [
        ("nonsense", "</2>; rel=next"),
        ("</2>; rel=next", "nonsense"),
        ("</9>; rel='last'", "</2>; rel=next"),
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.target.as_str() {
            "/2" => json(&json!([2])),
            _ => with_header(with_header(json(&json!([1])), "link", first), "link", second),
        })
        .await;
        assert_eq!(all(endpoint(&server.url).by_link()).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_link_without_results_is_the_end() {
    for (results, want) in [("false", &[0][..]), ("FALSE", &[0]), ("true", &[0, 1]), ("0", &[0, 1])] {
        let server = Server::start(move |request: &ReceivedRequest| match request.number("cursor") {
            Some(_) => json(&json!([1])),
            None => with_header(
                json(&json!([0])),
                "link",
                &format!("</?cursor=1>; rel=\"next\"; results=\"{results}\"; cursor=\"0:1:0\""),
            ),
        })
        .await;
        assert_eq!(all(endpoint(&server.url).by_link()).await, want, "{results}");
    }
}

#[tokio::test]
async fn text_that_is_not_a_url_is_not_requested() {
    for next in [
        "true",
        "null",
        "None",
        "undefined",
        "nil",
        "n/a",
        "2",
        "eyJpZCI6MTB9",
        "dXNlcjpVMDYx==",
        "page=2",
        "#",
        "[object Object]",
        "api.example/docs?page=2",
        "localhost:8080/docs",
        "/docs{?page}",
        "javascript:void(0)",
        "<a href=\"/docs\">",
        "http://[/",
        "127.0.0.1",
    ] {
        let server = Server::start(move |_: &ReceivedRequest| {
            json(&json!({ "items": [1], "next": next, "links": [{ "rel": "next", "href": next }] }))
        })
        .await;
        let endpoint = endpoint(&server.url).items_at("/items");
        for mut docs in [endpoint.clone().by_next_url("/next"), endpoint.clone().by_link_array("/links")] {
            let (before, error) = until_error(&mut docs).await;
            assert_eq!(before, [1], "{next}");
            assert!(chain(&error).contains("invalid URL"), "{next}: {}", chain(&error));
            assert!(matches!(error.into_fetch_error().unwrap(), Error::InvalidUrl { .. }));
        }
        assert_eq!(server.targets().len(), 2, "{next}");
    }
    for next in [json!(true), json!(2), json!(["/a", "/b"]), json!({ "url": "/a" })] {
        let server =
            Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [1], "next": next }))).await;
        let error = until_error(&mut endpoint(&server.url).items_at("/items").by_next_url("/next")).await.1;
        assert!(chain(&error).contains("expected a cursor at \"/next\""), "{}", chain(&error));
        assert_eq!(server.targets().len(), 1);
    }
}

#[tokio::test]
async fn a_link_may_be_an_object_with_a_target() {
    for next in [json!("?p=1"), json!({ "href": "?p=1" }), json!([{ "href": "?p=1" }]), json!(" ?p=1 ")] {
        for end in [json!(null), json!(""), json!(" "), json!(false), json!([]), json!({ "href": null })] {
            let next = next.clone();
            let server = Server::start(move |request: &ReceivedRequest| match request.number("p") {
                None => json(&json!({ "items": [0], "next": next })),
                _ => json(&json!({ "items": [1], "next": end })),
            })
            .await;
            assert_eq!(all(endpoint(&server.url).items_at("/items").by_next_url("/next")).await, [0, 1]);
        }
    }
}

/// Requests two pages. Returns the target of the second request.
async fn second_target(path: &str, pointer: &str, page: Value, as_sent: bool) -> String {
    let server = Server::start(move |request: &ReceivedRequest| {
        let host = format!("http://{}", request.header("host").unwrap());
        let page = page.to_string().replace("HOST", &host);
        status(200, &page)
    })
    .await;
    let mut endpoint = endpoint(&format!("{}{path}", server.url)).items_at("/items");
    if as_sent {
        endpoint = endpoint.links_as_sent();
    }
    assert_eq!(all(endpoint.by_next_url(pointer).max_pages(2)).await, [0; 0]);
    server.targets().last().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_link_is_relative_to_the_base_of_its_format() {
    let confluence =
        |base: &str, next: &str| json!({ "items": [], "_links": { "base": base, "next": next } });
    let odata = |context: &str, next: &str| json!({ "items": [], "@odata.context": context, "@odata.nextLink": next });
    for (path, pointer, page, want) in [
        (
            "/wiki/rest/api/content",
            "/_links/next",
            confluence("HOST/wiki", "/rest/api/content?start=1"),
            "/wiki/rest/api/content?start=1",
        ),
        (
            "/wiki/api/v2/pages",
            "/_links/next",
            confluence("HOST/wiki", "/wiki/api/v2/pages?cursor=1"),
            "/wiki/api/v2/pages?cursor=1",
        ),
        ("/c/rest/x", "/_links/next", confluence("HOST/c/", "/rest/x?start=1"), "/c/rest/x?start=1"),
        ("/rest/x", "/_links/next", confluence("HOST", "/rest/x?start=1"), "/rest/x?start=1"),
        ("/wiki/x", "/_links/next", confluence("HOST/wiki", "HOST/wiki/x?start=1"), "/wiki/x?start=1"),
        ("/wiki/x", "/_links/next", confluence("HOST/wiki", "/wikipedia?start=1"), "/wiki/wikipedia?start=1"),
        ("/wiki/x", "/_links/next", confluence("HOST/wiki", "?start=1"), "/wiki?start=1"),
        // OData.
        (
            "/svc/Orders(1)/Items",
            "/@odata.nextLink",
            odata("../$metadata#Orders(1)/Items", "Orders(1)/Items?$skiptoken=a"),
            "/svc/Orders(1)/Items?$skiptoken=a",
        ),
        (
            "/svc/Orders",
            "/@odata.nextLink",
            odata("HOST/svc/$metadata#Orders", "Orders?$skiptoken=a"),
            "/svc/Orders?$skiptoken=a",
        ),
        (
            "/svc/Orders",
            "/@odata.nextLink",
            odata("$metadata#Orders", "Orders?$skiptoken=a"),
            "/svc/Orders?$skiptoken=a",
        ),
        (
            "/svc/Orders",
            "/@odata.nextLink",
            odata("HOST/svc/$metadata", "HOST/svc/Orders?$skiptoken=a"),
            "/svc/Orders?$skiptoken=a",
        ),
        (
            "/svc/Orders",
            "/@odata.nextLink",
            json!({ "items": [], "@odata.nextLink": "/svc/Orders?$skip=1" }),
            "/svc/Orders?$skip=1",
        ),
    ] {
        assert_eq!(second_target(path, pointer, page.clone(), false).await, want, "{page}");
    }
}

#[tokio::test]
async fn the_query_of_the_endpoint_is_added_to_links() {
    let page = |next: &str| json!({ "items": [], "next": next });
    for (path, next, as_sent, want) in [
        ("/v3?apiKey=K", "/v3?cursor=a", false, "/v3?cursor=a&apiKey=K"),
        ("/v3?per_page=2&tag=a&tag=b%20c", "?page=2", false, "/v3?page=2&per_page=2&tag=a&tag=b%20c"),
        ("/v3?page=1&q=x", "/v3?page=2", false, "/v3?page=2&q=x"),
        ("/v3?q=x", "/v3", false, "/v3?q=x"),
        ("/v3?q=x", "HOST/v3?q=y&page=2", false, "/v3?q=y&page=2"),
        // Another path has other parameters. A key is sent there, too.
        ("/v3/docs?q=x&api_key=K", "/v3/scroll?id=1", false, "/v3/scroll?id=1&api_key=K"),
        // OData forbids additions of its own parameters.
        ("/v3?$filter=x&key=K", "/v3?$skiptoken=a", false, "/v3?$skiptoken=a&key=K"),
        ("/v3?apiKey=K&q=x", "/v3?cursor=a", true, "/v3?cursor=a"),
        // Shopify rejects any other parameter beside its token.
        ("/v3?status=any&limit=2", "/v3?page_info=a", false, "/v3?page_info=a"),
        ("/v3?status=any&api_key=K", "/v3?page_info=a&limit=2", false, "/v3?page_info=a&limit=2&api_key=K"),
        // Laravel numbers the elements of a list.
        (
            "/v3?f[]=a&f[]=b&q=x",
            "/v3?f%5B0%5D=a&f%5B1%5D=b&page=2",
            false,
            "/v3?f%5B0%5D=a&f%5B1%5D=b&page=2&q=x",
        ),
        ("/v3?f%5B%5D=a", "/v3?f[0]=a&page=2", false, "/v3?f[0]=a&page=2"),
        ("/v3?f[a]=1&f[b]=2", "/v3?f[a]=1&page=2", false, "/v3?f[a]=1&page=2&f[b]=2"),
    ] {
        assert_eq!(second_target(path, "/next", page(next), as_sent).await, want, "{path} {next}");
    }
}

#[tokio::test]
async fn a_link_is_requested_as_sent_if_the_server_rejects_additions() {
    for (code, name) in
        [(400, "cursor"), (422, "after"), (400, "page[after]"), (400, "t"), (422, "next_token")]
    {
        let server = Server::start(move |request: &ReceivedRequest| {
            match (request.query.get(name), request.query.contains_key("q")) {
                (None, _) => json(&json!({ "items": [1], "next": format!("/v3?{name}=a") })),
                (Some(_), true) => status(code, "q cannot be passed here"),
                (Some(_), false) if request.query.get("api_key").is_some_and(|key| key == "K") => {
                    json(&json!({ "items": [2] }))
                }
                _ => status(401, "no key"),
            }
        })
        .await;
        let url = format!("{}/v3?q=x&api_key=K", server.url);
        assert_eq!(all(endpoint(&url).items_at("/items").by_next_url("/next")).await, [1, 2]);
        assert_eq!(server.targets().len(), 3, "{:?}", server.targets());
    }
    // The second rejection is the error, and a link that lacks nothing is requested once.
    for (query, requests) in [("?q=x", 3), ("", 2)] {
        let server = Server::start(|request: &ReceivedRequest| match request.query.get("page") {
            None => json(&json!({ "items": [1], "next": "/v3?page=b" })),
            Some(_) => status(400, "invalid page"),
        })
        .await;
        let url = format!("{}/v3{query}", server.url);
        let (before, error) = until_error(&mut endpoint(&url).items_at("/items").by_next_url("/next")).await;
        assert_eq!(before, [1]);
        assert!(chain(&error).contains("/v3?page=b returned 400"), "{}", chain(&error));
        assert_eq!(server.targets().len(), requests);
    }
}

#[tokio::test]
async fn the_query_of_the_endpoint_is_not_sent_to_other_origins() {
    let other = Server::start(|_: &ReceivedRequest| json(&json!({ "items": [2] }))).await;
    let link = format!("{}/v3?cursor=a", other.url);
    let server = Server::start(move |_: &ReceivedRequest| json(&json!({ "items": [1], "next": link }))).await;
    let endpoint = endpoint(&format!("{}/v3?apiKey=K&q=x", server.url)).items_at("/items").allow_any_origin();
    assert_eq!(all(endpoint.by_next_url("/next")).await, [1, 2]);
    assert_eq!(other.targets(), ["/v3?cursor=a"]);
}

#[tokio::test]
async fn the_checkpoint_has_no_parameter_that_was_added() {
    let server = Server::start(|request: &ReceivedRequest| match request.query.get("cursor") {
        None => json(&json!({ "items": [1], "next": "/v3?cursor=a" })),
        Some(_) => status(500, ""),
    })
    .await;
    let endpoint = endpoint(&format!("{}/v3?apiKey=K", server.url)).items_at("/items");
    let mut docs = endpoint.by_next_url::<u32>("/next").no_retry();
    assert_eq!(until_error(&mut docs).await.0, [1]);
    assert_eq!(docs.checkpoint().cursor().unwrap(), "/v3?cursor=a");
}
