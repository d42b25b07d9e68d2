/// The maximum number of characters of a name in the text of an error.
const CHARACTERS: usize = 60;

/// Returns the beginning of the name of a partition, for the error that the name is too long.
pub(super) fn excerpt(name: &str) -> &str {
    name.char_indices().nth(CHARACTERS).map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_long_name_is_shortened() {
        assert_eq!(excerpt("\u{e4}b"), "\u{e4}b");
        assert_eq!(excerpt(&"\u{e4}".repeat(61)), "\u{e4}".repeat(60));
    }
}
