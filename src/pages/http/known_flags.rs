use std::sync::atomic::{AtomicU8, Ordering};

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
    /// The meaning of each ambiguous flag, as far as the pages have shown it.
    meanings: Vec<Meaning>,
}

/// The meaning of a flag whose name may be that of something else.
///
/// ```text
/// UNKNOWN ──► OF_PAGES    a page was not the last according to the flag
///         └─► OF_OTHERS   a page was the last according to the flag, before its meaning was known
/// ```
///
/// Relaxed, because it publishes nothing. The pages of a numbered stream with `concurrency` may arrive in another order:
/// then, a flag is taken for that of something else, and the stream ends one page later.
#[derive(Default)]
struct Meaning(AtomicU8);

impl Meaning {
    const UNKNOWN: u8 = 0;
    const OF_PAGES: u8 = 1;
    const OF_OTHERS: u8 = 2;

    fn is_of_pages(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::OF_PAGES
    }

    /// Sets the meaning, unless it is known.
    fn set(&self, meaning: u8) {
        // A failure means that another page was first.
        let _ = self.0.compare_exchange(Self::UNKNOWN, meaning, Ordering::Relaxed, Ordering::Relaxed);
    }
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
        let meanings = pointers.iter().map(|_| Meaning::default()).collect();
        Self { pointers, last, is_within: !parent.is_empty(), meanings }
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
        let flag = flags.filter_map(|(index, value)| {
            let has_more = match value.as_ref()?.get() {
                "true" | "\"true\"" => index < self.last,
                "false" | "\"false\"" => index >= self.last,
                // A number named `last` or `done` may be that of a page.
                "1" if index < self.last => true,
                "0" if index < self.last => false,
                _ => return None,
            };
            if !self.is_ambiguous(index) {
                return Some(has_more);
            }
            // On the first page, and beside a cursor, it may be that of something else.
            let meaning = &self.meanings[index];
            let counts = has_more || has_no_cursor || meaning.is_of_pages();
            meaning.set(if has_more { Meaning::OF_PAGES } else { Meaning::OF_OTHERS });
            counts.then_some(has_more)
        });
        Ok((found[0], flag.into_iter().next()))
    }

    fn is_at_top(&self, index: usize) -> bool {
        self.pointers[index].rfind('/') == Some(0)
    }

    /// Returns `true` for a flag that may be that of something else. Without a cursor, `last` is that of the page.
    fn is_ambiguous(&self, index: usize) -> bool {
        let flag = &self.pointers[index];
        // At the top, `more` describes the items as often as the pages.
        if flag == "/more" {
            return self.is_within;
        }
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
