use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Error, ErrorCode};

/// The time for which a statement waits for a lock of another connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The states of a partition, in the column `state`.
pub(super) const FREE: i64 = 0;
pub(super) const LEASED: i64 = 1;
pub(super) const SET_ASIDE: i64 = 2;
pub(super) const FINISHED: i64 = 3;

/// `due` is the earliest time of the next claim: the end of the delay or of the lease, in milliseconds since 1970. A partition
/// with `done` is finished, but may still have an owner.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS fleet_partitions (
    name TEXT PRIMARY KEY NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    checkpoint TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    commits INTEGER NOT NULL DEFAULT 0,
    items INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    error TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fleet_partitions_due ON fleet_partitions (due, name) WHERE state < 2 AND done = 0;
CREATE INDEX IF NOT EXISTS fleet_partitions_owner ON fleet_partitions (owner) WHERE state = 1;
CREATE TABLE IF NOT EXISTS fleet_items (
    partition TEXT NOT NULL,
    number INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (partition, number)
) WITHOUT ROWID;";

/// Prepares a connection, and creates the tables that are missing.
pub(super) fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The change to WAL does not wait for locks, and several processes may open a new file at once.
    let mut attempts = 0;
    loop {
        let result = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
            .and_then(|()| connection.execute_batch(&format!("BEGIN IMMEDIATE;{SCHEMA}COMMIT;")));
        match result {
            Err(Error::SqliteFailure(error, _))
                if error.code == ErrorCode::DatabaseBusy && attempts < 100 =>
            {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            result => return result,
        }
    }
}

/// Returns the time of the system's clock in milliseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Returns a duration in milliseconds, at most a thousand years, which stands for "never".
pub(super) fn millis(duration: Duration) -> i64 {
    const FOREVER: i64 = 1000 * 86400 * 365 * 1000;
    i64::try_from(duration.as_millis()).map_or(FOREVER, |millis| millis.min(FOREVER))
}
