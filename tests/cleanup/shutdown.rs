//! `shutdown`: the work is stopped, then the cleanups are drained.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::{JoinSet, yield_now};
use withal::cleanup::{detach, shutdown};

const ENOUGH: Duration = Duration::from_secs(60);

/// Detaches a cleanup when it is dropped.
struct Owner(Arc<Mutex<usize>>);

impl Drop for Owner {
    fn drop(&mut self) {
        let done = Arc::clone(&self.0);
        detach(async move {
            yield_now().await;
            *done.lock().unwrap() += 1;
            Ok::<_, ()>(())
        });
    }
}

#[tokio::test]
async fn cleanups_of_the_stopped_work_are_drained() {
    let done = Arc::new(Mutex::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let owner = Owner(Arc::clone(&done));
        tasks.spawn(async move {
            let _owner = owner;
            pending::<()>().await;
        });
    }
    yield_now().await;
    shutdown(tasks.shutdown(), ENOUGH).await.unwrap();
    assert_eq!(*done.lock().unwrap(), 10);
}

#[tokio::test]
async fn work_that_does_not_stop_times_out() {
    let error = shutdown(pending::<()>(), Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 0);
}

#[tokio::test]
async fn cleanups_that_do_not_finish_time_out() {
    withal_test_support::expect_reports("Pending was abandoned: its runtime shut down");
    detach(pending::<Result<(), ()>>());
    let error = shutdown(async {}, Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 1);
}

#[test]
fn outside_of_a_runtime_only_the_work_is_awaited() {
    assert_eq!(shutdown(async {}, ENOUGH).now_or_never(), Some(Ok(())));
}

/// The future stores the work once.
#[test]
fn the_size_of_a_shutdown() {
    #[expect(clippy::large_stack_arrays, reason = "the size is measured")]
    let stop = async {
        let large = [0_u8; 64 * 1024];
        yield_now().await;
        std::hint::black_box(&large);
    };
    let work = size_of_val(&stop);
    let size = size_of_val(&shutdown(stop, ENOUGH));
    assert!(size * 10 <= work * 11, "{size} bytes for work of {work}");
}
