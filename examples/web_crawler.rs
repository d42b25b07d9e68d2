//! The web crawler of PEP 3148: a pool of threads fetches pages, and each page is printed as soon as it is complete.
//!
//! ```sh
//! cargo run --example web_crawler
//! ```
//!
//! A local server stands in for all hosts. One host never responds, and the program prints its timeout instead of a
//! page.

#[path = "web_crawler/hosts.rs"]
mod hosts;

use std::time::Duration;

use futures::StreamExt;
use withal::context::async_with;
use withal::tasks::{Error, ExecutorError, ThreadPoolExecutor, as_completed};

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
    crawl(Hosts::start()?).await.map_err(Into::into)
}

async fn crawl(hosts: Hosts) -> Result<(), ExecutorError> {
    async_with!(executor = ThreadPoolExecutor::new(5)? => {
        let load = |url| {
            let hosts = hosts.clone();
            executor.submit(move || hosts.load_url(url, Duration::from_millis(300)))
        };
        let mut pages = as_completed(URLS.into_iter().map(load).collect::<Result<Vec<_>, _>>()?);
        while let Some((index, page)) = pages.next().await {
            let url = URLS[index];
            match page {
                Ok(page) => println!("'{url}' page is {} bytes", page.len()),
                Err(Error::Raised(error)) => println!("'{url}' generated an exception: {error}"),
                Err(error) => println!("'{url}' was not fetched: {error}"),
            }
        }
    });
    Ok(())
}
