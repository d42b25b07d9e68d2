use std::fmt::{self, Write as _};

use super::json_pointers::pointer_to;

/// A paginator that [`detect`](super::detect) proposes for an API.
///
/// It displays as the calls to write after [`Client::endpoint`](super::Client::endpoint).
///
/// # Examples
///
/// ```
/// use reqwest::header::HeaderMap;
/// use withal::pages::http::detect;
///
/// let body = br#"{"users": [{"name": "ann"}], "total": 40, "next_cursor": "dXNlcjpVMDYx"}"#;
/// let proposal = detect(&HeaderMap::new(), body).expect("the response has a cursor");
/// assert_eq!(
///     proposal.to_string(),
///     r#".items_at("/users").total_at("/total").by_cursor::<T>("/next_cursor", "cursor")"#,
/// );
/// assert_eq!(proposal.reason(), r#"a cursor at "/next_cursor""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Proposal {
    /// The methods of the endpoint and their arguments.
    pub(super) settings: Vec<(&'static str, String)>,
    paginator: &'static str,
    pub(super) arguments: Vec<Argument>,
    reason: String,
}

/// The order in which the settings are displayed.
const ORDER: &[&str] =
    &["items_at", "total_at", "total_pages_at", "total_pages_header", "has_more_at", "is_last_at"];

/// An argument of a paginator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Text(String),
    Number(u64),
}

impl Proposal {
    pub(super) fn new(paginator: &'static str, arguments: Vec<Argument>, reason: String) -> Self {
        Self { settings: Vec::new(), paginator, arguments, reason }
    }

    pub(super) fn setting(mut self, method: &'static str, argument: Option<String>) -> Self {
        self.settings.extend(argument.map(|argument| (method, argument)));
        self
    }

    /// Sends the parameters in the JSON of the body.
    pub(super) fn in_body(mut self) -> Self {
        let texts = self.arguments.iter_mut().filter_map(|argument| match argument {
            Argument::Text(text) => Some(text),
            Argument::Number(_) => None,
        });
        let mut texts: Vec<&mut String> = texts.collect();
        match (self.paginator, &mut *texts) {
            ("by_cursor" | "by_last_item", [pointer, parameter]) if !parameter.starts_with('/') => {
                **parameter = body_pointer(pointer, parameter);
                self.paginator =
                    if self.paginator == "by_cursor" { "by_body_cursor" } else { "by_last_item_in_body" };
            }
            ("by_page_number" | "by_offset", parameters) => {
                for parameter in parameters {
                    **parameter = body_pointer("", parameter);
                }
            }
            _ => {}
        }
        self
    }

    /// Returns the name of the method of [`Endpoint`](super::Endpoint), such as `by_cursor`.
    #[must_use]
    pub fn paginator(&self) -> &str {
        self.paginator
    }

    /// Returns what was found in the response, as a noun phrase.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the JSON pointer to the items, as the argument of [`items_at`](super::Endpoint::items_at); `None` if the
    /// paginator knows it.
    #[must_use]
    pub fn items_at(&self) -> Option<&str> {
        let setting = self.settings.iter().find(|(method, _)| *method == "items_at");
        setting.map(|(_, argument)| argument.as_str())
    }
}

/// # Parts of a proposal
///
/// These methods are for a program that applies a proposal, such as one that reads any API.
impl Proposal {
    /// Returns the methods of the endpoint to call before the paginator, such as `items_at`, each with its argument.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let position = |method: &str| ORDER.iter().position(|own| *own == method);
        let mut settings: Vec<_> =
            self.settings.iter().map(|(method, argument)| (*method, argument.as_str())).collect();
        settings.sort_by_key(|(method, _)| position(method));
        settings.into_iter()
    }

    /// Returns the arguments of the paginator. A number is a text of decimal digits.
    ///
    /// # Examples
    ///
    /// ```
    /// use reqwest::header::HeaderMap;
    /// use withal::pages::http::detect;
    ///
    /// let body = br#"{"users": [{"name": "ann"}], "startAt": 0, "maxResults": 50, "total": 120}"#;
    /// let proposal = detect(&HeaderMap::new(), body).expect("the response has an offset");
    /// assert_eq!(proposal.paginator(), "by_offset");
    /// assert!(proposal.arguments().eq(["startAt", "maxResults", "50"]));
    /// assert!(proposal.settings().eq([("items_at", "/users"), ("total_at", "/total")]));
    /// ```
    pub fn arguments(&self) -> impl Iterator<Item = String> {
        self.arguments.iter().map(|argument| match argument {
            Argument::Text(text) => text.clone(),
            Argument::Number(number) => number.to_string(),
        })
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Argument {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (method, argument) in self.settings() {
            write!(f, ".{method}({argument:?})")?;
        }
        let mut arguments = String::new();
        for argument in &self.arguments {
            if !arguments.is_empty() {
                arguments.push_str(", ");
            }
            match argument {
                Argument::Text(text) => write!(arguments, "{text:?}")?,
                Argument::Number(number) => write!(arguments, "{number}")?,
            }
        }
        write!(f, ".{}::<T>({arguments})", self.paginator)
    }
}

/// Returns the place in the body that takes a cursor whose query parameter has this name.
fn body_pointer(pointer: &str, parameter: &str) -> String {
    let parent = if pointer.starts_with("/pages/next/") { "/pagination" } else { "" };
    format!("{parent}{}", pointer_to(parameter))
}
