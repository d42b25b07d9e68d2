use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;

use super::error::Error;
use super::missing_items::is_empty_value;
use super::response::Response;
use super::usual_names::{LAST_FLAGS, MORE_FLAGS};

/// The flags for more pages that are recognized by their names, if none is configured.
///
/// Bitbucket, Jira, Zendesk and others send a cursor on their last page, too, and only a flag marks that page. Such a
/// flag counts if it is a boolean beside the cursor, or at the top of the body if the cursor or the items are there.
/// Elsewhere, the top describes something else, such as another list.
pub(super) struct KnownFlags {
    /// The JSON pointers of the cursor, then those of the flags for more pages, then those for the last page.
    pointers: Vec<String>,
    /// The index of the first flag for the last page.
    last: usize,
    /// `true` if the cursor is a member of an object within the body.
    is_within: bool,
    /// `true` if `done` or `last` has been `false`, so that it is a flag of the pages. Relaxed, because it publishes
    /// nothing: the pages of a stream that rely on it arrive in order.
    is_done_known: AtomicBool,
}

/// The pointer of a cursor that no page has.
const AT_TOP: &str = "/";
/// Flags with another meaning in many APIs, such as that of a job whose results are listed.
const AMBIGUOUS: &[&str] = &["/done", "/last"];

impl KnownFlags {
    /// Creates the pointers to the flags beside the cursor at a pointer, and at the top of the body.
    pub(super) fn beside(cursor: &str) -> Self {
        let parent = cursor.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut pointers = vec![cursor.to_owned()];
        let mut last = 0;
        for names in [MORE_FLAGS, LAST_FLAGS] {
            last = pointers.len();
            for parent in if parent.is_empty() { vec![""] } else { vec![parent, ""] } {
                // The cursor itself may have one of these names.
                let flags = names.iter().map(|name| format!("{parent}/{name}"));
                pointers.extend(flags.filter(|flag| flag != cursor));
            }
        }
        Self { pointers, last, is_within: !parent.is_empty(), is_done_known: AtomicBool::new(false) }
    }

    /// Creates the pointers to the flags at the top of the body, for pages without a cursor.
    pub(super) fn at_top() -> Self {
        // A member whose name is empty takes the place of the cursor.
        Self::beside(AT_TOP)
    }

    /// Returns the first flag, as [`find`](Self::find) does.
    pub(super) fn has_more(&self, response: &Response) -> Result<Option<bool>, Error> {
        Ok(self.find(response)?.1)
    }

    /// Returns the value of the cursor, which may be `null`, and the first flag as a flag for more pages.
    ///
    /// The flag is `None` if there is none, or if the endpoint has a flag of its own.
    pub(super) fn find<'a>(
        &self,
        response: &'a Response,
    ) -> Result<(Option<&'a RawValue>, Option<bool>), Error> {
        // An array has no flags, but one of its elements may have the cursor.
        let is_element = self.pointers[0].starts_with("/-1")
            || self.pointers[0]
                .strip_prefix('/')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if response.has_configured_flag() || is_element && !response.is_object() {
            let [cursor] = response.find([&self.pointers[0]])?;
            return Ok((cursor, None));
        }
        let found = response.find_all(&self.pointers)?;
        let has_no_cursor = self.pointers[0] != AT_TOP && found[0].is_none_or(is_empty_value);
        let items = &response.endpoint.pointers.items;
        let top_counts = !self.is_within || items.rfind('/').unwrap_or(0) == 0;
        let flags =
            found.iter().enumerate().skip(1).filter(|(index, _)| top_counts || !self.is_at_top(*index));
        let flag = flags.filter_map(|(index, value)| match value.as_ref()?.get() {
            "true" | "\"true\"" if self.is_ambiguous(index) => {
                // On the first page, and beside a cursor, it may be that of something else.
                let counts = has_no_cursor || self.is_done_known.load(Ordering::Relaxed);
                counts.then_some(false)
            }
            "true" | "\"true\"" => Some(index < self.last),
            "false" | "\"false\"" => {
                if self.is_ambiguous(index) {
                    self.is_done_known.store(true, Ordering::Relaxed);
                }
                Some(index >= self.last)
            }
            // A number named `last` or `done` may be that of a page.
            "1" if index < self.last => Some(true),
            "0" if index < self.last => Some(false),
            _ => None,
        });
        Ok((found[0], flag.into_iter().next()))
    }

    fn is_at_top(&self, index: usize) -> bool {
        self.pointers[index].rfind('/') == Some(0)
    }

    /// Returns `true` for a flag that may be that of something else. Without a cursor, `last` is that of the page.
    fn is_ambiguous(&self, index: usize) -> bool {
        let flag = &self.pointers[index];
        AMBIGUOUS.iter().any(|name| flag.ends_with(name)) && (self.pointers[0] != AT_TOP || flag != "/last")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_flag() {
        let section = include_str!("mod.rs").split("//! # ").find(|section| section.starts_with("Flags"));
        let documented = |start: &str| {
            let text = section.unwrap().replace("\n//!", "");
            let text = text.split_once(start).unwrap().1.split_once(';').unwrap().0.to_owned();
            let mut names: Vec<_> = text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            names.sort();
            names
        };
        for (start, names) in [("- for more pages: ", MORE_FLAGS), ("- for the last page: ", LAST_FLAGS)] {
            let mut names = names.to_vec();
            names.sort_unstable();
            assert_eq!(documented(start), names, "{start}");
        }
    }
}
