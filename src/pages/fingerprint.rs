use std::fmt;

/// A hash of the content of a page: 128 bits, so that two different pages do not share one by chance.
///
/// It is part of serialized checkpoints, so its values must not change between versions. It is not cryptographic: a
/// server that wants to can produce two pages with the same fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint(u128);

/// The content of a page, as far as a checkpoint keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) page: Fingerprint,
    /// The last item, if the items of adjacent pages are compared.
    pub(super) last_item: Option<Fingerprint>,
}

impl Content {
    #[cfg(feature = "serde")]
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let (page, last_item) = text.split_at_checked(32)?;
        let last_item = if last_item.is_empty() { None } else { Some(Fingerprint::from_hex(last_item)?) };
        Some(Self { page: Fingerprint::from_hex(page)?, last_item })
    }
}

/// 32 hexadecimal digits for each fingerprint.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.page.fmt(f)?;
        self.last_item.map_or(Ok(()), |item| item.fmt(f))
    }
}

/// The first digits of pi after the point: random bits without a pattern.
const KEYS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

impl Fingerprint {
    /// Hashes the bytes by two chains of folded multiplications, as wyhash does: 16 bytes in two multiplications.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let len = bytes.len() as u64;
        let mut lanes = (KEYS[0] ^ len, KEYS[1] ^ len);
        let mut chunks = bytes.chunks_exact(16);
        for chunk in &mut chunks {
            lanes = mix(lanes, chunk);
        }
        // The length is part of the start, so padding with zeros is unambiguous.
        let mut last = [0; 16];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        let (a, b) = mix(lanes, &last);
        let (a, b) = (fold(a ^ KEYS[2], b ^ KEYS[3]), fold(a ^ KEYS[1], b.rotate_left(32) ^ KEYS[0]));
        Self(u128::from(a) << 64 | u128::from(b))
    }

    #[cfg(feature = "serde")]
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        // `from_str_radix` accepts a sign.
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

/// Mixes 16 bytes into both lanes, in opposite roles, so that bytes that erase one lane do not erase the other.
#[inline]
fn mix((a, b): (u64, u64), chunk: &[u8]) -> (u64, u64) {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&chunk[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let (low, high) = (word(0), word(8));
    (fold(a ^ low, high ^ KEYS[2]), fold(b ^ high, low ^ KEYS[3]))
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// 32 hexadecimal digits, as in a serialized checkpoint.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Fingerprint;

    #[test]
    fn fingerprints_differ_where_the_bytes_do() {
        let zeros = (0..100).map(|len| vec![0; len]);
        let numbers = (0..20_000_u32).map(|n| format!("[{n},{}]", n % 7).into_bytes());
        let bits = (0..300 * 8).map(|bit| {
            let mut bytes = vec![0x55; 300];
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        // Words that erase a lane: those which are equal to its keys.
        let keys = (0..16_u8).map(|at| {
            let word = super::KEYS[usize::from(at % 4)].to_le_bytes();
            [&[0; 8][..usize::from(at / 4)], &word, &[at; 24]].concat()
        });
        let mut seen = HashSet::new();
        for bytes in zeros.chain(numbers).chain(bits).chain(keys) {
            assert!(seen.insert(Fingerprint::of(&bytes).to_string()), "{bytes:?}");
        }
        // Each half alone suffices, too.
        for half in [0..16, 16..32] {
            let halves: HashSet<_> = seen.iter().map(|text| &text[half.clone()]).collect();
            assert_eq!(halves.len(), seen.len());
        }
    }

    #[test]
    fn fingerprints_are_stable() {
        // Serialized checkpoints contain these values.
        assert_eq!(Fingerprint::of(b"").to_string(), "d8132df4655aa1aa2841261849784d47");
        assert_eq!(Fingerprint::of(b"[1,2,3]").to_string(), "73f760831d9e89f39c6c61b9ac2192c7");
    }
}
