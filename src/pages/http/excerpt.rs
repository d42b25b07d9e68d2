//! Excerpts of untrusted text, for errors.

/// The largest number of characters of an untrusted text that an error contains.
pub(super) const MAX_EXCERPT: usize = 200;

/// Returns the beginning of an untrusted text as one line without control characters, safe to print to a terminal.
pub(super) fn excerpt(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(MAX_EXCERPT) {
        line.truncate(end);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_is_one_short_line_without_control_characters() {
        assert_eq!(excerpt(" {\n  \"message\":\t\"no\"\u{1b}[31m }\r\n"), "{ \"message\": \"no\" [31m }");
        assert_eq!(excerpt(&"é".repeat(500)), "é".repeat(200));
        assert_eq!(excerpt(""), "");
    }
}
