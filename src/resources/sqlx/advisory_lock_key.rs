use std::fmt::Write as _;

/// The key of an advisory lock. Each key has a lock of its own.
///
/// | created from | PostgreSQL | MySQL, MariaDB |
/// |---|---|---|
/// | `i64` | the key itself, as of `pg_advisory_lock(key)` | its decimal digits |
/// | `(i32, i32)` | the pair, as of `pg_advisory_lock(a, b)`, which differs from every `i64` | `a,b` |
/// | `&str`, `&String`, `String` | `hashtextextended(text, 0)`, of PostgreSQL 11; two texts may have the same hash | the text, of at most 64 characters |
///
/// Programs that use the same key exclude each other: in PostgreSQL within a database, in MySQL and MariaDB within a
/// server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdvisoryLockKey {
    /// One number.
    BigInt(i64),
    /// A pair of numbers, for example a class and an object.
    Pair(i32, i32),
    /// A name.
    Text(String),
}

impl AdvisoryLockKey {
    /// Returns the arguments of PostgreSQL's functions.
    pub(super) fn postgres(&self) -> String {
        match self {
            Self::BigInt(key) => format!("({key})::bigint"),
            Self::Pair(a, b) => format!("({a})::integer, ({b})::integer"),
            Self::Text(text) => {
                format!("hashtextextended(convert_from(decode('{}', 'hex'), 'UTF8'), 0)", hex(text))
            }
        }
    }

    /// Returns the name of the lock in MySQL.
    pub(super) fn mysql(&self) -> String {
        let name = match self {
            Self::BigInt(key) => key.to_string(),
            Self::Pair(a, b) => format!("{a},{b}"),
            Self::Text(text) => text.clone(),
        };
        format!("CONVERT(x'{}' USING utf8mb4)", hex(&name))
    }
}

/// Returns the bytes in hexadecimal digits, which need no quoting, in any mode of the server.
fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _written = write!(digits, "{byte:02x}");
        digits
    })
}

impl From<i64> for AdvisoryLockKey {
    fn from(key: i64) -> Self {
        Self::BigInt(key)
    }
}

impl From<(i32, i32)> for AdvisoryLockKey {
    fn from((a, b): (i32, i32)) -> Self {
        Self::Pair(a, b)
    }
}

impl From<&str> for AdvisoryLockKey {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for AdvisoryLockKey {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for AdvisoryLockKey {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
