//! Paginators of users, on the middle layer.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use withal::pages::Page;

use super::server::{ReceivedRequest, Server, json, status};
use super::{all, endpoint};

#[tokio::test]
async fn several_parameters_are_sent_at_once() {
    let server = Server::start(|request: &ReceivedRequest| {
        json(&match request.query.get("apcontinue").map(String::as_str) {
            None => {
                json!({ "query": { "allpages": [1, 2] }, "continue": { "apcontinue": "B", "continue": "-||" } })
            }
            _ => json!({ "query": { "allpages": [3] } }),
        })
    })
    .await;
    let docs = endpoint(&format!("{}/w?list=x", server.url)).items_at("/query/allpages").by_response(
        |request, next: &BTreeMap<String, String>| {
            next.iter().fold(request, |request, (name, value)| request.query(name, value))
        },
        |response| Ok(response.page(response.at("/continue")?)?),
    );
    assert_eq!(all(docs).await, [1, 2, 3]);
    assert_eq!(server.targets(), ["/w?list=x", "/w?list=x&apcontinue=B&continue=-%7C%7C"]);
}

#[tokio::test]
async fn a_cursor_in_the_body_is_sent_as_it_came() {
    for sort in [
        r#"[1503435956.00024751, "a"]"#,
        "{\"k\": {\"N\": \"1\"}}",
        "1e3",
        "184467440737095516150",
        "\"\\u0061\"",
    ] {
        let server = Server::start(move |request: &ReceivedRequest| match request.earlier_requests {
            0 => status(
                200,
                &format!(r#"{{"hits": [{{"_id": 1, "sort": 0}}, {{"_id": 2, "sort": {sort}}}]}}"#),
            ),
            _ => json(&json!({ "hits": [] })),
        })
        .await;
        let docs = endpoint(&server.url).json(&json!({ "size": 2 })).unwrap().by_response(
            |request, last: &String| request.json_text_at("/search_after", last),
            |response| {
                let hits: Vec<Value> = response.items("/hits")?;
                let last = response.json_text_at("/hits/-1/sort")?.map(str::to_owned);
                Ok(Page::new(hits.iter().map(|hit| hit["_id"].as_u64().unwrap() as u32).collect(), last))
            },
        );
        assert_eq!(all(docs).await, [1, 2]);
        let requests = server.requests();
        assert_eq!(requests[0].body, r#"{"size":2}"#);
        assert_eq!(requests[1].body, format!(r#"{{"size":2,"search_after":{sort}}}"#));
        assert_eq!(requests[1].header("content-type"), Some("application/json"));
    }
}
