//! The statements of the transactions that take more than one.

use std::time::Duration;

use rusqlite::{OptionalExtension, ToSql, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::SqliteError;
use super::owner::Owner;
use super::schema::{FINISHED, FREE, LEASED, SET_ASIDE, millis, now};
use super::token::SqliteToken;
use crate::fleet::engine::{Claimed, Outcome, Ownership, Partition};
use crate::fleet::fleet_progress::{FleetProgress, SetAside};
use crate::pages::Checkpoint;

/// Stores items in the table of the engine.
pub(super) fn store_json<T: Serialize>(
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
fn free_ended(transaction: &Transaction<'_>, this: &Owner) -> Result<(), SqliteError> {
    let mut select = transaction
        .prepare("SELECT DISTINCT owner FROM fleet_partitions WHERE state = 1 AND owner IS NOT NULL")?;
    let owners = select.query_map([], |row| row.get::<_, String>(0))?;
    for owner in owners.collect::<Result<Vec<_>, _>>()? {
        if this.sees_end_of(&owner) {
            // The epoch changes with the next claim. Until then, only the ended process had a token with this one.
            transaction.execute(
                "UPDATE fleet_partitions SET state = CASE done WHEN 1 THEN ? ELSE ? END, due = 0, owner = NULL
                 WHERE state = 1 AND owner = ?",
                params![FINISHED, FREE, owner],
            )?;
        }
    }
    this.checked();
    Ok(())
}

/// The columns of a partition that is claimed: name, due, checkpoint, epoch, commits and attempt.
type Found = (String, i64, Option<String>, i64, i64, u32);

/// Returns the partition whose lease has expired, or else the one that has been free, or will be free, for the longest time.
fn find(transaction: &Transaction<'_>, now: i64) -> Result<Option<Found>, rusqlite::Error> {
    let select = |from: &str, params: &[&dyn ToSql]| {
        let columns = "name, due, checkpoint, epoch + 1, commits, attempt + 1";
        let select = format!("SELECT {columns} FROM fleet_partitions {from} LIMIT 1");
        let row = transaction.query_row(&select, params, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        });
        row.optional()
    };
    // The index has the partitions with an owner, which are few.
    let expired = "INDEXED BY fleet_partitions_owner WHERE state = 1 AND done = 0 AND due <= ? ORDER BY due";
    match select(expired, &[&now])? {
        None => select("WHERE state < 2 AND done = 0 ORDER BY due, name", &[]),
        expired => Ok(expired),
    }
}

/// Claims a partition whose lease has expired, or else the one that has been free for the longest time.
pub(super) fn claim<C: DeserializeOwned>(
    transaction: &Transaction<'_>,
    owner: &Owner,
    lease_time: i64,
) -> Result<Claimed<SqliteToken, C>, SqliteError> {
    let now = now();
    let is_free = |found: &Option<Found>| found.as_ref().is_some_and(|found| found.1 <= now);
    let is_check_due = owner.is_check_due();
    if is_check_due {
        free_ended(transaction, owner)?;
    }
    let mut found = find(transaction, now)?;
    if !is_check_due && !is_free(&found) {
        // No partition is free, so this worker has the time for a check.
        free_ended(transaction, owner)?;
        found = find(transaction, now)?;
    }
    let Some((name, due, checkpoint, epoch, commits, attempt)) = found else {
        // A finished partition has an owner, which may add others.
        let end = "SELECT max(due) FROM fleet_partitions INDEXED BY fleet_partitions_owner WHERE state = 1";
        let end: Option<i64> = transaction.query_row(end, [], |row| row.get(0))?;
        let wait = end.filter(|end| *end > now).map(|end| Duration::from_millis(end.abs_diff(now)));
        return Ok(wait.map_or(Claimed::Finished, Claimed::NotYet));
    };
    if due > now {
        return Ok(Claimed::NotYet(Duration::from_millis(due.abs_diff(now))));
    }
    transaction.execute(
        "UPDATE fleet_partitions SET state = ?, due = ?, epoch = ?, attempt = ?, owner = ? WHERE name = ?",
        params![LEASED, now + lease_time, epoch, attempt, owner.id(), name],
    )?;
    let checkpoint =
        checkpoint.map_or_else(|| Ok(Checkpoint::default()), |json| serde_json::from_str(&json))?;
    let token = SqliteToken { partition: name.as_str().into(), epoch, commits };
    Ok(Claimed::Partition(Partition::new(name, token, checkpoint, attempt)))
}

/// Frees the partitions that were set aside. Their claims have ended, so no token has their epoch.
pub(super) fn retry_set_aside(transaction: &Transaction<'_>) -> Result<u64, SqliteError> {
    let rows = transaction.execute(
        "UPDATE fleet_partitions SET state = ?, due = ?, attempt = 0, error = NULL WHERE state = ? AND done = 0",
        params![FREE, now(), SET_ASIDE],
    )?;
    Ok(rows as u64)
}

pub(super) fn release(
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

pub(super) fn progress(transaction: &Transaction<'_>) -> Result<FleetProgress, SqliteError> {
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
