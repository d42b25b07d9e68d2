use reqwest::Client;
use serde::Deserialize;

use super::Doc;

#[derive(Deserialize)]
struct Page {
    items: Vec<Doc>,
    next: Option<String>,
}

pub(super) async fn sum(url: &str) -> u64 {
    let client = Client::new();
    let (mut sum, mut next) = (0, None);
    loop {
        let mut request = client.get(url).header("accept", "application/json");
        if let Some(cursor) = &next {
            request = request.query(&[("cursor", cursor)]);
        }
        let response = request.send().await.expect("the server responds");
        let response = response.error_for_status().expect("the server does not fail");
        let body = response.bytes().await.expect("the body is complete");
        let page: Page = serde_json::from_slice(&body).expect("the page is valid");
        sum += page.items.iter().map(Doc::value).sum::<u64>();
        match page.next {
            Some(cursor) => next = Some(cursor),
            None => return sum,
        }
    }
}
