use std::borrow::Cow;
use std::time::Duration;

use ::sqlx::{Error, TransactionManager};

use super::dialect::Dialect;
use super::exclusive_connection::ExclusiveConnection;
use super::isolation_level::IsolationLevel;
use super::sqlx_database::SqlxDatabase;
use super::transaction_guard::TransactionGuard;
use crate::context::AsyncContextManager;

/// The options of a transaction.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) begin: Option<Cow<'static, str>>,
    pub(super) isolation_level: Option<IsolationLevel>,
    pub(super) is_read_only: bool,
    pub(super) rollback_timeout: Duration,
    pub(super) retries: u32,
}

impl Options {
    /// Returns the statements that begin a transaction, or `None` for that of sqlx.
    ///
    /// They are sent together, so the options cost no round trip.
    fn statements(&self, dialect: Dialect) -> Result<Option<Cow<'static, str>>, Error> {
        let mut modes = Vec::new();
        if let Some(level) = self.isolation_level.filter(|_| dialect != Dialect::Sqlite) {
            modes.push(format!("ISOLATION LEVEL {}", level.sql()));
        }
        if self.is_read_only {
            modes.push("READ ONLY".to_owned());
        }
        if modes.is_empty() {
            return Ok(self.begin.clone());
        }
        let begin = self.begin.as_deref().unwrap_or("BEGIN");
        let modes = modes.join(", ");
        match dialect {
            Dialect::Postgres => Ok(Some(format!("{begin}; SET TRANSACTION {modes}").into())),
            // This sets the modes of the next transaction.
            Dialect::MySql => Ok(Some(format!("SET TRANSACTION {modes}; {begin}").into())),
            Dialect::Sqlite => Ok(Some(format!("PRAGMA query_only = ON; {begin}").into())),
            Dialect::Other => Err(Error::Configuration(
                "an isolation level and `read_only` need a pool of the database's own driver".into(),
            )),
        }
    }
}

/// The second half of entering a transaction, after the connection was acquired. It is shielded.
pub(super) struct Begin<DB: SqlxDatabase> {
    pub(super) connection: ExclusiveConnection<DB>,
    pub(super) options: Options,
}

impl<DB: SqlxDatabase> AsyncContextManager for Begin<DB> {
    type Guard = TransactionGuard<DB>;

    async fn aenter(mut self) -> Result<TransactionGuard<DB>, Error> {
        let dialect = Dialect::of::<DB>();
        let statements = match self.options.statements(dialect) {
            Ok(statements) => statements,
            Err(error) => {
                self.connection.give_back();
                return Err(error);
            }
        };
        let connection = self.connection.get();
        let resets_query_only = self.options.is_read_only
            && dialect == Dialect::Sqlite
            && !DB::has_row(connection, "SELECT 1 FROM pragma_query_only WHERE query_only = 1").await?;
        if let Err(error) = DB::TransactionManager::begin(connection, statements).await {
            // SQLite has not begun, for example because the database is locked. Closing the connection would delete an
            // in-memory database. Another database may be in any state: dropping the connection closes it.
            if dialect == Dialect::Sqlite && matches!(error, Error::Database(_)) {
                if resets_query_only {
                    DB::execute(connection, "PRAGMA query_only = OFF").await?;
                }
                self.connection.give_back();
            }
            return Err(error);
        }
        Ok(TransactionGuard::new(self.connection, self.options.rollback_timeout, resets_query_only))
    }
}
