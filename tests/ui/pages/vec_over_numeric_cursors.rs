use withal::pages::by_cursor;

// Keyset pagination by id: a number, and yet a cursor that each page has to name.
async fn fetch(_after_id: Option<u64>) -> Result<Vec<u64>, std::io::Error> {
    Ok(vec![])
}

fn main() {
    let _ = by_cursor(fetch);
}
