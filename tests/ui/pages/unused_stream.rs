#![deny(unused_must_use)]
use withal::pages::by_cursor;

async fn fetch(_cursor: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> {
    Ok((vec![], None))
}

#[tokio::main]
async fn main() {
    let mut docs = by_cursor(fetch);
    docs.next();
    by_cursor(fetch);
}
