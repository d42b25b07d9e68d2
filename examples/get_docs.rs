//! Reads every item of a paginated API and prints one per line.
//!
//! ```sh
//! cargo run --example get_docs                          # 2,250 items from a built-in server
//! cargo run --example get_docs -- --resume state.json   # stop it with Ctrl-C or kill it; the next run continues
//! cargo run --example get_docs -- --url "https://api.github.com/repos/tokio-rs/tokio/issues?per_page=100"
//! ```
//!
//! The last line on stdout is `N items in M pages, R retries, T ms`. The built-in server responds to the first request
//! for page 4 with 503 and `Retry-After: 1`, so that one retry occurs.
//!
//! With `--resume FILE`, every item is printed at least once over all runs, however they end, and exactly once if they
//! end by Ctrl-C. After the last item, the file records that the list is complete, and another run prints nothing.
//! Delete the file to start again.

mod server;
mod support;

use std::error::Error;
use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::signal::ctrl_c;
use tokio::time::sleep;
use withal::backon::ExponentialBuilder;
use withal::pages::http;

use self::support::{Args, Output, Saved};

async fn get_docs(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("{}?per_page={}", server::start().await?, args.per_page),
    };
    let client =
        reqwest::Client::builder().user_agent("withal-get-docs").read_timeout(Duration::from_secs(30));
    let endpoint = http::Client::new(client)?.endpoint(&url)?.items_at(&args.items);
    let mut saved = Saved::open(args, &url)?;
    let mut output = Output::new();

    let mut docs = endpoint
        .by_link::<Value>()
        .retry(ExponentialBuilder::default().with_jitter())
        .read_ahead(2)
        .on_event(output.observer())
        .resume(saved.checkpoint());

    let (before, start) = (docs.progress(), Instant::now());
    let mut stop = pin!(ctrl_c());
    support::exit_at_second_ctrl_c();
    let is_done = loop {
        tokio::select! {
            biased;
            _ = &mut stop => break Ok(false),
            item = docs.try_next() => match item {
                Ok(Some(item)) => output.print(&item),
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            },
        }
        // The page is finished. Its items are written before the checkpoint that follows them: in the opposite order, a
        // kill between the two would lose the items.
        if docs.buffered_len() == 0 {
            output.flush()?;
            saved.save(docs.checkpoint())?;
            output.progress(docs.progress());
        }
        if !args.slow.is_zero() {
            tokio::select! {
                _ = &mut stop => break Ok(false),
                () = sleep(args.slow) => {}
            }
        }
    };
    output.flush()?;
    saved.save(docs.checkpoint())?;
    output.finish();

    if is_done? {
        let (now, time) = (docs.progress(), start.elapsed().as_millis());
        let (items, pages) = (now.items - before.items, now.pages - before.pages);
        writeln!(io::stdout(), "{items} items in {pages} pages, {} retries, {time} ms", now.retries)?;
        Ok(ExitCode::SUCCESS)
    } else {
        output.note(&format!("stopped{}", saved.hint()));
        Ok(ExitCode::from(130))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    // For `https`: this reqwest is built without a default TLS provider.
    rustls::crypto::ring::default_provider().install_default().expect("no TLS provider was installed before");
    match Args::parse(std::env::args_os().skip(1)) {
        Ok(args) => get_docs(&args).await.unwrap_or_else(|error| support::report(&*error)),
        Err(help) => help.print(),
    }
}
