use std::sync::{Mutex, PoisonError};

use serde_json::value::RawValue;

use super::error::Error;
use super::response::Response;

/// Detects that a server counts items from 1, although the offsets begin with 0.
///
/// Such a server returns the same page for the offsets 0 and 1, so the second page begins with the last item of the
/// first.
#[derive(Default)]
pub(super) struct Overlap {
    /// The number of items of the page at offset 0, and the JSON of its last item.
    first_page: Mutex<Option<(u64, String)>>,
}

impl Overlap {
    /// Compares the first two pages.
    pub(super) fn check(&self, response: &Response, items: &str, offset: u64) -> Result<(), Error> {
        let mut first_page = self.first_page.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first_page {
            _ if offset == 0 => *first_page = last_of_distinct(response.find([items])?[0]),
            Some((count, last)) if *count == offset => {
                let [first] = response.find([&format!("{items}/0")])?;
                let overlaps = first.is_some_and(|first| first.get() == last);
                // A retry of the page is not compared: the list may have changed in between.
                *first_page = None;
                if overlaps {
                    return Err(response.error(
                        "the second page begins with the last item of the first: if the server counts items from 1, \
                         use `by_offset_from`",
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Returns the number of items and the last of them, if there are several and all are distinct. Otherwise, two pages may
/// have equal items by chance.
fn last_of_distinct(items: Option<&RawValue>) -> Option<(u64, String)> {
    let items: Vec<&RawValue> = serde_json::from_str(items?.get()).ok()?;
    let mut texts: Vec<&str> = items.iter().map(|item| item.get()).collect();
    let last = (*texts.last()?).to_owned();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    (count > 1 && texts.len() == count).then_some((count as u64, last))
}
