use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

use super::error::PostgresError;
use super::pool::Pool;
use super::sql::Sql;
use crate::fleet::checkpoint_json::checkpoint_to_json;
use crate::fleet::engine::{Claimed, ClaimedOf, Engine, Outcome, Ownership, Partition};
use crate::fleet::fleet_progress::{FleetProgress, SetAside};
use crate::pages::{Checkpoint, Cursor};

/// The maximum length of the name of a partition. A key of an index has at most 2,704 bytes.
const NAME_LENGTH: usize = 2000;

/// An [`Engine`] on PostgreSQL 13 or later, which commits items and checkpoints in transactions.
///
/// # Exactly once
///
/// A commit is one transaction, which stores the items and the checkpoint. The server executes it completely or not at all.
/// Its first statement changes the row of the partition, if the row has the number of the claim in the
/// [token](PostgresToken). If another worker has claimed the partition meanwhile, the number differs, and nothing is stored.
///
/// After a lost connection, the server may have executed the transaction of a commit, may still execute it, or may not have
/// received it yet. [`Engine::read`] changes the row too: it waits for a transaction that is being executed, and one that
/// arrives later is fenced. So the checkpoint that it returns is final.
///
/// # Stopped processes
///
/// If a process was stopped, or disconnected, for longer than its lease, each call returns [`Fenced`](Ownership::Fenced) as
/// soon as another worker has claimed the partition. Leases expire by the server's clock. If a process is stopped inside the
/// transaction of a commit, the server rolls the transaction back after the lease time
/// (`idle_in_transaction_session_timeout`).
///
/// # Recovery
///
/// When a process is killed, its connection is closed, and its partitions can be claimed at once: the row of a partition
/// contains the backend process of its owner's connection, which `pg_stat_activity` does not list any more. If the machine of
/// the owner fails or is unreachable, its connection is not closed, and the partition is free when its lease expires. The same
/// applies after a restart of the server, which closes all connections: the owners have the rest of the lease time to
/// reconnect.
///
/// A process that loses only its connection reconnects with its next statement. Another worker may have claimed its partition
/// by then. This costs time, but no item is lost or stored twice.
///
/// # Durability
///
/// | `synchronous_commit` | lost when the server crashes |
/// |---|---|
/// | `on` (default), `remote_apply`, `remote_write` with synchronous standbys | nothing that was committed |
/// | `local` | nothing that was committed; in a failover, the commits that were not replicated |
/// | `off` | the last commits, at most three times `wal_writer_delay` (600 ms): the items together with their checkpoints, so that the pages are read again, and stored once |
///
/// After a failover to an asynchronous standby, the last commits may be lost as well, together with their checkpoints.
/// With `fsync = off`, a crash of the operating system can destroy the database.
///
/// # Connections
///
/// An engine has [several](crate::fleet::PostgresBuilder::connections) connections for commits, up to 4 by default, and one
/// for the other statements. They are driven by tasks that end with the engine, and are replaced when they are lost. A
/// statement that is not answered within the lease time is an [error](PostgresError::Timeout).
///
/// Through `PgBouncer`, use [`detect_dead_owners(false)`](crate::fleet::PostgresBuilder::detect_dead_owners). The engine uses
/// no session state and no prepared statements of its own, so all pool modes work, except that `pool_mode = statement` does
/// not allow the transaction of [`store`](crate::fleet::PostgresBuilder::store).
///
/// # Tables
///
/// `fleet_items` has the columns `id`, which increases within each partition, `partition`, and `item`, which has the type
/// `json`, because `jsonb` does not preserve all numbers and strings. [`store`](crate::fleet::PostgresBuilder::store) writes
/// to tables of your own instead. `fleet_partitions` has the state of the fleet. You may query it, but only the engine may
/// change it.
///
/// The name of a partition has at most 2000 bytes, and no NUL character; another name is an
/// [error](PostgresError::PartitionName).
///
/// # Examples
///
/// ```no_run
/// use withal::fleet::{Engine, PostgresEngine};
///
/// # async fn example() -> Result<(), withal::fleet::PostgresError> {
/// let engine = PostgresEngine::<String, u32>::connect("postgres://crawler@db/crawl").await?;
/// engine.add(["a", "b"]).await?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresEngine<T, C> {
    pub(super) pool: Pool,
    pub(super) sql: Sql,
    pub(super) lease_time: Duration,
    pub(super) detects_dead_owners: bool,
    /// `None` stores the items as JSON.
    pub(super) store: Option<Arc<Store<T>>>,
    pub(super) types: PhantomData<fn() -> C>,
}

/// The token of a claim of a [`PostgresEngine`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresToken {
    name: String,
    /// The number of claims and releases of the partition.
    fence: i64,
    /// The number of commits and reads that this claim has seen.
    version: i64,
}

