use std::hint::black_box;
use std::thread;

use async_dropper_simple::{AsyncDrop, AsyncDropper};
use tokio::runtime::Builder;

#[derive(Default)]
struct Count(u64);

#[async_trait::async_trait]
impl AsyncDrop for Count {
    async fn async_drop(&mut self) {
        black_box(&self.0);
    }
}

/// A multi-thread runtime: the destructor would panic on the current-thread runtime of the other rows.
pub(super) async fn trivial(n: u64) -> u64 {
    let work = async move {
        let mut sum = 0;
        for _ in 0..n {
            let mut count = AsyncDropper::new(Count(0));
            count.0 += black_box(1);
            sum += count.0;
            drop(count);
        }
        sum
    };
    let all = thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        runtime.block_on(work)
    });
    all.join().expect("it does not panic")
}
