//! Transactions, savepoints and advisory locks of sqlx.

mod advisory_lock;
mod advisory_lock_error;
mod advisory_lock_key;
mod advisory_lock_sql;
mod advisory_xact_lock;
mod begin;
mod dialect;
mod exclusive_connection;
mod isolation_level;
mod late_errors;
mod retry;
mod savepoint;
mod sqlx_database;
mod transaction;
mod transaction_guard;

pub use self::advisory_lock::{AdvisoryLock, AdvisoryLockGuard, advisory_lock};
pub use self::advisory_lock_error::AdvisoryLockError;
pub use self::advisory_lock_key::AdvisoryLockKey;
pub use self::advisory_xact_lock::{AdvisoryXactLock, advisory_xact_lock};
pub use self::isolation_level::IsolationLevel;
pub use self::savepoint::{Savepoint, SavepointGuard, savepoint};
pub use self::sqlx_database::SqlxDatabase;
pub use self::transaction::{ManagedTransaction, transaction};
pub use self::transaction_guard::TransactionGuard;
