use std::future::pending;
use std::hint::black_box;

use scopeguard::guard;

use super::trivial::cancel;

pub(super) async fn trivial(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let mut count = guard(0_u64, |count| {
            black_box(count);
        });
        *count += black_box(1);
        sum += *count;
    }
    sum
}

pub(super) async fn nested(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        let [outer, middle, inner] = [(); 3].map(|()| {
            guard(0_u64, |count| {
                black_box(count);
            })
        });
        sum += *outer + *middle + *inner + black_box(1);
    }
    sum
}

pub(super) async fn cancelled(n: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..n {
        cancel(async {
            let _count = guard(0_u64, |count| {
                black_box(count);
            });
            pending::<()>().await;
        });
        sum += black_box(1);
    }
    sum
}
