use withal::pages::by_cursor;

// Keyset pagination: the cursor is a number, but each page must contain the next one.
async fn fetch(_after_id: Option<u64>) -> Result<Vec<u64>, std::io::Error> {
    Ok(vec![])
}

fn main() {
    let _ = by_cursor(fetch);
}
