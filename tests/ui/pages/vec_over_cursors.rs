use withal::pages::by_cursor;

// A page that names no next one would end the walk after the first page.
async fn fetch(_cursor: Option<String>) -> Result<Vec<u64>, std::io::Error> {
    Ok(vec![])
}

fn main() {
    let _ = by_cursor(fetch);
}
