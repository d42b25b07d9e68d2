//! The end of a program: the work is stopped, then the cleanups are waited for.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::{JoinSet, yield_now};
use withal::cleanup::{detach, shutdown};

const ENOUGH: Duration = Duration::from_secs(60);

/// Detaches as it is dropped.
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
async fn what_the_work_leaves_is_waited_for() {
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
async fn work_that_does_not_stop_is_not_waited_for_any_longer() {
    let error = shutdown(pending::<()>(), Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 0);
}

#[tokio::test]
async fn cleanups_that_do_not_end_are_not_waited_for_any_longer() {
    detach(pending::<Result<(), ()>>());
    let error = shutdown(async {}, Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.pending, 1);
}

#[test]
fn where_no_runtime_is_it_waits_for_the_work_alone() {
    assert_eq!(shutdown(async {}, ENOUGH).now_or_never(), Some(Ok(())));
}
