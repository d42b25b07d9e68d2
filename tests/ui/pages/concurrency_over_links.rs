use withal::pages::by_link;

async fn fetch(url: String) -> Result<(Vec<u64>, Option<String>), std::io::Error> {
    Ok((vec![], Some(url)))
}

fn main() {
    let _ = by_link("/docs", fetch).concurrency(4);
}
