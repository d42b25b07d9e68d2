use ::sqlx::Database;

/// The dialect of SQL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    Sqlite,
    /// The driver `Any`, or one of another crate: only what the SQL standard defines.
    Other,
}

impl Dialect {
    pub(super) fn of<DB: Database>() -> Self {
        match DB::NAME {
            "PostgreSQL" => Self::Postgres,
            "MySQL" => Self::MySql,
            "SQLite" => Self::Sqlite,
            _ => Self::Other,
        }
    }
}
