use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use super::excerpt::one_line;
use super::json_array;

/// The length of the JSON in the `Debug` output of an invalid item, in bytes.
const MAX_SHOWN: usize = 240;

/// An item that may be invalid, so that the other items of its page are not lost.
///
/// By default, an item that cannot be deserialized is an error of its page,
/// [`Error::InvalidItem`](super::Error::InvalidItem). A stream of `TryItem<T>` yields such an item, too, and continues;
/// its [`into_result`](Self::into_result) returns the error. A lone surrogate in a string is replaced by U+FFFD, as
/// everywhere in `pages::http`.
///
/// # Examples
///
/// ```
/// # use withal::pages::http::{Endpoint, TryItem};
/// # #[derive(serde::Deserialize)]
/// # struct Issue {}
/// # async fn crawl(endpoint: Endpoint) -> Result<(), withal::pages::Error<withal::pages::http::Error>> {
/// let mut issues = endpoint.by_link::<TryItem<Issue>>();
/// while let Some(issue) = issues.try_next().await? {
///     match issue.into_result() {
///         Ok(issue) => { /* .. */ }
///         Err(invalid) => eprintln!("{invalid}: {}", invalid.json()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[doc(alias("lenient", "skip_invalid", "untagged"))]
pub struct TryItem<T>(Result<T, InvalidItem>);

/// An item that cannot be deserialized, and its JSON.
#[derive(thiserror::Error)]
#[error("the item is invalid")]
pub struct InvalidItem {
    json: Box<RawValue>,
    source: serde_json::Error,
}

impl<T> TryItem<T> {
    /// Returns the item, or the reason why it is invalid.
    ///
    /// # Errors
    ///
    /// [`InvalidItem`] if it cannot be deserialized.
    pub fn into_result(self) -> Result<T, InvalidItem> {
        self.0
    }

    /// Returns the item if it is valid.
    #[must_use]
    pub fn item(&self) -> Option<&T> {
        self.0.as_ref().ok()
    }
}

impl InvalidItem {
    /// Returns the JSON text of the item, as it was sent.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for TryItem<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: Box<RawValue> = Deserialize::deserialize(deserializer)?;
        Ok(Self(json_array::value(&json).map_err(|source| InvalidItem { json, source })))
    }
}

/// With the beginning of the JSON.
impl fmt::Debug for InvalidItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = one_line(self.json.get(), MAX_SHOWN);
        f.debug_struct("InvalidItem").field("json", &json).field("source", &self.source).finish()
    }
}
