//! Conditional requests: repeated crawls skip what has not changed, and nothing else.

use std::sync::{Arc, Mutex};

use serde_json::json;
use withal::pages::http::{Endpoint, Error, Validators};
use withal::pages::{AsyncGetDocs, Checkpoint, Cursor, Event, OnEmpty};

use super::server::{HttpResponse, ReceivedRequest, Server, json, status, with_header};
use super::{chain, endpoint, until_error};

/// The pages of a list, which a test changes between two crawls.
type List = Arc<Mutex<Vec<Vec<u32>>>>;

/// Responds with an `ETag` of the items, or with status 304.
fn respond(request: &ReceivedRequest, items: &[u32], response: HttpResponse) -> HttpResponse {
    let etag = format!("W/\"{items:?}\"");
    let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
    let response = if request.header("if-none-match") == Some(&etag) { status(304, "") } else { response };
    let response = match link {
        Some(link) if response.status() == 304 => with_header(response, "link", &link),
        _ => response,
    };
    with_header(response, "etag", &etag)
}

/// Links in the header, if `p` is the number of the page.
async fn by_header(list: &List) -> Server {
    let list = Arc::clone(list);
    Server::start(move |request: &ReceivedRequest| {
        let list = list.lock().unwrap();
        let page = request.number("p").unwrap_or(0) as usize;
        let items = list.get(page).cloned().unwrap_or_default();
        let response = json(&json!(items));
        let response = if page + 1 < list.len() {
            with_header(response, "link", &format!("</docs?per_page=2&p={}>; rel=next", page + 1))
        } else {
            response
        };
        respond(request, &items, response)
    })
    .await
}

/// Everything that a crawl yields, with the status of each response.
async fn crawl<C: Cursor>(docs: AsyncGetDocs<u32, C, Error>) -> (Vec<u32>, bool) {
    let mut docs = docs.no_retry().expect_total().on_event(|event| {
        assert!(!matches!(event, Event::EndedShort { .. }), "{event:?}");
    });
    let mut items = Vec::new();
    while let Some(item) = docs.try_next().await.unwrap_or_else(|error| panic!("{}", chain(&error))) {
        items.push(item);
    }
    assert!(docs.checkpoint().is_done());
    (items, docs.is_not_modified())
}

fn saved(validators: &Validators) -> Validators {
    validators.commit();
    serde_json::from_str(&serde_json::to_string(validators).unwrap()).unwrap()
}

#[tokio::test]
async fn a_second_crawl_yields_the_items_of_changed_pages_only() {
    let list: List = Arc::new(Mutex::new(vec![vec![1, 2], vec![3, 4], vec![5]]));
    let server = by_header(&list).await;
    let docs = |validators: &Validators| {
        endpoint(&format!("{}/docs?per_page=2", server.url)).skip_unmodified(validators).by_link()
    };
    let validators = Validators::new();
    assert_eq!(crawl(docs(&validators)).await, (vec![1, 2, 3, 4, 5], false));
    let validators = saved(&validators);
    assert_eq!(crawl(docs(&validators)).await, (vec![], true));
    let validators = saved(&validators);
    // In the middle, at the end, and a page more.
    list.lock().unwrap()[1][0] = 7;
    assert_eq!(crawl(docs(&validators)).await, (vec![7, 4], false));
    let validators = saved(&validators);
    list.lock().unwrap()[2].push(6);
    assert_eq!(crawl(docs(&validators)).await, (vec![5, 6], false));
    let validators = saved(&validators);
    list.lock().unwrap().push(vec![8]);
    assert_eq!(crawl(docs(&validators)).await, (vec![8], false));
    // Each crawl requests each page once.
    assert_eq!(server.targets().len(), 3 * 4 + 4);
}

#[tokio::test]
async fn an_unchanged_last_page_without_a_link_is_requested_again_if_it_may_be_full() {
    for (query, targets) in [("", 2), ("?per_page=3", 1), ("?per_page=2", 2), ("?page%5Bsize%5D=9", 1)] {
        let list: List = Arc::new(Mutex::new(vec![vec![1, 2]]));
        let shared = Arc::clone(&list);
        // Neither does the `ETag` depend on the link, nor does status 304 contain it.
        let server = Server::start(move |request: &ReceivedRequest| {
            let list = shared.lock().unwrap();
            let page = request.number("p").unwrap_or(0) as usize;
            let response = respond(request, &list[page], json(&json!(list[page])));
            if page + 1 < list.len() && response.status() == 200 {
                with_header(response, "link", "</?p=1>; rel=next")
            } else {
                response
            }
        })
        .await;
        let validators = Validators::new();
        let docs = || endpoint(&format!("{}/{query}", server.url)).skip_unmodified(&validators).by_link();
        assert_eq!(crawl(docs()).await.0, [1, 2]);
        validators.commit();
        let before = server.targets().len();
        let again = crawl(docs()).await.0;
        assert_eq!(server.targets().len() - before, targets, "{query}");
        assert_eq!(again.len(), if targets == 1 { 0 } else { 2 });
        validators.commit();
        if targets == 2 {
            list.lock().unwrap().push(vec![3]);
            assert_eq!(crawl(docs()).await.0, [1, 2, 3], "{query}");
        }
    }
}

