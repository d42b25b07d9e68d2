use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::engine::{Engine, Ownership};
use super::later::later;
use super::lease_clock::LeaseClock;

/// Renews a lease until it is lost. This future runs beside a block, and interrupts it when it completes.
pub(super) async fn keep_renewed<E: Engine>(
    engine: Arc<E>,
    token: E::Token,
    clock: Arc<LeaseClock>,
    every: Duration,
) {
    // A commit that finds that the lease is lost ends the renewals, too.
    let renewals: Pin<&mut (dyn Future<Output = ()> + Send)> = pin!(renew(&*engine, &token, &clock, every));
    let lost = pin!(clock.until_lost());
    select(renewals, lost).await;
    clock.lose();
}

/// Returns when the lease is lost.
async fn renew<E: Engine>(engine: &E, token: &E::Token, clock: &LeaseClock, every: Duration) {
    // After an error, four more attempts fit into an interval.
    let pause = every / 4;
    let mut failed_at = None;
    loop {
        // A commit also renews the lease, so the next renewal may be later than planned.
        let next = failed_at
            .map_or_else(|| later(clock.last_renewal(), every), |failed: Instant| later(failed, pause));
        sleep_until(next.min(clock.deadline())).await;
        if clock.lose_if_expired() {
            return;
        }
        if failed_at.is_none() && later(clock.last_renewal(), every) > Instant::now() {
            continue;
        }
        let asked = Instant::now();
        match timeout_at(clock.deadline(), engine.renew(token)).await {
            Ok(Ok(Ownership::Owned)) => {
                clock.renewed(asked);
                failed_at = None;
            }
            Ok(Ok(Ownership::Fenced)) => return,
            // The engine may answer the next time. The deadline decides.
            Ok(Err(_)) | Err(_) => failed_at = Some(Instant::now()),
        }
    }
}
