use withal::pages::http::Client;

use super::Doc;

pub(super) async fn sum(url: &str) -> u64 {
    let client = Client::new(reqwest::Client::builder()).expect("a client");
    let endpoint = client.endpoint(url).expect("a valid URL").items_at("/items");
    let mut docs = endpoint.by_cursor::<Doc>("/next", "cursor");
    let mut sum = 0;
    while let Some(doc) = docs.try_next().await.expect("the server does not fail") {
        sum += doc.value();
    }
    sum
}