#[tokio::test]
async fn cursors_and_numbers_continue_after_an_unchanged_page() {
    let list: List = Arc::new(Mutex::new(vec![vec![1, 2], vec![3, 4], vec![5, 6]]));
    let shared = Arc::clone(&list);
    let server = Server::start(move |request: &ReceivedRequest| {
        let list = shared.lock().unwrap();
        let number = request.number("p").or(request.number("offset").map(|offset| offset / 2)).unwrap_or(0);
        let items = list.get(number as usize).cloned().unwrap_or_default();
        let mut body = json!({ "items": items, "total": 6 });
        if (number as usize) + 1 < list.len() {
            body["next"] = (number + 1).to_string().into();
        }
        respond(request, &items, json(&body))
    })
    .await;
    let endpoint = |validators: &Validators| {
        endpoint(&server.url).items_at("/items").total_at("/total").skip_unmodified(validators)
    };
    macro_rules! check {
        ($docs:expr) => {{
            *list.lock().unwrap() = vec![vec![1, 2], vec![3, 4], vec![5, 6]];
            let validators = Validators::new();
            let docs = $docs;
            assert_eq!(crawl(docs(endpoint(&validators))).await.0, [1, 2, 3, 4, 5, 6]);
            let validators = saved(&validators);
            assert_eq!(crawl(docs(endpoint(&validators))).await, (vec![], true), "{}", stringify!($docs));
            let validators = saved(&validators);
            list.lock().unwrap()[2][0] = 9;
            assert_eq!(crawl(docs(endpoint(&validators))).await.0, [9, 6], "{}", stringify!($docs));
        }};
    }
    check!(|endpoint: Endpoint| endpoint.by_cursor("/next", "p"));
    check!(|endpoint: Endpoint| endpoint.by_page_number("p", 0));
    check!(|endpoint: Endpoint| endpoint.by_page_number("p", 0).on_empty(OnEmpty::End));
    check!(|endpoint: Endpoint| endpoint.by_page_number("p", 0).max_empty_pages(1));
    check!(|endpoint: Endpoint| endpoint.by_page_number("p", 0).concurrency(3));
    check!(|endpoint: Endpoint| endpoint.by_page_number("p", 0).read_ahead(2));
    check!(|endpoint: Endpoint| endpoint.by_offset("offset", "limit", 2));
    check!(|endpoint: Endpoint| endpoint.by_offset("offset", "limit", 2).concurrency(3));
    check!(|endpoint: Endpoint| endpoint.by_offset_steps("offset", "limit", 2));
    check!(|endpoint: Endpoint| {
        endpoint.by_numbered_response(
            0,
            |request, n| request.query("p", n),
            |response| Ok(response.page(None)?),
        )
    });
    // A page may have another one after it by now, so that the last is requested again.
    let validators = Validators::new();
    let docs = || {
        endpoint(&validators).by_response(
            |request, next: &String| request.query("p", next),
            |response| Ok(response.page(response.cursor_at("/next")?)?),
        )
    };
    assert_eq!(crawl(docs()).await.0, [1, 2, 3, 4, 9, 6]);
    validators.commit();
    assert_eq!(crawl(docs()).await.0, [9, 6]);
}

#[tokio::test]
async fn only_committed_validators_are_used_and_saved() {
    let list: List = Arc::new(Mutex::new(vec![vec![1, 2], vec![3]]));
    let server = by_header(&list).await;
    let url = format!("{}/docs?per_page=2", server.url);
    let validators = Validators::new();
    let docs = || endpoint(&url).skip_unmodified(&validators).by_link();
    // The second page was fetched ahead, and the consumer has not seen it.
    let mut first = docs().read_ahead(1);
    assert_eq!(first.try_next().await.unwrap(), Some(1));
    drop(first);
    assert!(!serde_json::to_string(&validators).unwrap().contains("docs"));
    assert_eq!(crawl(docs()).await.0, [1, 2, 3]);
    validators.commit();
    assert_eq!(crawl(docs()).await, (vec![], true));
    // A commit without a crawl forgets them all.
    validators.commit();
    validators.commit();
    assert_eq!(crawl(docs()).await.0, [1, 2, 3]);
    for text in ["{}", "null", r#"{"format":"withal/pages/1","pages":{}}"#] {
        assert!(serde_json::from_str::<Validators>(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_crawl_resumes_within_a_page_that_has_not_changed() {
    let list: List = Arc::new(Mutex::new(vec![vec![1, 2], vec![3]]));
    let server = by_header(&list).await;
    let validators = Validators::new();
    let docs =
        || endpoint(&format!("{}/docs?per_page=2", server.url)).skip_unmodified(&validators).by_link::<u32>();
    assert_eq!(crawl(docs()).await.0, [1, 2, 3]);
    validators.commit();
    let resumed = docs().resume(Checkpoint::new(Some("/docs?per_page=2".to_owned()), 1));
    assert_eq!(crawl(resumed).await, (vec![], true));
}

#[tokio::test]
async fn an_unexpected_304_is_an_error_and_secrets_are_not_saved() {
    let server = Server::start(|_: &ReceivedRequest| status(304, "")).await;
    let docs = endpoint(&server.url).skip_unmodified(&Validators::new());
    let (_, error) = until_error(&mut docs.by_link::<u32>()).await;
    assert!(chain(&error).contains("304"), "{}", chain(&error));

    let server = Server::start(|request: &ReceivedRequest| {
        assert!(request.target.contains("SECRET"));
        let modified = "Tue, 14 Nov 2023 22:14:10 GMT";
        if request.header("if-modified-since") == Some(modified) {
            return status(304, "");
        }
        with_header(json(&json!([1])), "last-modified", modified)
    })
    .await;
    let validators = Validators::new();
    let url = format!("{}/?api_key=SECRET&limit=5", server.url);
    let docs = || endpoint(&url).skip_unmodified(&validators).by_link();
    assert_eq!(crawl(docs()).await.0, [1]);
    validators.commit();
    let text = serde_json::to_string(&validators).unwrap();
    assert!(text.contains("limit=5") && !text.contains("SECRET"), "{text}");
    assert!(!format!("{validators:?}").contains("http"));
    assert_eq!(crawl(docs()).await, (vec![], true));
}
