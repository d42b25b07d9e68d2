//! The same paginated list in four forms: an iterator, the library's type, a generator, and `try_stream!`.
//!
//! ```sh
//! cargo run --example get_docs_forms
//! ```
//!
//! All forms print the same items. The plain iterator blocks its thread while a page is fetched. The second form is the
//! library's `AsyncGetDocs`; retries, read-ahead and checkpoints take one more line each. The last two forms are
//! loops written by hand. Of these, `try_stream!` can only yield, and is cheaper.

use std::convert::Infallible;

use futures::{Stream, TryStreamExt};
use withal::generator::try_generator;
use withal::pages::AsyncGetDocs;
use withal::try_stream;

/// Returns one of three pages, or an empty page after them.
fn page(number: u64) -> Vec<String> {
    if number < 3 { (0..2).map(|n| format!("doc {number}.{n}")).collect() } else { vec![] }
}

async fn fetch_page(number: u64) -> Result<Vec<String>, Infallible> {
    tokio::task::yield_now().await; // stands for a request
    Ok(page(number))
}

fn iterator() -> impl Iterator<Item = String> {
    (0..).map(page).take_while(|docs| !docs.is_empty()).flatten()
}

fn class() -> impl Stream<Item = Result<String, withal::pages::Error<Infallible>>> {
    AsyncGetDocs::new(fetch_page).read_ahead(1)
}

fn generator() -> impl Stream<Item = Result<String, Infallible>> {
    try_generator(async |mut y| {
        for number in 0.. {
            let docs = fetch_page(number).await?;
            if docs.is_empty() {
                break;
            }
            for doc in docs {
                y.yield_(doc).await?;
            }
        }
        Ok(())
    })
}

fn one_way() -> impl Stream<Item = Result<String, Infallible>> {
    try_stream! {
        for number in 0.. {
            let docs = fetch_page(number).await?;
            if docs.is_empty() {
                break;
            }
            for doc in docs {
                yield doc;
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("iterator:  {}", iterator().collect::<Vec<_>>().join(", "));
    println!("class:     {}", class().try_collect::<Vec<_>>().await?.join(", "));
    println!("generator: {}", generator().try_collect::<Vec<_>>().await?.join(", "));
    println!("one-way:   {}", one_way().try_collect::<Vec<_>>().await?.join(", "));
    Ok(())
}
