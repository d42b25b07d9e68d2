//! The words of names and messages.

/// Returns the words of a name or a text, in lower case: `errorCode`, `ret_msg`, `OVER_QUERY_LIMIT`.
pub(super) fn words_of(text: &str) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        let starts_word = c.is_uppercase() && was_lower;
        let is_word = c.is_alphanumeric();
        if (starts_word || !is_word) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        if is_word {
            words.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.truncate(words.trim_end().len());
    words
}
