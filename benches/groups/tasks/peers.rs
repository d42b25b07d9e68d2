//! Rows of other crates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::task::JoinSet;

use super::work;

pub(super) async fn join_set(n: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let mut set = JoinSet::new();
    for number in 0..n {
        let total = Arc::clone(&total);
        set.spawn(async move {
            total.fetch_add(work(number).await, Ordering::Relaxed);
        });
    }
    while let Some(ended) = set.join_next().await {
        ended.expect("none fails");
    }
    total.load(Ordering::Relaxed)
}

pub(super) async fn moro(n: u64) -> u64 {
    let total = AtomicU64::new(0);
    moro::async_scope!(|scope| {
        for number in 0..n {
            let total = &total;
            drop(scope.spawn(async move {
                total.fetch_add(work(number).await, Ordering::Relaxed);
            }));
        }
    })
    .await;
    total.load(Ordering::Relaxed)
}

pub(super) async fn futures_unordered(n: u64) -> u64 {
    let mut futures: FuturesUnordered<_> = (0..n).map(work).collect();
    let mut total = 0;
    while let Some(number) = futures.next().await {
        total += number;
    }
    total
}

pub(super) async fn join_set_outputs(n: u64) -> u64 {
    let mut set: JoinSet<u64> = (0..n).map(work).collect();
    let mut total = 0;
    while let Some(number) = set.join_next().await {
        total += number.expect("none fails");
    }
    total
}
