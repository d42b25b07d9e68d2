//! Reads every document of a paginated API, and prints them one a line.
//!
//! ```sh
//! cargo run --example get_docs                          # a server that comes along: 2,250 documents
//! cargo run --example get_docs -- --resume walk.json    # Ctrl-C or kill it, and start it again: it goes on
//! cargo run --example get_docs -- --url "https://api.github.com/repos/tokio-rs/tokio/issues?per_page=100"
//! ```
//!
//! The last line on stdout is `N documents in M pages, R retries, T ms`, of this run. A failure (or two) is part of the
//! show: the server that comes along is busy once, and asks to be left alone for a second.
//!
//! With `--resume FILE`, every document is printed at least once over all runs, however they end, and exactly once if
//! they end by Ctrl-C. After the last document the file stays, and says so: another run prints none. Delete it to begin
//! anew.

mod server;
mod support;

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use backon::ExponentialBuilder;
use futures::Stream;
use reqwest::Url;
use serde_json::Value;
use tokio::signal::ctrl_c;
use tokio::time::sleep;
use withal::pages::{AsyncGetDocs, Event, http};

use self::support::{Args, HELP, Output, Saved};

/// The documents of an API with Link headers: retried, and two pages ahead of the printing.
fn get_docs(endpoint: http::Endpoint, output: &Output) -> AsyncGetDocs<Value, String, http::Error> {
    let output = output.clone();
    endpoint.by_link().retry(ExponentialBuilder::default().with_jitter()).read_ahead(2).observe(
        move |event| {
            if let Event::Retrying { page, delay, error, .. } = event {
                output.note(&format!("page {page}: {error}; again in {delay:?}"));
            }
        },
    )
}

async fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => format!("{}?per_page={}", server::start().await?, args.per_page),
    };
    let client =
        reqwest::Client::builder().user_agent("withal-get-docs").read_timeout(Duration::from_secs(30));
    let endpoint = http::Client::new(client)?.endpoint(&url)?.items_at(&args.items);
    let mut output = Output::new();
    let mut docs = get_docs(endpoint, &output);

    let source = source(&url, &args)?;
    let mut saved = args.resume.map(|file| Saved::open(file, &source)).transpose()?;
    if let Some(saved) = &saved {
        if saved.checkpoint().is_done() {
            output.note(&format!("{} is of a walk that is done", saved.file().display()));
        }
        docs = docs.resume(saved.checkpoint());
    }
    let (before, start) = (docs.progress(), Instant::now());

    let mut stop = pin!(ctrl_c());
    let end = loop {
        tokio::select! {
            doc = docs.try_next() => match doc {
                Ok(Some(doc)) => output.print(&doc),
                Ok(None) => break Ok(ExitCode::SUCCESS),
                Err(error) => break Err(error),
            },
            _ = &mut stop => break Ok(ExitCode::from(130)),
        }
        // That was the last document of its page.
        if docs.size_hint().0 == 0 {
            output.progress(docs.progress());
            keep(&mut output, saved.as_mut(), &docs)?;
        }
        if !args.slow.is_zero() {
            sleep(args.slow).await;
        }
    };
    keep(&mut output, saved.as_mut(), &docs)?;
    output.finish();
    let code = end?;

    if code == ExitCode::SUCCESS {
        let (now, time) = (docs.progress(), start.elapsed().as_millis());
        let (items, pages) = (now.items - before.items, now.pages - before.pages);
        writeln!(io::stdout(), "{items} documents in {pages} pages, {} retries, {time} ms", now.retries)?;
    } else if let Some(saved) = &saved {
        output.note(&format!("stopped; run again with --resume {} to go on", saved.file().display()));
    } else {
        output.note("stopped");
    }
    Ok(code)
}

/// What a checkpoint is a checkpoint of: the URL and the place in its answers, without user name and password.
fn source(url: &str, args: &Args) -> Result<String, Box<dyn Error>> {
    let mut url = Url::parse(url)?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment((!args.items.is_empty()).then_some(args.items.as_str()));
    if args.url.is_none() {
        // The port of our own server is another one each time.
        let _ = url.set_port(None);
    }
    Ok(url.into())
}

/// Writes the checkpoint after the documents before it are out: the other way round, a kill in between would lose them.
fn keep(
    output: &mut Output,
    saved: Option<&mut Saved>,
    docs: &AsyncGetDocs<Value, String, http::Error>,
) -> io::Result<()> {
    output.flush()?;
    saved.map_or(Ok(()), |saved| saved.save(docs.checkpoint()))
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::parse(env::args_os().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            drop(write!(io::stdout(), "{HELP}"));
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            drop(write!(io::stderr(), "{wrong}\n\n{HELP}"));
            return ExitCode::from(2);
        }
    };
    // For `https`: this reqwest is built without a default of its own.
    rustls::crypto::ring::default_provider().install_default().expect("nothing was installed before");
    match run(args).await {
        Ok(code) => code,
        // As with `| head`: who reads us has had enough.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let mut told = format!("error: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                told = format!("{told}: {error}");
                source = error.source();
            }
            drop(writeln!(io::stderr(), "{told}"));
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
