use std::path::PathBuf;

use clap::Parser;
use reqwest::Url;
use withal::pages::http::Endpoint;

use super::failure::Failure;
use super::paginator::{self, Paginator};

const AFTER_HELP: &str = "\
Paginators:
  auto                            chosen by the first response
  link                            the Link header
  next-url:POINTER                a URL in the JSON, such as next-url:/links/next
  next-url-header:HEADER          a URL in another header
  link-array:POINTER              a link with the relation `next` in an array
  cursor:POINTER,PARAMETER        a cursor in the JSON, such as cursor:/next_cursor,cursor
  cursor-header:HEADER,PARAMETER  a cursor in a header
  parameters:POINTER              several parameters in the JSON
  last-item:POINTER,PARAMETER     the last item, such as last-item:/id,starting_after
  page-number:PARAMETER,FIRST     such as page-number:page,1
  offset:PARAMETER,SIZE,LIMIT     such as offset:offset,limit,100
  odata, json-api, hal:NAME, kubernetes, scim:COUNT

Exit codes:
  0    the output has all items, or as many as --max-items
  1    the server or the network failed, also after retries: continue later with --resume
  2    an option or the environment variable of --auth-env is not valid
  3    the file of --out cannot be written or exists already, or --resume finds no checkpoint that fits
  4    the API refused a request, or a response is not what the options describe
  130  stopped by Ctrl-C: continue with --resume";

/// Downloads every item of a paginated JSON API into a file, one per line.
#[derive(Parser)]
#[command(name = "crawl", after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The URL of the first page [default: a list of a built-in server]
    #[arg(long, value_parser = url)]
    pub(crate) url: Option<Url>,
    /// The paginator, which finds the next page; see below
    #[arg(long, default_value = "auto", value_name = "KIND", value_parser = Paginator::parse)]
    pub(crate) paginate: Paginator,
    /// The JSON pointer to the items of a page, such as /data/items [default: the whole page, or chosen by `auto`]
    #[arg(long, value_name = "POINTER", value_parser = paginator::pointer)]
    pub(crate) items: Option<String>,
    /// The environment variable with a bearer token, or with a scheme and its credentials, such as `Basic bWU6cHc=`
    #[arg(long, value_name = "NAME")]
    auth_env: Option<String>,
    /// Stop after N items, including those of earlier runs
    #[arg(long, value_name = "N")]
    pub(crate) max_items: Option<u64>,
    /// Request up to N pages at once if they are numbered, and one page ahead otherwise
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrent: u8,
    /// Send at most N requests per second, such as 0.5
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Write the items to this file, and the position to FILE.jsonl.checkpoint [default: stdout, without a checkpoint]
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) out: Option<PathBuf>,
    /// Continue the file of --out after the last page that was written
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
}

impl Args {
    pub(crate) fn authenticate(&self, endpoint: Endpoint) -> Result<Endpoint, Failure> {
        let Some(name) = &self.auth_env else { return Ok(endpoint) };
        // The error of `env::var` may show the value.
        let value = std::env::var_os(name).unwrap_or_default().into_string().unwrap_or_default();
        if value.is_empty() {
            return Err(Failure::usage(format!(
                "--auth-env {name}: the variable is not set, empty, or not Unicode"
            )));
        }
        // A token has no spaces (RFC 6750), but a scheme is followed by one.
        let value = if value.contains(' ') { value } else { format!("Bearer {value}") };
        endpoint.api_key_header("authorization", &value).map_err(Failure::usage)
    }
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err("not a URL of http or https".into()) }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=1e6).contains(&rate) { Ok(rate) } else { Err("not between 0.001 and 1000000".into()) }
}
