//! Links: their syntax, their base, their origin, and the query of the endpoint.

use serde_json::json;

use super::server::{Server, js, raw};
use super::walk::walk;
use super::{Outcome, edited};
use crate::http::endpoint;

/// Single quotes in a `Link` header: rel='next'. The items are complete, or there is an error.
#[tokio::test]
async fn single_quotes() -> Outcome {
    let server = Server::start(|req| {
        if req.n == 0 {
            js(json!([1])).with("link", "</2>; rel='next', </9>; rel='last'")
        } else {
            js(json!([2]))
        }
    })
    .await;
    walk(endpoint(&server.url).by_link::<u32>()).await.is_or_loud(&[1, 2])
}

/// A link with rel="next" on each page, and results="false" on the last: Sentry.
#[tokio::test]
async fn sentry() -> Outcome {
    let server = Server::start(|req| {
        let n = req.n;
        let items = if n < 2 { json!([n]) } else { json!([]) };
        js(items).with(
            "link",
            format!(
                "</?cursor=0:{n}:1>; rel=\"previous\"; results=\"true\"; cursor=\"0:{n}:1\", \
             </?cursor=0:{m}:0>; rel=\"next\"; results=\"{more}\"; cursor=\"0:{m}:0\"",
                m = n + 1,
                more = n < 1
            ),
        )
    })
    .await;
    walk(endpoint(&server.url).by_link::<u32>()).await.is(&[0, 1])
}

/// Links without the query of the endpoint, which is added to each request.
#[tokio::test]
async fn query_everywhere() -> Outcome {
    let server = Server::start(|req| match (req.q("apiKey"), req.n) {
        (None, _) => raw(401, "no key"),
        (_, 0) => js(json!({ "results": [1], "next_url": "/v3?cursor=abc" })),
        _ => js(json!({ "results": [2] })),
    })
    .await;
    walk(
        endpoint(&format!("{}/v3?apiKey=K", server.url)).items_at("/results").by_next_url::<u32>("/next_url"),
    )
    .await
    .is(&[1, 2])
}

/// A link that is relative to `_links.base`: Confluence.
#[tokio::test]
async fn confluence() -> Outcome {
    let server = Server::start(|req| match req.target.as_str() {
        "/wiki/rest/api/content" => js(json!({ "results": [1], "_links": { "base": format!("http://{}/wiki", req.header("host").unwrap()), "context": "/wiki", "next": "/rest/api/content?start=1" } })),
        "/wiki/rest/api/content?start=1" => js(json!({ "results": [2], "_links": {} })),
        _ => raw(404, ""),
    })
    .await;
    walk(
        endpoint(&format!("{}/wiki/rest/api/content", server.url))
            .items_at("/results")
            .by_next_url::<u32>("/_links/next"),
    )
    .await
    .is(&[1, 2])
}

/// A link that is relative to the root of the service: `OData`.
#[tokio::test]
async fn service_root() -> Outcome {
    let server = Server::start(|req| match req.target.as_str() {
        "/svc/Orders(1)/Items" => js(json!({ "@odata.context": "../$metadata#Orders(1)/Items", "value": [1], "@odata.nextLink": "Orders(1)/Items?$skiptoken=a" })),
        "/svc/Orders(1)/Items?$skiptoken=a" => js(json!({ "value": [2] })),
        _ => raw(404, ""),
    })
    .await;
    walk(
        endpoint(&format!("{}/svc/Orders(1)/Items", server.url))
            .items_at("/value")
            .by_next_url::<u32>("/@odata.nextLink"),
    )
    .await
    .is(&[1, 2])
}

/// Links to an internal host, which are refused, and rewritten by a function of the user.
#[tokio::test]
async fn internal_host() -> Outcome {
    let start = || {
        Server::start(|req| {
            if req.n == 0 {
                js(json!([1])).with("link", "<http://internal.invalid:8080/docs?page=2>; rel=\"next\"")
            } else {
                js(json!([2]))
            }
        })
    };
    let server = start().await;
    walk(endpoint(&format!("{}/docs", server.url)).by_link::<u32>())
        .await
        .fails(&[1], "on another origin")?;
    let server = start().await;
    let home = reqwest::Url::parse(&server.url).unwrap();
    let endpoint =
        endpoint(&format!("{}/docs", server.url)).allow_origin("http://internal.invalid:8080").unwrap();
    let endpoint = endpoint.map_request(move |request| {
        edited(request, |request| {
            request.url_mut().set_host(home.host_str()).unwrap();
            request.url_mut().set_port(home.port()).unwrap();
        })
    });
    walk(endpoint.by_link::<u32>()).await.is(&[1, 2])
}

/// A link with the relation next in an array: FHIR.
#[tokio::test]
async fn fhir() -> Outcome {
    let server = Server::start(|req| js(match req.q("p").as_deref() {
        None => json!({ "entry": [1], "link": [{ "relation": "self", "url": "/" }, { "relation": "next", "url": "/?p=2" }] }),
        Some("2") => json!({ "entry": [2], "link": [{ "relation": "self", "url": "/?p=2" }, { "relation": "previous", "url": "/" }, { "relation": "next", "url": "/?p=3" }] }),
        _ => json!({ "entry": [3], "link": [{ "relation": "self", "url": "/?p=3" }, { "relation": "previous", "url": "/?p=2" }] }),
    })).await;
    walk(endpoint(&server.url).items_at("/entry").by_next_url::<u32>("/link/1/url")).await.is(&[1, 2, 3])
}

/// An access token in a link, which is in no error.
#[tokio::test]
async fn token_in_link() -> Outcome {
    let server = Server::start(|req| {
        if req.n == 0 {
            js(json!({ "data": [1], "paging": { "next": "/v1/x?access_token=SECRET&after=a" } }))
        } else {
            raw(500, "")
        }
    })
    .await;
    let got =
        walk(endpoint(&format!("{}/v1/x", server.url)).items_at("/data").by_next_url::<u32>("/paging/next"))
            .await;
    if got.error.as_ref().is_some_and(|error| error.contains("SECRET")) {
        Err(got.shown(&[1]))
    } else {
        Ok(())
    }
}

/// An object in place of the link, and `null` on the last page: JSON:API.
#[tokio::test]
async fn jsonapi() -> Outcome {
    let server = Server::start(|req| js(json!({ "data": [req.n], "links": { "next": if req.n == 0 { json!({ "href": "/d?page[number]=2" }) } else { json!(null) } } }))).await;
    walk(endpoint(&server.url).items_at("/data").by_next_url::<usize>("/links/next/href")).await.is(&[0, 1])
}

/// A relative link: Docker registries.
#[tokio::test]
async fn docker() -> Outcome {
    let server = Server::start(|req| {
        if req.n == 0 {
            js(json!({ "repositories": [1] })).with("link", "</v2/_catalog?last=a&n=1>; rel=\"next\"")
        } else {
            js(json!({ "repositories": null }))
        }
    })
    .await;
    walk(endpoint(&format!("{}/v2/_catalog?n=1", server.url)).items_at("/repositories").by_link::<u32>())
        .await
        .is(&[1])
}