/// The closure that stores the items of a page in the transaction of their commit.
pub(super) type Store<T> = dyn for<'a> Fn(
        &'a Transaction<'a>,
        &'a str,
        &'a [T],
    ) -> BoxFuture<'a, Result<(), Box<dyn Error + Send + Sync>>>
    + Send
    + Sync;

/// A parameter of a statement, with its type.
type Param<'a> = (&'a (dyn ToSql + Sync), Type);

impl<T, C> PostgresEngine<T, C> {
    pub(super) async fn create_tables(&self) -> Result<(), PostgresError> {
        // `CREATE TABLE IF NOT EXISTS` requires the privilege to create a table, even if the table exists.
        let rows = self.query(&self.sql.exists, &[]).await?;
        if rows.first().is_some_and(|row| row.get(0)) {
            return Ok(());
        }
        let session = self.pool.shared().await?;
        Ok(session.client.batch_execute(&self.sql.create).await?)
    }

    /// Runs a statement on the shared connection, and returns its rows.
    async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, PostgresError> {
        let mut used = None;
        let run = async {
            let session = self.pool.shared().await?;
            used = Some(Arc::clone(&session));
            session.client.query_typed(sql, params).await
        };
        if let Ok(rows) = timeout(self.lease_time, run).await {
            return Ok(rows?);
        }
        if let Some(session) = used {
            self.pool.discard(&session).await;
        }
        Err(PostgresError::Timeout(self.lease_time))
    }

    /// Runs a statement that changes the row of a claim, selected by its name and fence.
    async fn change(
        &self,
        sql: &str,
        token: &PostgresToken,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, PostgresError> {
        let mut all = vec![text(&token.name), int8(&token.fence)];
        all.extend_from_slice(params);
        self.query(sql, &all).await
    }

    fn milliseconds(&self) -> f64 {
        milliseconds(self.lease_time)
    }
}

impl<T: Serialize, C: Cursor + Serialize + DeserializeOwned> PostgresEngine<T, C> {
    /// Runs the transaction of a commit. Returns `false` if the claim has ended.
    async fn commit_items(
        &self,
        token: &PostgresToken,
        items: &[T],
        checkpoint: &Checkpoint<C>,
    ) -> Result<bool, PostgresError> {
        let stored_checkpoint = checkpoint_to_json(checkpoint)?;
        let (count, is_done) = (i64::try_from(items.len()).unwrap_or(i64::MAX), checkpoint.is_done());
        let lease = self.milliseconds();
        let mut params = vec![
            text(&token.name),
            int8(&token.fence),
            int8(&token.version),
            text(&stored_checkpoint),
            int8(&count),
            (&is_done, Type::BOOL),
            float8(&lease),
        ];
        let mut session;
        let is_owned = if let Some(store) = &self.store {
            session = self.pool.borrow().await?;
            let transaction = session.client.transaction().await?;
            let idle_timeout = format!("{:.0}", lease.clamp(1.0, f64::from(i32::MAX)));
            params.push(text(&idle_timeout));
            let is_owned = !transaction.query_typed(&self.sql.hold, &params).await?.is_empty();
            if is_owned {
                store(&transaction, &token.name, items).await.map_err(PostgresError::Store)?;
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            is_owned
        } else {
            let items = items.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            params.push((&items, Type::TEXT_ARRAY));
            session = self.pool.borrow().await?;
            !session.client.query_typed(&self.sql.commit, &params).await?.is_empty()
        };
        session.put_back();
        Ok(is_owned)
    }
}

impl<T, C> Engine for PostgresEngine<T, C>
where
    T: Serialize + Send + Sync + 'static,
    C: Cursor + Sync + Serialize + DeserializeOwned,
{
    type Item = T;
    type Cursor = C;
    type Token = PostgresToken;
    type Error = PostgresError;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), PostgresError> {
        check_names(&partitions)?;
        self.query(&self.sql.add, &[(&partitions, Type::TEXT_ARRAY)]).await?;
        Ok(())
    }

