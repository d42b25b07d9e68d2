//! Downloads every item of a paginated JSON API into a file, one per line.
//!
//! ```sh
//! cargo run --example crawl                                   # 2,250 items from a built-in server, on stdout
//! cargo run --example crawl -- --url "https://api.github.com/repos/tokio-rs/tokio/issues?per_page=100" \
//!     --auth-env GITHUB_TOKEN --rate 5 --out issues.jsonl     # stop it with Ctrl-C or kill it
//! cargo run --example crawl -- --url .. --auth-env .. --rate 5 --out issues.jsonl --resume     # continues
//! ```
//!
//! Each page is committed together with the checkpoint that follows it, so that no item is lost or written twice,
//! however the program ends; see `crawl/output.rs`. The options and the exit codes are in `crawl/args.rs`, and `--help`
//! prints them.

#[path = "crawl/args.rs"]
mod args;
#[path = "crawl/bar.rs"]
mod bar;
#[path = "crawl/failure.rs"]
mod failure;
#[path = "crawl/output.rs"]
mod output;
#[path = "crawl/paginator.rs"]
mod paginator;
#[path = "crawl/rate.rs"]
mod rate;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use withal::pages::{AsyncGetDocs, Cursor, http};

use self::args::Args;
use self::bar::Bar;
use self::failure::Failure;
use self::output::Output;
use self::paginator::Paginator;
use self::rate::Rate;

/// An item as the API sends it. A `serde_json::Value` would round numbers.
type Item = Box<RawValue>;

/// A download in progress.
struct Crawl {
    args: Args,
    output: Output,
    bar: Bar,
    rate: Rate,
}

impl Crawl {
    async fn run(args: Args) -> Result<(), Failure> {
        let url = match &args.url {
            Some(url) => url.to_string(),
            None => server::start().await? + "?per_page=100",
        };
        let client =
            reqwest::Client::builder().user_agent("withal-crawl").read_timeout(Duration::from_secs(30));
        let endpoint = args.authenticate(http::Client::new(client)?.endpoint(&url)?)?;
        let rate = Rate::new(args.rate);
        // Opened before the first request, so that no request is sent if the file cannot be written.
        let mut output = Output::open(&args)?;
        let paginator = match output.paginator() {
            Some(of_earlier_run) => of_earlier_run,
            None if args.paginate.is_auto() => Paginator::detect(endpoint.clone(), &rate).await?,
            None => args.paginate.clone(),
        };
        output.set_paginator(&paginator)?;
        paginator.run(endpoint, Self { args, output, bar: Bar::new(), rate }).await
    }

    /// Writes the items of a stream, which the paginator has created.
    async fn write<C>(mut self, mut items: AsyncGetDocs<Item, C, http::Error>) -> Result<(), Failure>
    where
        C: Cursor + Serialize + DeserializeOwned,
    {
        if let Some(max) = self.args.max_items {
            items = items.max_items(max);
        }
        let items = self.rate.limit(items).read_ahead(1).on_event(self.bar.observer());
        let mut pages = items.resume(self.output.checkpoint()?).into_pages().with_checkpoints();
        self.bar.start(pages.progress());
        while let Some(page) = pages.try_next().await? {
            self.output.commit(&page.items, &page.checkpoint)?;
            self.bar.update(pages.progress());
        }
        // Records that there are no more pages.
        self.output.commit(&[], &pages.checkpoint())?;
        self.bar.finish(pages.progress());
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    // For `https`: this reqwest is built without a default TLS provider.
    rustls::crypto::ring::default_provider().install_default().expect("no TLS provider was installed before");
    let args = Args::parse();
    let result = tokio::select! {
        // The handler of the signal is installed before anything is written.
        biased;
        // The output and the checkpoint belong together at every moment.
        _ = tokio::signal::ctrl_c() => Err(Failure::Stopped),
        result = Crawl::run(args) => result,
    };
    result.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
