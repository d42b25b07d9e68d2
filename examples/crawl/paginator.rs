use std::io::{self, Write};

use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};
use withal::pages::Page;
use withal::pages::http::{Endpoint, detect};

use super::Crawl;
use super::failure::Failure;
use super::rate::Rate;

/// A paginator of `Endpoint`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Paginator {
    /// The value of `--paginate`: the name of the method, without `by_` and with dashes, and its arguments.
    text: String,
    /// The methods to call before the paginator, each with its argument. Only `auto` finds any.
    settings: Vec<(String, String)>,
}

/// The paginators with the names of their arguments, which `check` knows.
const KINDS: &[(&str, &[&str])] = &[
    ("auto", &[]),
    ("link", &[]),
    ("next-url", &["POINTER"]),
    ("next-url-header", &["HEADER"]),
    ("link-array", &["POINTER"]),
    ("cursor", &["POINTER", "PARAMETER"]),
    ("cursor-header", &["HEADER", "PARAMETER"]),
    ("parameters", &["POINTER"]),
    ("last-item", &["POINTER", "PARAMETER"]),
    ("page-number", &["PARAMETER", "FIRST"]),
    ("offset", &["PARAMETER", "SIZE", "LIMIT"]),
    ("odata", &[]),
    ("json-api", &[]),
    ("hal", &["NAME"]),
    ("kubernetes", &[]),
    ("scim", &["COUNT"]),
];

impl Paginator {
    /// Parses the value of `--paginate`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        split(text).map(|_| Self { text: text.to_owned(), settings: Vec::new() })
    }

    pub(crate) fn is_auto(&self) -> bool {
        self.text == "auto"
    }

    /// Returns `true` if `self`, the value of `--paginate`, allows `other`, the paginator of an earlier run.
    pub(crate) fn allows(&self, other: &Self) -> bool {
        self.is_auto() || self.text == other.text
    }

    /// Chooses a paginator by the first response.
    pub(crate) async fn detect(endpoint: Endpoint, rate: &Rate) -> Result<Self, Failure> {
        // The proposal is the item of a stream, whose request is sent and retried like all others.
        let responses = endpoint.by_response(
            |request, (): &()| request,
            |response| Ok(Page::new(vec![detect(response.headers(), response.bytes())], None)),
        );
        let Some(proposal) = rate.limit(responses).try_next().await?.flatten() else {
            let message = "no paginator is known for the first response: choose one with --paginate";
            return Err(Failure::Api(message.to_owned()));
        };
        drop(writeln!(io::stderr(), "paginator: {proposal}, because of {}", proposal.reason()));
        let kind = proposal.paginator().trim_start_matches("by_").replace('_', "-");
        let arguments: Vec<_> = proposal.arguments().collect();
        let text = if arguments.is_empty() { kind } else { format!("{kind}:{}", arguments.join(",")) };
        let settings =
            proposal.settings().map(|(method, argument)| (method.to_owned(), argument.to_owned())).collect();
        split(&text)
            .map_err(|error| Failure::Api(format!("{proposal} is not supported by this program: {error}")))?;
        Ok(Self { text, settings })
    }

    /// Runs the download with the stream of this paginator.
    pub(crate) async fn run(&self, mut endpoint: Endpoint, crawl: Crawl) -> Result<(), Failure> {
        for (method, argument) in &self.settings {
            endpoint = match &**method {
                "items_at" => endpoint.items_at(argument),
                "total_at" => endpoint.total_at(argument),
                "total_pages_at" => endpoint.total_pages_at(argument),
                "total_pages_header" => endpoint.total_pages_header(argument),
                "has_more_at" => endpoint.has_more_at(argument),
                "is_last_at" => endpoint.is_last_at(argument),
                _ => endpoint,
            };
        }
        if let Some(items) = &crawl.args.items {
            endpoint = endpoint.items_at(items);
        }
        let (kind, arguments) = split(&self.text).map_err(Failure::Usage)?;
        let pages = crawl.args.concurrent.into();
        match (kind, &*arguments) {
            ("link", []) => crawl.write(endpoint.by_link()).await,
            ("next-url", [pointer]) => crawl.write(endpoint.by_next_url(pointer)).await,
            ("next-url-header", [header]) => crawl.write(endpoint.by_next_url_header(header)).await,
            ("link-array", [pointer]) => crawl.write(endpoint.by_link_array(pointer)).await,
            ("cursor", [pointer, name]) => crawl.write(endpoint.by_cursor(pointer, name)).await,
            ("cursor-header", [header, name]) => crawl.write(endpoint.by_cursor_header(header, name)).await,
            ("parameters", [pointer]) => crawl.write(endpoint.by_parameters(pointer)).await,
            ("last-item", [pointer, name]) => crawl.write(endpoint.by_last_item(pointer, name)).await,
            ("page-number", [name, first]) => {
                crawl.write(endpoint.by_page_number(name, number(first)?).concurrency(pages)).await
            }
            ("offset", [name, size, limit]) => {
                crawl.write(endpoint.by_offset(name, size, number(limit)?).concurrency(pages)).await
            }
            ("odata", []) => crawl.write(endpoint.by_odata()).await,
            ("json-api", []) => crawl.write(endpoint.by_json_api()).await,
            ("hal", [name]) => crawl.write(endpoint.by_hal(name)).await,
            ("kubernetes", []) => crawl.write(endpoint.by_kubernetes()).await,
            ("scim", [count]) => crawl.write(endpoint.by_scim(number(count)?).concurrency(pages)).await,
            _ => Err(Failure::Usage(format!("{} is not a paginator", self.text))),
        }
    }
}

/// Splits the value of `--paginate` into the name and the arguments, which it checks.
fn split(text: &str) -> Result<(&str, Vec<&str>), String> {
    let (kind, arguments) = text.split_once(':').unwrap_or((text, ""));
    let arguments: Vec<_> = arguments.split(',').filter(|argument| !argument.is_empty()).collect();
    let known = KINDS.iter().find(|(known, _)| *known == kind);
    let (_, names) = known.ok_or("not one of the paginators that --help lists")?;
    if arguments.len() != names.len() {
        let separator = if names.is_empty() { "" } else { ":" };
        return Err(format!("the form is {kind}{separator}{}", names.join(",")));
    }
    for (name, argument) in names.iter().zip(&arguments) {
        let is_valid = match *name {
            "POINTER" => argument.starts_with('/'),
            "HEADER" => HeaderName::from_bytes(argument.as_bytes()).is_ok(),
            "FIRST" => argument.parse::<u64>().is_ok(),
            "LIMIT" | "COUNT" => argument.parse::<u64>().is_ok_and(|limit| limit > 0),
            _ => true,
        };
        if !is_valid {
            return Err(format!("{argument:?} is not a valid {name}{}", hint(name)));
        }
    }
    Ok((kind, arguments))
}

fn hint(name: &str) -> &'static str {
    if name == "POINTER" { ", which begins with a slash, such as /meta/next" } else { "" }
}

fn number(digits: &str) -> Result<u64, Failure> {
    digits.parse().map_err(Failure::usage)
}

/// Checks the value of `--items`.
pub(crate) fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a JSON pointer begins with a slash, such as /data/items".to_owned())
    }
}
