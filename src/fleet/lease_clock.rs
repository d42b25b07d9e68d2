use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::later::later;

/// The validity of a lease, as its owner knows it, which the work, its renewals and its exit share.
///
/// The owner counts from before each request. The storage counts from when it handles the request, so the lease never
/// expires in the storage before it expires here, unless one of the clocks is wrong. In that case, the fence refuses the
/// commits.
#[derive(Debug)]
pub(super) struct LeaseClock {
    lease_time: Duration,
    state: Mutex<State>,
    /// Notified when the lease is lost.
    lost: Notify,
}

#[derive(Debug)]
struct State {
    renewed: Instant,
    is_lost: bool,
}

impl LeaseClock {
    pub(super) fn new(lease_time: Duration, claimed: Instant) -> Self {
        let state = Mutex::new(State { renewed: claimed, is_lost: false });
        Self { lease_time, state, lost: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the storage has renewed the lease, by a request that was sent at `asked`.
    pub(super) fn renewed(&self, asked: Instant) {
        let mut state = self.lock();
        state.renewed = state.renewed.max(asked);
    }

    pub(super) fn last_renewal(&self) -> Instant {
        self.lock().renewed
    }

    /// Returns the time at which the lease is lost unless it is renewed.
    pub(super) fn deadline(&self) -> Instant {
        later(self.last_renewal(), self.lease_time)
    }

    pub(super) fn lease_time(&self) -> Duration {
        self.lease_time
    }

    /// Records that the lease is lost. This is final.
    pub(super) fn lose(&self) {
        self.lock().is_lost = true;
        self.lost.notify_one();
    }

    /// Records that the lease is lost if its deadline has passed. Returns `true` if it is lost.
    pub(super) fn lose_if_expired(&self) -> bool {
        let mut state = self.lock();
        state.is_lost |= Instant::now() >= later(state.renewed, self.lease_time);
        state.is_lost
    }

    /// Waits until the lease is lost by [`lose`](Self::lose). Only one task may wait.
    pub(super) async fn until_lost(&self) {
        while !self.lock().is_lost {
            self.lost.notified().await;
        }
    }
}
