use std::fmt;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::json_array;

/// The parts of a response that reach the user with the page, beside its items: those of
/// [`extra_at`](super::Endpoint::extra_at) and [`extra_header`](super::Endpoint::extra_header).
///
/// It is the [extra value](crate::pages::Page::extra) of each page.
///
/// # Examples
///
/// Microsoft Graph ends a delta query with a link for the next one:
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = withal::pages::http::Client::new(reqwest::Client::builder())?;
/// use withal::pages::http;
///
/// // {"value": [..], "@odata.deltaLink": "https://graph.example/users/delta?$deltatoken=k"}
/// let mut pages = client
///     .endpoint("https://graph.example/users/delta")?
///     .items_at("/value")
///     .extra_at("/@odata.deltaLink")
///     .by_next_url::<serde_json::Value>("/@odata.nextLink")
///     .into_pages();
/// while let Some(users) = pages.try_next().await? {
///     let extra = pages.extra::<http::Extra>().expect("every page has one");
///     if let Some(link) = extra.at::<String>("/@odata.deltaLink")? {
///         println!("{} users, later changes: {link}", users.len());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Extra {
    headers: HeaderMap,
    values: Vec<(String, Box<RawValue>)>,
}

impl Extra {
    pub(super) fn new(headers: HeaderMap, values: Vec<(String, Box<RawValue>)>) -> Self {
        Self { headers, values }
    }

    /// Deserializes the value at one of the pointers of [`extra_at`](super::Endpoint::extra_at). Absent, `null` and
    /// another pointer are `None`.
    ///
    /// # Errors
    ///
    /// The error of serde, if the value is not a `T`.
    pub fn at<T: DeserializeOwned>(&self, pointer: &str) -> serde_json::Result<Option<T>> {
        self.value(pointer).map(json_array::value).transpose()
    }

    /// Returns the JSON text of the value at one of the pointers, byte for byte. Absent, `null` and another pointer are
    /// `None`.
    #[must_use]
    pub fn json_text_at(&self, pointer: &str) -> Option<&str> {
        self.value(pointer).map(RawValue::get)
    }

    /// Returns the value of one of the headers of [`extra_header`](super::Endpoint::extra_header); `None` if it is absent
    /// or contains bytes that are not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the headers of [`extra_header`](super::Endpoint::extra_header).
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn value(&self, pointer: &str) -> Option<&RawValue> {
        self.values.iter().find(|(at, _)| at == pointer).map(|(_, value)| &**value)
    }
}

/// Only the names, since the values may contain secrets.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointers: Vec<_> = self.values.iter().map(|(at, _)| at).collect();
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Extra").field("pointers", &pointers).field("headers", &headers).finish()
    }
}
