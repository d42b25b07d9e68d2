use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::Database;
use super::error::SqliteError;
use super::owner::Owner;
use super::schema::{LEASED, millis, now, prepare};
use super::statements::{claim, progress, release, retry_set_aside, store_json};
use super::token::SqliteToken;
use crate::fleet::checkpoint_json::checkpoint_to_json;
use crate::fleet::engine::{ClaimedOf, DEFAULT_LEASE_TIME, Engine, Outcome, Ownership};
use crate::fleet::fleet_progress::FleetProgress;
use crate::pages::{Checkpoint, Cursor};

/// An [`Engine`] on a SQLite file, for the processes of one machine. It needs no server. Its clones share a connection.
///
/// Partitions, checkpoints and, by default, items are in tables of the file, which each process opens. Items are stored as
/// JSON, in the table `fleet_items` with the columns `partition`, `number` (from 0) and `item`.
/// [`with_store`](Self::with_store) writes them to tables of your own instead.
///
/// By default, the SQLite library of the system is linked. To build it from source, depend on `rusqlite` with its feature
/// `bundled`.
///
/// # Exactly once
///
/// A commit is one transaction (`BEGIN IMMEDIATE`), which stores the items and the checkpoint. SQLite executes it completely
/// or not at all, even if the process is killed inside it. The transaction compares two numbers in the row of the partition
/// with the token. If the number of claims differs, another worker has claimed the partition. If the number of commits
/// differs, an earlier attempt of this commit was stored. In both cases, the commit is fenced, and changes nothing.
///
/// # Stopped processes
///
/// If a process was stopped for longer than its lease, each call returns [`Fenced`](Ownership::Fenced) as soon as another
/// worker has claimed the partition. A process that is stopped *inside* a transaction keeps the lock of the file. The calls
/// of all others wait for the lock for up to 10 seconds, then fail, and are retried.
///
/// # Recovery
///
/// On Linux, the partitions of a process that has ended for any reason are free at once: each claim looks up the owners in
/// `/proc`, by their process numbers and start times. This requires that the processes are in the same namespace of process
/// numbers, that is, in the same container, and that `/proc` shows the processes of other users. Otherwise, and on other
/// systems, the partitions are free when their leases expire.
///
/// Leases and delays end by the clock of the system. If it is set forward, they end early. If it is set back, they end late,
/// and a partition cannot be claimed before the time at which it was added.
/// Both cost time, but no item is lost or stored twice, because a worker whose partition was claimed by another one is fenced.
///
/// # Durability
///
/// The file is in WAL mode. With both values of `synchronous`, nothing that was committed is lost if a process is killed.
///
/// | `synchronous` | lost when the operating system crashes or the power fails |
/// |---|---|
/// | [`Normal`](Synchronous::Normal), the default | the last commits: the items together with their checkpoints, so that the pages are read again, and stored once |
/// | [`Full`](Synchronous::Full) | nothing that was committed, if the disk honors `fsync`; each commit waits for the disk |
///
/// # Limitations
///
/// - The file must be on a local disk: WAL needs shared memory, which network file systems do not have.
/// - A process that forks must open the file after the fork, because SQLite does not support a connection in two processes. In the
///   forked process, each call is an [error](SqliteError::Forked). A program that is started by
///   [`Command`](std::process::Command) does not inherit the file.
/// - Read or copy the file of a running fleet only with SQLite, by `VACUUM INTO` or the backup API: POSIX releases all locks of a
///   process on a file when the process closes any handle of that file.
/// - While the disk is full, commits fail, and nothing is stored. The attempts of the partitions fail, too, and
///   [`retry_set_aside`](Engine::retry_set_aside) puts back those that were set aside.
/// - One process writes at a time. With `Full`, each commit takes the time of an `fsync`.
///
/// # Runtime
///
/// Calls run on the [blocking threads](tokio::task::spawn_blocking) of the runtime, one at a time for each engine.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use withal::fleet::{Engine, Fleet, SqliteEngine};
/// use withal::pages::by_cursor;
///
/// # let folder = std::env::temp_dir().join(format!("withal-sqlite-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("crawl.db");
/// let engine = SqliteEngine::<String, u32>::open(path)?; // in each process
/// engine.add(["a", "b"]).await?;
/// let report = Fleet::new(engine.clone())
///     .workers(2)
///     .run(async |work| {
///         let name = work.partition().to_owned();
///         let items = by_cursor(move |cursor: Option<u32>| {
///             let page = cursor.unwrap_or(1); // your request goes here
///             let items = vec![format!("{name}.{page}")];
///             async move { Ok::<_, std::io::Error>((items, (page < 3).then_some(page + 1))) }
///         });
///         work.drive(items).await
///     })
///     .await?;
/// assert_eq!(report.finished, 2);
/// assert_eq!(engine.items("a").await?, ["a.1", "a.2", "a.3"]);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
#[doc(alias("embedded", "rusqlite", "database"))]
pub struct SqliteEngine<T, C> {
    database: Database,
    lease_time: Duration,
    owner: Arc<Owner>,
    store: Arc<Store<T>>,
    cursor: PhantomData<fn(C) -> C>,
}

