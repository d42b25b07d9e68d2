//! Excerpts of untrusted text, for errors.

use crate::pages::mask::{is_invisible, truncate};

/// The largest length of an excerpt in bytes. With two URLs and a source, an error stays below 2 KiB.
pub(super) const MAX_EXCERPT: usize = 500;
/// The largest length of a URL, a JSON pointer or a source in an error, in bytes.
pub(super) const MAX_PART: usize = 240;

/// Returns the beginning of an untrusted text as one line without control and format characters, safe to print to a
/// terminal.
pub(super) fn excerpt(text: &str) -> String {
    one_line(text, MAX_EXCERPT)
}

/// Returns the beginning of an untrusted text as one line, at most `max` bytes long.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || is_invisible(c)).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max {
            truncate(&mut line, max);
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_is_one_short_line_without_invisible_characters() {
        assert_eq!(excerpt(" {\n  \"message\":\t\"no\"\u{1b}[31m }\r\n"), "{ \"message\": \"no\" [31m }");
        assert_eq!(excerpt("a\u{202e}b\u{200b}c\u{e0041}d\u{feff}\u{2066}e"), "a b c d e");
        let long = excerpt(&"é".repeat(500));
        assert!(long.len() <= MAX_EXCERPT && long.ends_with('…'), "{long}");
        assert_eq!(excerpt(""), "");
    }
}
