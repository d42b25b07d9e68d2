use withal::pages::by_cursor;

// Pages without a cursor: the stream would end after the first page.
async fn fetch(_cursor: Option<String>) -> Result<Vec<u64>, std::io::Error> {
    Ok(vec![])
}

fn main() {
    let _ = by_cursor(fetch);
}