/// Writes the items of a commit.
type Store<T> = dyn Fn(&Transaction<'_>, &str, i64, &[T]) -> Result<(), SqliteError> + Send + Sync;

/// The durability of commits, which is `PRAGMA synchronous`: see [`SqliteEngine`](SqliteEngine#durability).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Synchronous {
    /// Waits for the disk only when the log is transferred to the database.
    Normal,
    /// Waits for the disk in each commit.
    Full,
}

impl<T: Serialize + Send + Sync + 'static, C> SqliteEngine<T, C> {
    /// Opens a file, and creates the file and the tables of the engine if they do not exist. This blocks the thread for a
    /// short time.
    ///
    /// # Errors
    ///
    /// [`SqliteError::Sqlite`] if the file cannot be opened, or is not a database. A file of a fleet that is read-only can be
    /// opened to read its items and progress.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        let connection = Connection::open(path)?;
        prepare(&connection)?;
        let engine = Self {
            database: Database::new(connection),
            lease_time: DEFAULT_LEASE_TIME,
            owner: Arc::new(Owner::this_process()),
            store: Arc::new(store_json),
            cursor: PhantomData,
        };
        engine.with_synchronous(Synchronous::Normal)
    }

    /// Sets the lease time of the claims of this engine. The default is 30 seconds.
    #[must_use]
    pub fn with_lease_time(mut self, lease_time: Duration) -> Self {
        self.lease_time = lease_time;
        self
    }

    /// Sets the [durability](Self#durability) of the commits of this engine and its clones. The default is
    /// [`Normal`](Synchronous::Normal).
    ///
    /// # Errors
    ///
    /// [`SqliteError::Sqlite`] if SQLite rejects the setting.
    pub fn with_synchronous(self, synchronous: Synchronous) -> Result<Self, SqliteError> {
        let mode = match synchronous {
            Synchronous::Normal => "normal",
            Synchronous::Full => "full",
        };
        self.database.call_now(|connection| Ok(connection.pragma_update(None, "synchronous", mode)?))?;
        Ok(self)
    }

    /// Sets the function that writes the items of a commit to tables of your own, in the transaction of the commit. By
    /// default, they are stored as JSON in `fleet_items`. The function receives the transaction, the name of the partition and
    /// the items, of which there may be none.
    ///
    /// It runs on a blocking thread. If it fails or panics, the transaction is rolled back.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use withal::fleet::{Claimed, Engine, SqliteEngine};
    /// use withal::pages::Checkpoint;
    ///
    /// # let folder = std::env::temp_dir().join(format!("withal-store-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("crawl.db");
    /// rusqlite::Connection::open(&path)?.execute_batch("CREATE TABLE users (id INTEGER, name TEXT)")?;
    /// let engine = SqliteEngine::<(i64, String), u32>::open(&path)?.with_store(|transaction, _partition, users| {
    ///     let mut insert = transaction.prepare("INSERT INTO users VALUES (?, ?)")?;
    ///     for (id, name) in users {
    ///         insert.execute((id, name))?;
    ///     }
    ///     Ok(())
    /// });
    /// engine.add(["users"]).await?;
    /// let Claimed::Partition(mut claim) = engine.claim().await? else { panic!("it is free") };
    /// let users = [(1, "ada".to_owned()), (2, "grace".to_owned())];
    /// assert!(engine.commit(&mut claim.token, users.into(), &Checkpoint::new(Some(2), 0)).await?.is_owned());
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_store<F>(mut self, store: F) -> Self
    where
        F: Fn(&Transaction<'_>, &str, &[T]) -> rusqlite::Result<()> + Send + Sync + 'static,
    {
        self.store =
            Arc::new(move |transaction, partition, _, items| Ok(store(transaction, partition, items)?));
        self
    }
}

impl<T: DeserializeOwned + Send + 'static, C> SqliteEngine<T, C> {
    /// Returns the committed items of a partition, in order, from the table `fleet_items`.
    ///
    /// # Errors
    ///
    /// A [`SqliteError`] if the items cannot be read or deserialized.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn items(&self, partition: &str) -> Result<Vec<T>, SqliteError> {
        let partition = partition.to_owned();
        self.database
            .call(move |connection| {
                let mut select =
                    connection.prepare("SELECT item FROM fleet_items WHERE partition = ? ORDER BY number")?;
                let items = select.query_map([partition], |row| row.get::<_, String>(0))?;
                items.map(|item| Ok(serde_json::from_str(&item?)?)).collect()
            })
            .await
    }
}

