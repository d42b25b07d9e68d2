use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The validators (`ETag` and `Last-Modified`) of the pages of a crawl, for the conditional requests of the next one.
///
/// [`Endpoint::skip_unmodified`](super::Endpoint::skip_unmodified) uses and updates them. Clones share their state.
/// Serialization writes the state of the last [`commit`](Self::commit), with the URLs of the pages, but without the
/// [secrets](super::Endpoint::secret_parameter) in them.
///
/// # Examples
///
/// ```
/// # use withal::pages::http::{Endpoint, Validators};
/// # fn process(issue: serde_json::Value) {}
/// # async fn crawl(endpoint: Endpoint, saved: &str) -> Result<String, Box<dyn std::error::Error>> {
/// let validators: Validators = serde_json::from_str(saved)?;
/// let mut issues = endpoint.skip_unmodified(&validators).by_link::<serde_json::Value>();
/// while let Some(issue) = issues.try_next().await? {
///     process(issue);
/// }
/// // Each item has been processed.
/// validators.commit();
/// Ok(serde_json::to_string(&validators)?)
/// # }
/// ```
#[derive(Clone, Default)]
#[doc(alias("etag", "304", "if_none_match", "if_modified_since", "cache"))]
pub struct Validators {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The pages of earlier crawls, by their URLs.
    committed: BTreeMap<String, Entry>,
    /// The pages that were fetched since.
    current: BTreeMap<String, Entry>,
}

/// A page as it was last fetched.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    /// The number of items.
    pub(super) items: u64,
    /// The cursor of the next page, unless the pages are numbered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) has_more: Option<bool>,
}

impl Validators {
    /// Creates an empty set, with which each page of the first crawl is fetched in full.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the validators with those of the pages that were fetched since the last call.
    ///
    /// Call it when the items of a crawl have been processed, after the stream has ended. A stream may have fetched
    /// pages whose items its consumer has not received, for example by
    /// [`read_ahead`](crate::pages::AsyncGetDocs::read_ahead): after a commit before the end, the next crawl would skip
    /// these items.
    pub fn commit(&self) {
        let mut state = self.lock();
        state.committed = std::mem::take(&mut state.current);
    }

    /// Returns the page of a URL, as earlier crawls have left it.
    pub(super) fn get(&self, url: &str) -> Option<Entry> {
        self.lock().committed.get(url).cloned()
    }

    /// Inserts a page of this crawl.
    pub(super) fn insert(&self, url: &str, entry: Entry) {
        self.lock().current.insert(url.to_owned(), entry);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Ignores poisoning: nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Omits the URLs.
impl fmt::Debug for Validators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Validators")
            .field("committed", &state.committed.len())
            .field("current", &state.current.len())
            .finish()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Validators", deny_unknown_fields)]
struct Serialized {
    format: Format,
    pages: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "withal/pages/http/validators/1")]
    V1,
}

impl Serialize for Validators {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pages = self.lock().committed.clone();
        Serialized { format: Format::V1, pages }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Validators {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Serialized { format: Format::V1, pages } = Serialized::deserialize(deserializer)?;
        Ok(Self { state: Arc::new(Mutex::new(State { committed: pages, ..State::default() })) })
    }
}
