//! Managers for the resources that a cancelled future loses: transactions, locks, processes and files.
//!
//! Each is a context manager: [`async_with!`](macro@crate::context::async_with) awaits its cleanup when the block completes,
//! fails or panics. If the future is dropped, the cleanup runs on the runtime. Each manager needs a feature, which adds
//! its dependencies.
//!
//! | manager | feature | cleanup |
//! |---|---|---|
//! | [`atomic_write(path)`](atomic_write()): a file that is replaced whole or not at all | `fs` | syncs and renames after success, removes the temporary file otherwise |
//! | [`temp_dir()`](temp_dir()): a temporary directory | `fs` | removes the directory and its contents |
//! | [`lock_file(path)`](lock_file()): an advisory lock of a file, between processes | `fs` | waits for the writes of the block, then unlocks the file |
//! | [`process(command)`](process()): a child process | `process` | ends the process group: SIGTERM, a grace period, SIGKILL; reaps the child |
//! | [`transaction(&pool)`](transaction()): a transaction of sqlx, with [`savepoint`](savepoint())s in it | `sqlx` | commits after success, rolls back otherwise, and returns or closes the connection |
//! | [`advisory_lock(&pool, key)`](advisory_lock()): a lock between the sessions of a database | `sqlx` | unlocks, and closes the connection if it still holds a lock |
//!
//! The folder `examples/cookbook` of the repository has managers to copy for other clients: a lock in Redis, a consumer of
//! RabbitMQ, a transaction of tokio-postgres, a subscription of NATS, servers, telemetry, sockets and test databases.
//!
//! # A transaction
//!
#![cfg_attr(not(doctest), doc = include_str!("sqlx/examples/overview.md"))]

#[cfg(feature = "fs")]
mod fs;
#[cfg(feature = "process")]
mod process;
#[cfg(feature = "sqlx")]
mod sqlx;

#[cfg(feature = "fs")]
pub use self::fs::{
    AtomicFile, AtomicWrite, AtomicWriteGuard, FileError, LockFile, LockFileGuard, TempDir, TempDirGuard,
    atomic_write, lock_file, temp_dir,
};
#[cfg(feature = "process")]
pub use self::process::{ChildProcess, Process, ProcessError, ProcessGuard, process};
#[cfg(feature = "sqlx")]
pub use self::sqlx::{
    AdvisoryLock, AdvisoryLockError, AdvisoryLockGuard, AdvisoryLockKey, AdvisoryXactLock, IsolationLevel,
    ManagedTransaction, Savepoint, SavepointGuard, SqlxDatabase, TransactionGuard, advisory_lock,
    advisory_xact_lock, savepoint, transaction,
};
