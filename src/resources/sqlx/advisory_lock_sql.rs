use std::time::{Duration, Instant};

use ::sqlx::Error;
use ::sqlx::error::DatabaseError;

use super::advisory_lock_error::AdvisoryLockError;
use super::advisory_lock_key::AdvisoryLockKey;
use super::dialect::Dialect;
use super::sqlx_database::SqlxDatabase;

/// The time limit of one statement that waits for a lock, because a server process does not notice while it waits that its
/// client has closed the connection.
const SLICE: Duration = Duration::from_secs(5);

/// The time to wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Forever,
    AtMost(Duration),
    No,
}

/// The event that releases a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unlock, or the end of the session.
    Session,
    /// The end of the transaction.
    Transaction,
}

impl Kind {
    /// Returns the middle of the names of PostgreSQL's functions.
    fn infix(self) -> &'static str {
        match self {
            Self::Session => "",
            Self::Transaction => "xact_",
        }
    }
}

/// Acquires a lock. After an error of the kinds `Held` and `TimedOut`, the connection is as before.
pub(super) async fn acquire<DB: SqlxDatabase>(
    connection: &mut DB::Connection,
    key: &AdvisoryLockKey,
    kind: Kind,
    wait: Wait,
) -> Result<(), AdvisoryLockError> {
    if !is_supported::<DB>(kind) {
        return Err(AdvisoryLockError::Unsupported(DB::NAME));
    }
    let start = Instant::now();
    loop {
        let slice = match wait {
            Wait::Forever => SLICE,
            Wait::No => Duration::ZERO,
            Wait::AtMost(limit) => limit.saturating_sub(start.elapsed()).min(SLICE),
        };
        let is_acquired = if slice.is_zero() {
            DB::has_row(connection, &try_statement::<DB>(key, kind)).await?
        } else {
            acquire_within::<DB>(connection, key, kind, slice).await?
        };
        match wait {
            _ if is_acquired => return Ok(()),
            Wait::No => return Err(AdvisoryLockError::Held),
            Wait::AtMost(limit) if start.elapsed() >= limit => {
                return Err(AdvisoryLockError::TimedOut(limit));
            }
            Wait::AtMost(_) | Wait::Forever => {}
        }
    }
}

fn is_supported<DB: SqlxDatabase>(kind: Kind) -> bool {
    match Dialect::of::<DB>() {
        Dialect::Postgres => true,
        Dialect::MySql => kind == Kind::Session,
        Dialect::Sqlite | Dialect::Other => false,
    }
}

/// Returns a query that returns a row if the lock was acquired.
fn try_statement<DB: SqlxDatabase>(key: &AdvisoryLockKey, kind: Kind) -> String {
    if Dialect::of::<DB>() == Dialect::MySql {
        return format!("SELECT 1 FROM DUAL WHERE GET_LOCK({}, 0) = 1", key.mysql());
    }
    format!("SELECT 1 WHERE pg_try_advisory_{}lock({})", kind.infix(), key.postgres())
}

/// Waits for a lock in the queue of the server, for about `limit`.
async fn acquire_within<DB: SqlxDatabase>(
    connection: &mut DB::Connection,
    key: &AdvisoryLockKey,
    kind: Kind,
    limit: Duration,
) -> Result<bool, Error> {
    if Dialect::of::<DB>() == Dialect::MySql {
        // MariaDB waits for fractions of a second, and MySQL rounds them.
        let sql =
            format!("SELECT 1 FROM DUAL WHERE GET_LOCK({}, {:.3}) = 1", key.mysql(), limit.as_secs_f64());
        return DB::has_row(connection, &sql).await;
    }
    // All statements are sent at once. The server stops at the first that fails.
    let lock = format!("SELECT pg_advisory_{}lock({})", kind.infix(), key.postgres());
    // 0 would be no limit.
    let limit = format!("SET LOCAL lock_timeout = '{}ms'", limit.as_millis().max(1));
    let (sql, undo) = match kind {
        // The lock outlives the transaction, and the setting does not.
        Kind::Session => (format!("BEGIN; {limit}; {lock}; COMMIT"), "ROLLBACK"),
        // The setting would remain until the end of the transaction, so its value is kept in a variable.
        Kind::Transaction => (
            format!(
                "SAVEPOINT withal_lock; \
                 SELECT set_config('withal.lock_timeout', current_setting('lock_timeout'), true); \
                 {limit}; {lock}; \
                 SELECT set_config('lock_timeout', current_setting('withal.lock_timeout'), true); \
                 RELEASE SAVEPOINT withal_lock"
            ),
            "ROLLBACK TO SAVEPOINT withal_lock; RELEASE SAVEPOINT withal_lock",
        ),
    };
    match DB::execute(connection, &sql).await {
        Ok(()) => Ok(true),
        Err(error) if is_lock_timeout(&error) => {
            DB::execute(connection, undo).await?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Returns `true` for PostgreSQL's `lock_not_available`.
fn is_lock_timeout(error: &Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "55P03")
}

/// Releases a lock of the session. Returns `true` if the session held it, and now holds no advisory lock and is in no
/// transaction.
pub(super) async fn release<DB: SqlxDatabase>(
    connection: &mut DB::Connection,
    key: &AdvisoryLockKey,
) -> Result<bool, Error> {
    // `CASE` evaluates its branches after the condition.
    let sql = if Dialect::of::<DB>() == Dialect::MySql {
        // The server cannot be asked whether it is in a transaction.
        DB::execute(connection, "ROLLBACK").await?;
        let name = key.mysql();
        format!(
            "SELECT 1 FROM DUAL WHERE CASE WHEN RELEASE_LOCK({name}) = 1 \
             THEN COALESCE(IS_USED_LOCK({name}) <> CONNECTION_ID(), TRUE) ELSE FALSE END"
        )
    } else {
        // Both times are the same in the first statement of a transaction, and thus in one that is a transaction of its own.
        format!(
            "SELECT 1 WHERE CASE WHEN pg_advisory_unlock({}) THEN NOT EXISTS \
             (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) \
             AND transaction_timestamp() = statement_timestamp() ELSE false END",
            key.postgres()
        )
    };
    DB::has_row(connection, &sql).await
}
