use std::hint::black_box;

use tokio::sync::Mutex;
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason};

use super::trivial::{Now, spin, ten_polls};

pub(super) async fn lock(n: u64) -> u64 {
    let count = Mutex::new(0);
    for _ in 0..n {
        let mut count = count.lock().await;
        *count += black_box(1);
        drop(count);
    }
    count.into_inner()
}

pub(super) async fn polls(n: u64) -> u64 {
    spin(async {
        let count = Mutex::new(0);
        for _ in 0..n / 10 {
            let mut count = count.lock().await;
            ten_polls(&mut count).await;
            drop(count);
        }
        count.into_inner()
    })
}

pub(super) async fn trivial(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let Ok(mut entered) = Now(0).aenter().await;
        *entered.target() += black_box(1);
        sum += *entered.target();
        let Ok(()) = entered.aexit(ExitReason::Ok).await;
    }
    sum
}

pub(super) async fn nested(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let Ok(mut outer) = Now(0).aenter().await;
        let Ok(mut middle) = Now(0).aenter().await;
        let Ok(mut inner) = Now(0).aenter().await;
        sum += *outer.target() + *middle.target() + *inner.target() + black_box(1);
        let Ok(()) = inner.aexit(ExitReason::Ok).await;
        let Ok(()) = middle.aexit(ExitReason::Ok).await;
        let Ok(()) = outer.aexit(ExitReason::Ok).await;
    }
    sum
}

pub(super) async fn stack(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let mut entered = Vec::new();
        for _ in 0..2 {
            let Ok(guard) = Now(0).aenter().await;
            entered.push(guard);
        }
        sum += entered.iter_mut().map(|guard| *guard.target()).sum::<u64>() + black_box(1);
        while let Some(mut guard) = entered.pop() {
            let Ok(()) = guard.aexit(ExitReason::Ok).await;
        }
    }
    sum
}