impl<T, C> Engine for SqliteEngine<T, C>
where
    T: Serialize + Send + Sync + 'static,
    C: Cursor + Serialize + DeserializeOwned + Sync,
{
    type Item = T;
    type Cursor = C;
    type Token = SqliteToken;
    type Error = SqliteError;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), SqliteError> {
        self.database
            .write(move |transaction| {
                let mut insert = transaction.prepare(
                    "INSERT INTO fleet_partitions (name, due) VALUES (?, ?) ON CONFLICT DO NOTHING",
                )?;
                let now = now();
                for name in partitions {
                    insert.execute(params![name, now])?;
                }
                Ok(())
            })
            .await
    }

    async fn retry_set_aside(&self) -> Result<u64, SqliteError> {
        self.database.write(retry_set_aside).await
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, SqliteError> {
        let (owner, lease_time) = (Arc::clone(&self.owner), millis(self.lease_time));
        self.database.write(move |transaction| claim(transaction, &owner, lease_time)).await
    }

    async fn commit(
        &self,
        token: &mut SqliteToken,
        items: Arc<[T]>,
        checkpoint: &Checkpoint<C>,
    ) -> Result<Ownership, SqliteError> {
        let (store, lease_time) = (Arc::clone(&self.store), millis(self.lease_time));
        let (json, is_done) = (checkpoint_to_json(checkpoint)?, checkpoint.is_done());
        let SqliteToken { partition, epoch, commits } = token.clone();
        let ownership = self
            .database
            .write(move |transaction| {
                let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let rows = transaction.execute(
                    "UPDATE fleet_partitions
                     SET checkpoint = ?, done = ?, due = ?, commits = commits + 1, items = items + ?, attempt = 1
                     WHERE name = ? AND epoch = ? AND commits = ? AND state = ? AND done = 0",
                    params![json, is_done, now() + lease_time, count, &*partition, epoch, commits, LEASED],
                )?;
                if rows == 1 && !items.is_empty() {
                    let last: i64 = transaction.query_row(
                        "SELECT items FROM fleet_partitions WHERE name = ?",
                        [&*partition],
                        |row| row.get(0),
                    )?;
                    store(transaction, &partition, last - count, &items)?;
                }
                Ok(Ownership::owned_if(rows == 1))
            })
            .await?;
        token.commits += i64::from(ownership.is_owned());
        Ok(ownership)
    }

    async fn read(&self, token: &mut SqliteToken) -> Result<Option<Checkpoint<C>>, SqliteError> {
        let SqliteToken { partition, epoch, .. } = token.clone();
        let stored = self
            .database
            .call(move |connection| {
                let row = connection.query_row(
                    "SELECT checkpoint, commits FROM fleet_partitions WHERE name = ? AND epoch = ? AND state = ?",
                    params![&*partition, epoch, LEASED],
                    |row| Ok((row.get::<_, Option<String>>(0)?, row.get(1)?)),
                );
                Ok(row.optional()?)
            })
            .await?;
        let Some((checkpoint, commits)) = stored else { return Ok(None) };
        token.commits = commits;
        Ok(Some(checkpoint.map_or_else(|| Ok(Checkpoint::default()), |json| serde_json::from_str(&json))?))
    }

    async fn renew(&self, token: &SqliteToken) -> Result<Ownership, SqliteError> {
        let (token, lease_time) = (token.clone(), millis(self.lease_time));
        self.database
            .write(move |transaction| {
                let rows = transaction.execute(
                    "UPDATE fleet_partitions SET due = ? WHERE name = ? AND epoch = ? AND state = ?",
                    params![now() + lease_time, &*token.partition, token.epoch, LEASED],
                )?;
                Ok(Ownership::owned_if(rows == 1))
            })
            .await
    }

    async fn release(&self, token: &SqliteToken, outcome: Outcome) -> Result<Ownership, SqliteError> {
        let token = token.clone();
        self.database.write(move |transaction| release(transaction, &token, outcome)).await
    }

    async fn progress(&self) -> Result<FleetProgress, SqliteError> {
        self.database.read(progress).await
    }
}

impl<T, C> Clone for SqliteEngine<T, C> {
    fn clone(&self) -> Self {
        Self {
            database: self.database.clone(),
            lease_time: self.lease_time,
            owner: Arc::clone(&self.owner),
            store: Arc::clone(&self.store),
            cursor: PhantomData,
        }
    }
}

impl<T, C> fmt::Debug for SqliteEngine<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine").field("lease_time", &self.lease_time).finish_non_exhaustive()
    }
}
