use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::Database;
use super::error::SqliteError;
use super::owner::{has_ended, this_process};
use super::schema::{FINISHED, FREE, LEASED, SET_ASIDE, millis, now, prepare};
use crate::fleet::checkpoint_json::checkpoint_to_json;
use crate::fleet::engine::{Claimed, ClaimedOf, DEFAULT_LEASE_TIME, Engine, Outcome, Ownership, Partition};
use crate::fleet::fleet_progress::{FleetProgress, SetAside};
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
/// - A process that forks must open the file after the fork, because SQLite does not support a connection in two processes.
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
/// engine.add(["a", "b"].map(Into::into).into()).await?;
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
    owner: Arc<str>,
    store: Arc<Store<T>>,
    cursor: PhantomData<fn(C) -> C>,
}

/// Writes the items of a commit.
type Store<T> = dyn Fn(&Transaction<'_>, &str, i64, &[T]) -> Result<(), SqliteError> + Send + Sync;

/// The token of a claim of a [`SqliteEngine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteToken {
    partition: Arc<str>,
    /// The number of claims of the partition.
    epoch: i64,
    /// The number of commits that this claim has seen.
    commits: i64,
}

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
    /// [`SqliteError::Sqlite`] if the file cannot be opened, or is not a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        let connection = Connection::open(path)?;
        prepare(&connection)?;
        let engine = Self {
            database: Database::new(connection),
            lease_time: DEFAULT_LEASE_TIME,
            owner: this_process().into(),
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
    /// engine.add(vec!["users".to_owned()]).await?;
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

/// Stores items in the table of the engine.
fn store_json<T: Serialize>(
    transaction: &Transaction<'_>,
    partition: &str,
    first: i64,
    items: &[T],
) -> Result<(), SqliteError> {
    let mut insert =
        transaction.prepare("INSERT INTO fleet_items (partition, number, item) VALUES (?, ?, ?)")?;
    for (number, item) in (first..).zip(items) {
        insert.execute(params![partition, number, serde_json::to_string(item)?])?;
    }
    Ok(())
}

/// Frees the partitions of processes that have ended, so that they are claimed before the others.
fn free_ended(transaction: &Transaction<'_>, this: &str) -> Result<(), SqliteError> {
    let mut select = transaction
        .prepare("SELECT DISTINCT owner FROM fleet_partitions WHERE state = 1 AND owner IS NOT NULL")?;
    let owners = select.query_map([], |row| row.get::<_, String>(0))?;
    for owner in owners.collect::<Result<Vec<_>, _>>()? {
        if owner != this && has_ended(&owner) {
            // The epoch changes with the next claim. Until then, only the ended process had a token with this one.
            transaction.execute(
                "UPDATE fleet_partitions SET state = CASE done WHEN 1 THEN ? ELSE ? END, due = 0, owner = NULL
                 WHERE state = 1 AND owner = ?",
                params![FINISHED, FREE, owner],
            )?;
        }
    }
    Ok(())
}

/// Claims a partition whose lease has expired, or else the one that has been free for the longest time.
fn claim<C: DeserializeOwned>(
    transaction: &Transaction<'_>,
    owner: &str,
    lease_time: i64,
) -> Result<Claimed<SqliteToken, C>, SqliteError> {
    let now = now();
    free_ended(transaction, owner)?;
    let select = |from: &str, params: &[&dyn ToSql]| {
        let columns = "name, due, checkpoint, epoch + 1, commits, attempt + 1";
        let select = format!("SELECT {columns} FROM fleet_partitions {from} LIMIT 1");
        let row = transaction.query_row(&select, params, |row| {
            let row: (String, i64, Option<String>, i64, i64, u32) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            Ok(row)
        });
        row.optional()
    };
    // The index has the partitions with an owner, which are few.
    let expired = "INDEXED BY fleet_partitions_owner WHERE state = 1 AND done = 0 AND due <= ? ORDER BY due";
    let first = match select(expired, &[&now])? {
        None => select("WHERE state < 2 AND done = 0 ORDER BY due, name", &[])?,
        expired => expired,
    };
    let Some((name, due, checkpoint, epoch, commits, attempt)) = first else { return Ok(Claimed::Finished) };
    if due > now {
        return Ok(Claimed::NotYet(Duration::from_millis(due.abs_diff(now))));
    }
    transaction.execute(
        "UPDATE fleet_partitions SET state = ?, due = ?, epoch = ?, attempt = ?, owner = ? WHERE name = ?",
        params![LEASED, now + lease_time, epoch, attempt, owner, name],
    )?;
    let checkpoint =
        checkpoint.map_or_else(|| Ok(Checkpoint::default()), |json| serde_json::from_str(&json))?;
    let token = SqliteToken { partition: name.as_str().into(), epoch, commits };
    Ok(Claimed::Partition(Partition::new(name, token, checkpoint, attempt)))
}

fn release(
    transaction: &Transaction<'_>,
    token: &SqliteToken,
    outcome: Outcome,
) -> Result<Ownership, SqliteError> {
    let now = now();
    let (state, due, given_back, error) = match outcome {
        Outcome::Done => (FINISHED, now, 0, None),
        // It is claimed before the others.
        Outcome::Continue => (FREE, 0, 1, None),
        Outcome::Retry { after, error } => (FREE, now + millis(after), 0, Some(error)),
        Outcome::SetAside { error } => (SET_ASIDE, now, 0, Some(error)),
    };
    let rows = transaction.execute(
        "UPDATE fleet_partitions
         SET state = CASE done WHEN 1 THEN ?1 ELSE ?2 END, done = max(done, ?2 = ?1), due = ?3,
             attempt = max(attempt - ?4, 0), error = ?5, owner = NULL
         WHERE name = ?6 AND epoch = ?7 AND state = ?8",
        params![FINISHED, state, due, given_back, error, &*token.partition, token.epoch, LEASED],
    )?;
    Ok(Ownership::owned_if(rows == 1))
}

fn progress(transaction: &Transaction<'_>) -> Result<FleetProgress, SqliteError> {
    let now = now();
    let mut progress = FleetProgress::default();
    let counts = "SELECT
         count(*) FILTER (WHERE done = 0 AND state < 2 AND due <= ?1),
         count(*) FILTER (WHERE done = 0 AND state = 1 AND due > ?1),
         count(*) FILTER (WHERE done = 0 AND state = 0 AND due > ?1),
         count(*) FILTER (WHERE done = 1),
         ifnull(sum(items), 0)
         FROM fleet_partitions";
    let counts: [i64; 5] = transaction.query_row(counts, [now], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
    })?;
    let [pending, leased, waiting, done, items] = counts.map(i64::unsigned_abs);
    let mut aside = transaction.prepare(
        "SELECT name, ifnull(error, '') FROM fleet_partitions WHERE state = 2 AND done = 0 ORDER BY name",
    )?;
    let aside =
        aside.query_map([], |row| Ok(SetAside::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    progress.set_aside = aside.collect::<Result<_, _>>()?;
    (progress.pending, progress.leased, progress.waiting) = (pending, leased, waiting);
    (progress.done, progress.items) = (done, items);
    Ok(progress)
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

    async fn add(&self, partitions: Vec<String>) -> Result<(), SqliteError> {
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
        self.database.write(progress).await
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
