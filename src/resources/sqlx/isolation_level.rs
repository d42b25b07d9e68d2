/// The isolation level of a transaction, as defined by SQL, for
/// [`isolation_level`](super::ManagedTransaction::isolation_level).
///
/// A database may choose a stricter level: PostgreSQL treats `ReadUncommitted` as `ReadCommitted`, and SQLite is always
/// `Serializable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IsolationLevel {
    /// Statements may read uncommitted changes of other transactions.
    ReadUncommitted,
    /// Each statement reads the data that was committed before it began. The default of PostgreSQL.
    ReadCommitted,
    /// All statements read the data that was committed before the first one began. The default of MySQL and MariaDB.
    RepeatableRead,
    /// The result is that of some serial order of the transactions. To ensure that, the database may fail a transaction,
    /// which then has to run again: see [`retry_serialization`](super::ManagedTransaction::retry_serialization).
    Serializable,
}

impl IsolationLevel {
    /// Returns the level in SQL.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}