    async fn retry_set_aside(&self) -> Result<u64, PostgresError> {
        let rows = self.query(&self.sql.retry_set_aside, &[]).await?;
        Ok(rows.len() as u64)
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, PostgresError> {
        let lease = self.milliseconds();
        let params = [float8(&lease), (&self.detects_dead_owners as _, Type::BOOL)];
        if let Some(row) = self.query(&self.sql.claim, &params).await?.first() {
            let token = PostgresToken { name: row.get(0), fence: row.get(1), version: row.get(2) };
            let attempt: i32 = row.get(4);
            let checkpoint = match checkpoint_of(row.get(3)) {
                Ok(checkpoint) => checkpoint,
                Err(error) => {
                    // A program with another type of cursors must not count as an attempt.
                    drop(self.release(&token, Outcome::Continue).await);
                    return Err(error);
                }
            };
            let name = token.name.clone();
            let attempt = u32::try_from(attempt).unwrap_or_default();
            return Ok(Claimed::Partition(Partition::new(name, token, checkpoint, attempt)));
        }
        let rows = self.query(&self.sql.not_yet, &params[1..]).await?;
        let milliseconds: Option<f64> = rows.first().and_then(|row| row.get(0));
        Ok(milliseconds.map_or(Claimed::Finished, |milliseconds| {
            Claimed::NotYet(Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default())
        }))
    }

    async fn commit(
        &self,
        token: &mut PostgresToken,
        items: Arc<[T]>,
        checkpoint: &Checkpoint<C>,
    ) -> Result<Ownership, PostgresError> {
        let commit = timeout(self.lease_time, self.commit_items(token, &items, checkpoint));
        let is_owned = commit.await.map_err(|_| PostgresError::Timeout(self.lease_time))??;
        token.version += i64::from(is_owned);
        Ok(Ownership::owned_if(is_owned))
    }

    async fn read(&self, token: &mut PostgresToken) -> Result<Option<Checkpoint<C>>, PostgresError> {
        let rows = self.change(&self.sql.read, token, &[]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        token.version = row.get(0);
        checkpoint_of(row.get(1)).map(Some)
    }

    async fn renew(&self, token: &PostgresToken) -> Result<Ownership, PostgresError> {
        let lease = self.milliseconds();
        let rows = self.change(&self.sql.renew, token, &[float8(&lease)]).await?;
        Ok(Ownership::owned_if(!rows.is_empty()))
    }

    async fn release(&self, token: &PostgresToken, outcome: Outcome) -> Result<Ownership, PostgresError> {
        let (uncounted, state, error, after) = match outcome {
            Outcome::Done => (0, "done", None, Duration::ZERO),
            Outcome::Continue => (1, "open", None, Duration::ZERO),
            Outcome::Retry { after, error } => (0, "open", Some(error), after),
            Outcome::SetAside { error } => (0, "set aside", Some(error), Duration::ZERO),
        };
        // A text of PostgreSQL cannot contain this character.
        let error = error.map(|error| error.replace('\0', "\u{fffd}"));
        let after = milliseconds(after);
        let params = [
            (&uncounted as _, Type::INT4),
            (&state as _, Type::TEXT),
            (&error as _, Type::TEXT),
            float8(&after),
        ];
        let rows = self.change(&self.sql.release, token, &params).await?;
        Ok(Ownership::owned_if(!rows.is_empty()))
    }

    async fn progress(&self) -> Result<FleetProgress, PostgresError> {
        let counts = self.query(&self.sql.progress, &[]).await?;
        let set_aside = self.query(&self.sql.set_aside, &[]).await?;
        let mut progress = FleetProgress::default();
        if let Some(row) = counts.first() {
            let count = |at| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
            progress.pending = count(0);
            progress.leased = count(1);
            progress.waiting = count(2);
            progress.done = count(3);
            progress.items = count(4);
        }
        progress.set_aside = set_aside
            .iter()
            .map(|row| SetAside::new(row.get::<_, String>(0), row.get::<_, String>(1)))
            .collect();
        Ok(progress)
    }
}

impl<T, C> fmt::Debug for PostgresEngine<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEngine")
            .field("lease_time", &self.lease_time)
            .field("detect_dead_owners", &self.detects_dead_owners)
            .finish_non_exhaustive()
    }
}

/// Checks the names before the request: the error of the server would not name the partition.
fn check_names(partitions: &[String]) -> Result<(), PostgresError> {
    for partition in partitions {
        let reason = if partition.len() > NAME_LENGTH {
            "has more than 2000 bytes: use a shorter name"
        } else if partition.contains('\0') {
            "contains a NUL character, which PostgreSQL cannot store"
        } else {
            continue;
        };
        return Err(PostgresError::PartitionName { partition: partition.clone(), reason });
    }
    Ok(())
}

/// A partition without a stored checkpoint starts at the first page.
fn checkpoint_of<C: DeserializeOwned>(stored: Option<&str>) -> Result<Checkpoint<C>, PostgresError> {
    Ok(stored.map(serde_json::from_str).transpose()?.unwrap_or_default())
}

/// The time in milliseconds, at most a hundred years, which PostgreSQL can add to its clock.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).min(3.2e12)
}

fn text(value: &String) -> Param<'_> {
    (value, Type::TEXT)
}

fn int8(value: &i64) -> Param<'_> {
    (value, Type::INT8)
}

fn float8(value: &f64) -> Param<'_> {
    (value, Type::FLOAT8)
}
