//! Tasks on tokio's runtime: their completion and cancellation.

use std::convert::Infallible;
use std::future::pending;
use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::tasks::{Error, create_task};

use super::{Failed, Log, LogOnDrop, PanicOnDrop};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn results_errors_and_panics_reach_the_handle() {
    assert_eq!(create_task(async { Ok::<_, Failed>(1) }).await, Ok(1));
    assert_eq!(create_task(async { Err::<(), _>(Failed("test")) }).await, Err(Error::Raised(Failed("test"))));
    let panicked = create_task(async { panic!("doh {}", 1) as Result<(), Failed> }).await;
    assert!(panicked.as_ref().unwrap_err().is_panic());
    let Err(Error::Panicked(panic)) = panicked else { panic!("the task should have panicked") };
    assert_eq!(panic.to_string(), "doh 1");
}

/// A future that panics, and whose destructor panics with a payload that panics when it is dropped.
struct PanicThrice;

impl Future for PanicThrice {
    type Output = Result<(), Failed>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        panic!("first")
    }
}

impl Drop for PanicThrice {
    fn drop(&mut self) {
        panic_any(PanicOnDrop);
    }
}

#[tokio::test]
async fn the_first_of_three_panics_reaches_the_handle() {
    let Err(Error::Panicked(panic)) = create_task(PanicThrice).await else {
        panic!("the task should have panicked")
    };
    assert_eq!(panic.to_string(), "first");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_is_dropped_before_its_callbacks_are_called() {
    let log = Log::default();
    let (noted, logs) = (LogOnDrop::new("dropped", &log), log.clone());
    let task = create_task(async move {
        let _noted = noted;
        sleep(SECOND).await;
        Ok::<_, Failed>(())
    });
    task.add_done_callback(move |result| logs.push(format!("{result:?}")));
    yield_now().await;
    let start = Instant::now();
    assert!(task.cancel());
    assert!(!task.done(), "the task ends at its next step");
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(log.take(), ["dropped", "Err(Cancelled)"]);
}

#[tokio::test]
async fn a_task_cancelled_before_its_first_step_never_starts() {
    let log = Log::default();
    let logs = log.clone();
    let task = create_task(async move { Ok::<_, Failed>(logs.push("started")) });
    task.cancel();
    assert_eq!(task.await, Err(Error::Cancelled));
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn a_task_that_cancels_its_own_handle_ends_at_its_next_await() {
    let log = Log::default();
    let logs = log.clone();
    let (sender, abort_handle) = tokio::sync::oneshot::channel::<withal::tasks::AbortHandle>();
    let task = create_task(async move {
        let abort_handle = abort_handle.await.unwrap();
        assert!(abort_handle.cancel());
        logs.push("still here");
        pending::<()>().await;
        Ok::<_, Infallible>(())
    });
    sender.send(task.abort_handle()).unwrap();
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["still here"]);
}

/// As in asyncio: a value is dropped, an error is not.
#[tokio::test]
async fn a_task_cancelled_in_its_last_step_loses_its_value_but_not_its_error() {
    for (result, expected) in
        [(Ok(7), Error::Cancelled), (Err(Failed("test")), Error::Raised(Failed("test")))]
    {
        let (sender, abort_handle) = tokio::sync::oneshot::channel::<withal::tasks::AbortHandle>();
        let task = create_task(async move {
            assert!(abort_handle.await.unwrap().cancel());
            result
        });
        sender.send(task.abort_handle()).unwrap();
        assert_eq!(task.await, Err(expected));
    }
}

#[tokio::test]
async fn a_second_cancel_is_harmless_and_one_after_the_end_has_no_effect() {
    let mut task = create_task(pending::<Result<(), Infallible>>());
    let abort_handle = task.abort_handle();
    assert!(task.cancel() && task.cancel());
    assert_eq!((&mut task).await, Err(Error::Cancelled));
    assert!(!task.cancel() && !abort_handle.cancel());
    assert!(task.cancelled() && abort_handle.done());
    assert!(format!("{abort_handle:?}").contains("done: true"));
}

#[tokio::test]
async fn dropping_the_handle_cancels_nothing() {
    let (sender, done) = tokio::sync::oneshot::channel();
    drop(create_task(async {
        yield_now().await;
        sender.send("done").map_err(drop)
    }));
    assert_eq!(done.await, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_after_its_detached_cleanups() {
    let start = Instant::now();
    let task = create_task(async {
        cleanup::detach(async { Ok::<_, Infallible>(sleep(SECOND).await) });
        Ok::<_, Infallible>(7)
    });
    assert_eq!(task.await, Ok(7));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test]
async fn a_panicking_destructor_is_a_panic_of_the_task() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let task = create_task(async {
        let _panics = Panics;
        pending::<Result<(), Infallible>>().await
    });
    yield_now().await;
    task.cancel();
    let Err(Error::Panicked(panic)) = task.await else { panic!("the task should have panicked") };
    assert_eq!(panic.message(), "in drop");
}

#[test]
fn a_runtime_that_shuts_down_cancels_its_tasks() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let entered = runtime.enter();
    let task = create_task(pending::<Result<(), Infallible>>());
    drop(entered);
    drop(runtime);
    assert_eq!(task.blocking_result(), Err(Error::Cancelled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancel_races_with_completion() {
    for n in 0..200 {
        let task = create_task(async move {
            for _ in 0..n % 7 {
                yield_now().await;
            }
            Ok::<_, Infallible>(n)
        });
        let abort_handle = task.abort_handle();
        let cancels = tokio::spawn(async move { abort_handle.cancel() });
        let result = task.await;
        let had_effect = cancels.await.unwrap();
        assert_eq!(result, if had_effect { Err(Error::Cancelled) } else { Ok(n) });
    }
}
