use std::future::pending;
use std::hint::black_box;

use super::trivial::cancel;

pub(super) async fn trivial(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let mut guard = guarden::guard!(export(wrapped) [count = 0_u64] async move { black_box(&count); });
        guard.count += black_box(1);
        sum += guard.count;
        guard.trigger().await;
    }
    sum
}

pub(super) async fn nested(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let outer = guarden::guard!(export(wrapped) [count = 0_u64] async move { black_box(&count); });
        let middle = guarden::guard!(export(wrapped) [count = 0_u64] async move { black_box(&count); });
        let inner = guarden::guard!(export(wrapped) [count = 0_u64] async move { black_box(&count); });
        sum += outer.count + middle.count + inner.count + black_box(1);
        inner.trigger().await;
        middle.trigger().await;
        outer.trigger().await;
    }
    sum
}

pub(super) async fn cancelled(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        cancel(async {
            guarden::defer!(async move {
                black_box(());
            });
            pending::<()>().await;
        });
        tokio::task::yield_now().await;
        sum += black_box(1);
    }
    sum
}
