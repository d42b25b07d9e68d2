//! The web crawler of PEP 3148: a pool of threads fetches pages, and each is told as it is there.
//!
//! ```sh
//! cargo run --example web_crawler
//! ```
//!
//! The pages are those of a server on the loopback, which answers for every host but one: that one keeps silent, and its
//! error comes out where its page would.

#[path = "web_crawler/hosts.rs"]
mod hosts;

use std::io;
use std::time::Duration;

use futures::StreamExt;
use withal::tasks::{ThreadPoolExecutor, as_completed};

use self::hosts::Hosts;

const URLS: [&str; 5] = [
    "http://news.example/",
    "http://weather.example/",
    "http://made-up-domain.example/",
    "http://europe.example/",
    "http://sports.example/",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hosts = Hosts::start()?;
    let executor = ThreadPoolExecutor::new(5)?;
    let load = |url| {
        let hosts = hosts.clone();
        executor.submit(move || hosts.load_url(url, Duration::from_millis(300)))
    };
    let pages = URLS.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let mut completed = as_completed(pages);
    while let Some((place, page)) = completed.next().await {
        let url = URLS[place];
        match page.map_err(|error| error.raised().unwrap_or_else(|| io::Error::other("cancelled"))) {
            Ok(page) => println!("'{url}' page is {} bytes", page.len()),
            Err(error) => println!("'{url}' generated an exception: {error}"),
        }
    }
    executor.shutdown().await;
    Ok(())
}
