use withal::pages::by_cursor;

async fn fetch(cursor: Option<String>) -> Result<(Vec<u64>, Option<String>), std::io::Error> {
    Ok((vec![], cursor))
}

fn main() {
    let docs = by_cursor(fetch).read_ahead(1);
    let _ = docs.concurrency(4);
}
