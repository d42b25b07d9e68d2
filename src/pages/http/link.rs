/// A link of a `Link` header (RFC 8288): its target, its relation types and its other parameters.
///
/// # Examples
///
/// ```
/// use reqwest::header::{HeaderMap, LINK};
/// use withal::pages::http::Links;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(LINK, r#"</docs?page=9>; rel="last"; title="the end""#.parse()?);
/// let links = Links::parse(&headers);
/// let last = links.find("last")?.expect("the header has this link");
/// assert_eq!(last.target(), "/docs?page=9");
/// assert_eq!(last.parameter("title"), Some("the end"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    target: String,
    /// In the order of the header. The names are in lower case, the values without quotes and escapes.
    parameters: Vec<(String, String)>,
}

impl Link {
    pub(super) fn new(target: String, parameters: Vec<(String, String)>) -> Self {
        Self { target, parameters }
    }

    /// Returns the text between the angle brackets: a URL, which may be relative to that of the response.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns `true` if the link has this relation type, such as `next`. Relation types are compared without regard to
    /// case, as section 2.1 of the RFC requires.
    #[must_use]
    pub fn has_rel(&self, rel: &str) -> bool {
        self.rels().any(|own| own.eq_ignore_ascii_case(rel))
    }

    /// Returns the relation types. Only the first `rel` parameter counts (section 3.3).
    pub fn rels(&self) -> impl Iterator<Item = &str> {
        self.parameter("rel").unwrap_or_default().split_ascii_whitespace()
    }

    /// Returns the value of the first parameter with this name, in any case; `""` if it has no value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the names, in lower case, and the values of all parameters, in the order of the header.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
