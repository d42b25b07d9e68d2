//! Rows of withal.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use withal::context::async_with;
use withal::tasks::{self, TaskGroup};

use super::work;

pub(super) async fn group(n: u64) -> u64 {
    let total = Arc::new(AtomicU64::new(0));
    let ended = async_with!(group = TaskGroup::new() => {
        for number in 0..n {
            let total = Arc::clone(&total);
            group.create_task(async move {
                total.fetch_add(work(number).await, Ordering::Relaxed);
                Ok::<_, Infallible>(())
            });
        }
    });
    ended.expect("none fails");
    total.load(Ordering::Relaxed)
}

pub(super) async fn in_place(n: u64) -> u64 {
    let total = AtomicU64::new(0);
    let ended = tasks::in_place(async |group| {
        for number in 0..n {
            let total = &total;
            group.spawn(async move {
                total.fetch_add(work(number).await, Ordering::Relaxed);
                Ok(())
            });
        }
        Ok::<_, Infallible>(())
    });
    ended.await.expect("none fails");
    total.into_inner()
}

pub(super) async fn as_completed(n: u64) -> u64 {
    let mut completed = tasks::as_completed((0..n).map(work));
    let mut total = 0;
    while let Some((_, number)) = completed.next().await {
        total += number;
    }
    total
}
