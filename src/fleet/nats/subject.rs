/// Returns the name of a partition as a token of a subject: ASCII letters, digits, `-` and `_` remain as they are, and each
/// other byte becomes `=` and two hexadecimal digits. An empty name becomes `=`.
pub(super) fn encode(partition: &str) -> String {
    let mut token = String::with_capacity(partition.len());
    for byte in partition.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            token.push(char::from(byte));
        } else {
            token.push('=');
            for digit in [byte >> 4, byte & 15] {
                token.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    if token.is_empty() {
        token.push('=');
    }
    token
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn every_name_is_a_token_of_its_own() {
        assert_eq!(encode("a-1_B"), "a-1_B");
        assert_eq!(encode("a.b *>"), "a=2Eb=20=2A=3E");
        assert_eq!(encode("="), "=3D");
        assert_eq!(encode(""), "=");
        assert_eq!(encode("ä"), "=C3=A4");
    }
}
