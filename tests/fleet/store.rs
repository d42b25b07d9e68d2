use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, advance};
use withal::fleet::{Claimed, Engine, Outcome, Ownership, Store, StoreEngine, StoreToken};
use withal::pages::Checkpoint;

/// The state of each row, and its items.
type Rows = BTreeMap<String, (String, Vec<String>)>;

/// A store in memory, by tokio's clock. Its clones share their rows.
#[derive(Clone)]
pub(crate) struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
    start: Instant,
    /// The number of calls of `replace` before which another client changes the row.
    conflicts: Arc<AtomicUsize>,
}

impl MemoryStore {
    pub(crate) fn new() -> Self {
        Self { rows: Arc::default(), start: Instant::now(), conflicts: Arc::default() }
    }

    pub(crate) fn items(&self, partition: &str) -> Vec<String> {
        self.rows.lock().unwrap().get(partition).map(|row| row.1.clone()).unwrap_or_default()
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    async fn rows(&self) -> Result<Vec<(String, String)>, Infallible> {
        Ok(self.rows.lock().unwrap().iter().map(|(name, row)| (name.clone(), row.0.clone())).collect())
    }

    async fn row(&self, name: &str) -> Result<Option<String>, Infallible> {
        Ok(self.rows.lock().unwrap().get(name).map(|row| row.0.clone()))
    }

    async fn replace(
        &self,
        name: &str,
        old: Option<&str>,
        new: &str,
        items: Vec<String>,
    ) -> Result<bool, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        let now = rows.get(name).map(|row| row.0.clone());
        if let Some(now) = &now {
            if self.conflicts.load(Ordering::Relaxed) > 0 {
                self.conflicts.fetch_sub(1, Ordering::Relaxed);
                // The same state, as a different text.
                rows.entry(name.to_owned()).and_modify(|row| row.0 = format!("{now} "));
                return Ok(false);
            }
        }
        if now.as_deref() != old {
            return Ok(false);
        }
        let row = rows.entry(name.to_owned()).or_default();
        new.clone_into(&mut row.0);
        row.1.extend(items);
        Ok(true)
    }

    async fn now(&self) -> Result<u64, Infallible> {
        Ok(u64::try_from(self.start.elapsed().as_millis()).unwrap())
    }
}

type Numbers = StoreEngine<MemoryStore, u32, u32>;

async fn with_one() -> Numbers {
    let engine = Numbers::new(MemoryStore::new());
    engine.add(["a"]).await.unwrap();
    engine
}

async fn claim(engine: &Numbers) -> (StoreToken<u32>, Checkpoint<u32>, u32) {
    let Claimed::Partition(claim) = engine.claim().await.unwrap() else { panic!("a partition is free") };
    assert_eq!(claim.name, "a");
    (claim.token, claim.checkpoint, claim.attempt)
}

async fn commit(engine: &Numbers, token: &mut StoreToken<u32>, items: [u32; 2]) -> Ownership {
    engine.commit(token, Arc::from(items), &Checkpoint::new(Some(items[1]), 0)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_expired_is_fenced_once_another_has_the_partition() {
    let engine = with_one().await;
    let (mut zombie, ..) = claim(&engine).await;
    assert!(commit(&engine, &mut zombie, [1, 2]).await.is_owned());
    assert!(matches!(engine.claim().await.unwrap(), Claimed::NotYet(wait) if wait == engine.lease_time()));
    advance(Duration::from_secs(20)).await;
    assert!(engine.renew(&zombie).await.unwrap().is_owned());
    advance(Duration::from_secs(30)).await;
    // The lease has expired, but no other worker has claimed the partition.
    assert!(commit(&engine, &mut zombie, [3, 4]).await.is_owned());
    advance(Duration::from_secs(30)).await;
    let (mut token, checkpoint, attempt) = claim(&engine).await;
    assert_eq!((checkpoint, attempt), (Checkpoint::new(Some(4), 0), 2));
    assert!(!commit(&engine, &mut zombie, [5, 6]).await.is_owned());
    assert!(!engine.renew(&zombie).await.unwrap().is_owned());
    assert!(!engine.release(&zombie, Outcome::Done).await.unwrap().is_owned());
    assert_eq!(engine.read(&mut zombie).await.unwrap(), None);
    assert!(commit(&engine, &mut token, [7, 8]).await.is_owned());
    assert_eq!(engine.store().items("a"), ["1", "2", "3", "4", "7", "8"]);
    assert_eq!(engine.progress().await.unwrap().items, 6);
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_stored_once() {
    let engine = with_one().await;
    let (mut token, ..) = claim(&engine).await;
    let mut again = token.clone();
    assert!(commit(&engine, &mut token, [1, 2]).await.is_owned());
    assert!(!commit(&engine, &mut again, [1, 2]).await.is_owned());
    assert_eq!(engine.read(&mut again).await.unwrap(), Some(Checkpoint::new(Some(2), 0)));
    assert!(commit(&engine, &mut again, [3, 4]).await.is_owned());
    assert_eq!(engine.store().items("a"), ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_changes_in_between_is_read_again() {
    let engine = with_one().await;
    let (mut token, ..) = claim(&engine).await;
    engine.store().conflicts.store(3, Ordering::Relaxed);
    assert!(commit(&engine, &mut token, [1, 2]).await.is_owned());
    engine.store().conflicts.store(1, Ordering::Relaxed);
    assert!(engine.release(&token, Outcome::Continue).await.unwrap().is_owned());
    engine.store().conflicts.store(1, Ordering::Relaxed);
    assert!(matches!(engine.claim().await.unwrap(), Claimed::NotYet(_)), "another worker was faster");
    assert_eq!(claim(&engine).await.2, 1);
    assert_eq!(engine.store().items("a"), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn failures_wait_and_are_set_aside() {
    let engine = with_one().await;
    let (token, ..) = claim(&engine).await;
    let error = String::from("no such shelf");
    let retry = Outcome::Retry { after: Duration::from_secs(5), error: error.clone() };
    assert!(engine.release(&token, retry).await.unwrap().is_owned());
    assert_eq!(engine.progress().await.unwrap().waiting, 1);
    assert!(matches!(engine.claim().await.unwrap(), Claimed::NotYet(wait) if wait == Duration::from_secs(5)));
    advance(Duration::from_secs(5)).await;
    let (token, _, attempt) = claim(&engine).await;
    assert_eq!(attempt, 2);
    assert!(engine.release(&token, Outcome::SetAside { error: error.clone() }).await.unwrap().is_owned());
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    let progress = engine.progress().await.unwrap();
    assert_eq!((&progress.set_aside[0].partition[..], &progress.set_aside[0].error), ("a", &error));
}

#[tokio::test(start_paused = true)]
async fn a_finished_partition_stays_finished() {
    let engine = with_one().await;
    let (token, ..) = claim(&engine).await;
    assert!(engine.release(&token, Outcome::Done).await.unwrap().is_owned());
    engine.add(["a"]).await.unwrap();
    assert!(matches!(engine.claim().await.unwrap(), Claimed::Finished));
    assert!(!engine.release(&token, Outcome::Continue).await.unwrap().is_owned());
    assert_eq!(engine.progress().await.unwrap().done, 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_another_format_is_an_error() {
    let engine = with_one().await;
    engine.store().rows.lock().unwrap().insert("b".into(), ("{}".into(), Vec::new()));
    let error = engine.claim().await.unwrap_err();
    assert!(error.to_string().starts_with("the row of partition \"b\" is missing or has another format"));
}
