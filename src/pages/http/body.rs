use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::json_array;
use super::json_index::{JsonIndex, find_indexed, items_name};
use super::json_slices::find_all;

/// The body of a response, with an index of its members.
pub(super) struct Body {
    /// One chunk as it was received, or a vector.
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
    /// Created when a member is looked up.
    index: OnceLock<Option<JsonIndex>>,
}

impl Body {
    pub(super) fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self { bytes: Box::new(bytes), index: OnceLock::new() }
    }

    /// Returns the bytes, with a byte order mark if there is one.
    pub(super) fn as_received(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// Returns the bytes without a byte order mark, and without the line that Gerrit sends first so that the body is
    /// not a valid script.
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = self.as_received();
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        match bytes.strip_prefix(b")]}'") {
            Some(rest) => rest.strip_prefix(b",").unwrap_or(rest),
            None => bytes,
        }
    }

    /// Finds the values at some pointers. A value may be `null`. `items` is the pointer to the items.
    pub(super) fn find<'a>(
        &'a self,
        pointers: &[&str],
        found: &mut [Option<&'a RawValue>],
        items: &str,
    ) -> serde_json::Result<()> {
        if let Some(index) = self.index(items) {
            let mut is_valid = true;
            for (pointer, found) in pointers.iter().zip(found.iter_mut()) {
                match find_indexed(index, self.bytes(), pointer) {
                    Ok(value) => *found = value,
                    Err(_) => is_valid = false,
                }
            }
            if is_valid {
                return Ok(());
            }
        }
        // The error has its line and column in the whole body.
        found.fill(None);
        find_all(self.bytes(), pointers, found)
    }

    /// Deserializes the items of an array that is a member of the body, and returns its bytes; `None` if there are none, or
    /// if anything is wrong. `items` is the pointer to them.
    ///
    /// Called before a member is looked up, it finds the members in the same pass.
    pub(super) fn items<T: DeserializeOwned>(&self, items: &str) -> Option<(Vec<T>, &[u8])> {
        let name = items_name(items)?;
        let (elements, array) = match self.index.get() {
            None => {
                let (index, elements, array) = JsonIndex::with_items(self.bytes(), name)?;
                self.index.get_or_init(|| Some(index));
                (elements, array)
            }
            Some(index) => {
                let array =
                    index.as_ref()?.find(self.bytes(), name).filter(|array| array.starts_with(b"["))?;
                (json_array::try_elements(array)?, array)
            }
        };
        (!elements.is_empty()).then_some((elements, array))
    }

    /// Returns where the members are; `None` if the body is not an object.
    fn index(&self, items: &str) -> Option<&JsonIndex> {
        self.index.get_or_init(|| JsonIndex::new(self.bytes(), items_name(items))).as_ref()
    }
}
