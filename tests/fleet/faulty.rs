//! An engine in memory whose calls fail as a test decides.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use withal::fleet::{Claimed, Partition};
use withal::fleet::{ClaimedOf, Engine, FleetProgress, MemoryEngine, MemoryToken, Outcome, Ownership};
use withal::pages::{Checkpoint, PageNumber};

pub(crate) type Memory = MemoryEngine<String, PageNumber>;

/// The error of a lost connection.
#[derive(Debug, thiserror::Error)]
#[error("connection lost")]
pub(crate) struct ConnectionLost;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The request is lost.
    Before,
    /// The response is lost.
    After,
    /// The connection is lost, and the server executes the request later.
    Late(Duration),
    /// There is no response, and the request is lost.
    Hang,
}

type Plan = dyn FnMut(usize, &'static str) -> Fault + Send;

#[derive(Clone)]
pub(crate) struct Faulty {
    inner: Memory,
    calls: Arc<AtomicUsize>,
    plan: Arc<Mutex<Box<Plan>>>,
    lease_time: Duration,
}

/// The time of a request, and that of a response.
const LATENCY: Duration = Duration::from_millis(1);

impl Faulty {
    /// Creates an engine whose calls have the faults that `plan` returns for their number, from 0, and their name.
    pub(crate) fn new(
        inner: Memory,
        plan: impl FnMut(usize, &'static str) -> Fault + Send + 'static,
    ) -> Self {
        let lease_time = inner.lease_time();
        Self { inner, calls: Arc::default(), plan: Arc::new(Mutex::new(Box::new(plan))), lease_time }
    }

    /// Creates an engine whose storage has a wrong clock, by which leases expire earlier than by the engine's.
    pub(crate) fn with_wrong_clock(inner: Memory) -> Self {
        Self { lease_time: inner.lease_time() * 10, ..Self::new(inner, |_, _| Fault::None) }
    }

    /// Returns an engine on the same storage, with another plan.
    pub(crate) fn with_plan(&self, plan: impl FnMut(usize, &'static str) -> Fault + Send + 'static) -> Self {
        Self::new(self.inner.clone(), plan)
    }

    pub(crate) fn calls(&self) -> usize {
        // No call runs any more, so this is the only reference.
        self.calls.load(Ordering::Relaxed)
    }

    async fn call<R, F>(
        &self,
        name: &'static str,
        call: impl FnOnce(Memory) -> F + Send,
    ) -> Result<R, ConnectionLost>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Infallible>> + Send + 'static,
    {
        // Each call needs only a number of its own, so Relaxed suffices.
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = (self.plan.lock().unwrap())(number, name);
        sleep(LATENCY).await;
        let call = call(self.inner.clone());
        match fault {
            Fault::None => {
                let Ok(result) = call.await;
                sleep(LATENCY).await;
                return Ok(result);
            }
            Fault::Before => {}
            Fault::After => {
                let Ok(_) = call.await;
                sleep(LATENCY).await;
            }
            Fault::Late(delay) => drop(tokio::spawn(async move {
                sleep(delay).await;
                let Ok(_) = call.await;
            })),
            Fault::Hang => pending().await,
        }
        Err(ConnectionLost)
    }
}

impl Engine for Faulty {
    type Item = String;
    type Cursor = PageNumber;
    type Token = MemoryToken;
    type Error = ConnectionLost;

    fn lease_time(&self) -> Duration {
        self.lease_time
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), ConnectionLost> {
        self.call("add", |inner| async move { inner.add(partitions).await }).await
    }

    async fn retry_set_aside(&self) -> Result<u64, ConnectionLost> {
        self.call("retry_set_aside", |inner| async move { inner.retry_set_aside().await }).await
    }

    async fn claim(&self) -> Result<ClaimedOf<Self>, ConnectionLost> {
        let claimed = self.call("claim", |inner| async move { inner.claim().await }).await?;
        Ok(match claimed {
            Claimed::Partition(Partition { name, token, checkpoint, attempt, .. }) => {
                Claimed::Partition(Partition::new(name, token, checkpoint, attempt))
            }
            Claimed::NotYet(wait) => Claimed::NotYet(wait),
            Claimed::Finished => Claimed::Finished,
        })
    }

    async fn commit(
        &self,
        token: &mut MemoryToken,
        items: Arc<[String]>,
        checkpoint: &Checkpoint<PageNumber>,
    ) -> Result<Ownership, ConnectionLost> {
        let (mut sent, checkpoint) = (token.clone(), checkpoint.clone());
        let call = |inner: Memory| async move {
            let Ok(ownership) = inner.commit(&mut sent, items, &checkpoint).await;
            Ok((ownership, sent))
        };
        let (ownership, received) = self.call("commit", call).await?;
        *token = received;
        Ok(ownership)
    }

    async fn read(&self, token: &mut MemoryToken) -> Result<Option<Checkpoint<PageNumber>>, ConnectionLost> {
        let mut sent = token.clone();
        let call = |inner: Memory| async move {
            let Ok(stored) = inner.read(&mut sent).await;
            Ok((stored, sent))
        };
        let (stored, received) = self.call("read", call).await?;
        *token = received;
        Ok(stored)
    }

    async fn renew(&self, token: &MemoryToken) -> Result<Ownership, ConnectionLost> {
        let token = token.clone();
        self.call("renew", |inner| async move { inner.renew(&token).await }).await
    }

    async fn release(&self, token: &MemoryToken, outcome: Outcome) -> Result<Ownership, ConnectionLost> {
        let token = token.clone();
        self.call("release", |inner| async move { inner.release(&token, outcome).await }).await
    }

    async fn progress(&self) -> Result<FleetProgress, ConnectionLost> {
        self.call("progress", |inner| async move { inner.progress().await }).await
    }
}
