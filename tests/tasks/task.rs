//! Tasks on tokio's runtime: their ends, and their cancellation.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup;
use withal::tasks::{Error, create_task};

use super::{Failed, Log, Noted};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn results_errors_and_panics_come_through_the_handle() {
    assert_eq!(create_task(async { Ok::<_, Failed>(1) }).await, Ok(1));
    assert_eq!(create_task(async { Err::<(), _>(Failed("test")) }).await, Err(Error::Raised(Failed("test"))));
    let panicked = create_task(async { panic!("doh {}", 1) as Result<(), Failed> }).await;
    let Err(Error::Panicked(panic)) = panicked else { panic!("it has panicked") };
    assert_eq!(panic.to_string(), "doh 1");
}

#[tokio::test(start_paused = true)]
async fn cancelled_it_is_dropped_where_it_awaits_and_before_anybody_is_told() {
    let log = Log::default();
    let (noted, logs) = (Noted::new("dropped", &log), log.clone());
    let task = create_task(async move {
        let _noted = noted;
        sleep(SECOND).await;
        Ok::<_, Failed>(())
    });
    task.add_done_callback(move |outcome| logs.push(format!("{outcome:?}")));
    yield_now().await;
    let began = Instant::now();
    assert!(task.cancel());
    assert!(!task.done(), "it is asked; it ends at its next step");
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(log.take(), ["dropped", "Err(Cancelled)"]);
}

#[tokio::test]
async fn cancelled_before_it_began_it_does_not_begin() {
    let log = Log::default();
    let logs = log.clone();
    let task = create_task(async move { Ok::<_, Failed>(logs.push("began")) });
    task.cancel();
    assert_eq!(task.await, Err(Error::Cancelled));
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn cancelled_by_itself_it_ends_at_its_next_await() {
    let log = Log::default();
    let logs = log.clone();
    let (to, abort_handle) = tokio::sync::oneshot::channel::<withal::tasks::AbortHandle>();
    let task = create_task(async move {
        let abort_handle = abort_handle.await.unwrap();
        assert!(abort_handle.cancel());
        logs.push("still here");
        pending::<()>().await;
        Ok::<_, Infallible>(())
    });
    to.send(task.abort_handle()).unwrap();
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["still here"]);
}

/// asyncio's rule: a value is dropped, an error is not.
#[tokio::test]
async fn asked_to_end_in_its_last_step_it_has_no_value() {
    for (outcome, expected) in
        [(Ok(7), Error::Cancelled), (Err(Failed("test")), Error::Raised(Failed("test")))]
    {
        let (to, abort_handle) = tokio::sync::oneshot::channel::<withal::tasks::AbortHandle>();
        let task = create_task(async move {
            assert!(abort_handle.await.unwrap().cancel());
            outcome
        });
        to.send(task.abort_handle()).unwrap();
        assert_eq!(task.await, Err(expected));
    }
}

#[tokio::test]
async fn a_second_cancel_does_no_harm_and_one_after_the_end_is_of_no_use() {
    let mut task = create_task(pending::<Result<(), Infallible>>());
    let abort_handle = task.abort_handle();
    assert!(task.cancel() && task.cancel());
    assert_eq!((&mut task).await, Err(Error::Cancelled));
    assert!(!task.cancel() && !abort_handle.cancel());
    assert!(task.cancelled() && abort_handle.done());
    assert!(format!("{abort_handle:?}").contains("done: true"));
}

#[tokio::test]
async fn a_handle_that_is_dropped_cancels_nothing() {
    let (sender, done) = tokio::sync::oneshot::channel();
    drop(create_task(async {
        yield_now().await;
        sender.send("done").map_err(drop)
    }));
    assert_eq!(done.await, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn it_is_over_when_what_it_has_left_behind_is() {
    let began = Instant::now();
    let task = create_task(async {
        cleanup::detach(async { Ok::<_, Infallible>(sleep(SECOND).await) });
        Ok::<_, Infallible>(7)
    });
    assert_eq!(task.await, Ok(7));
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test]
async fn a_destructor_that_panics_is_the_tasks_panic() {
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
    let Err(Error::Panicked(panic)) = task.await else { panic!("it has panicked") };
    assert_eq!(panic.message(), "in drop");
}

#[test]
fn a_runtime_that_is_gone_cancels() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let entered = runtime.enter();
    let task = create_task(pending::<Result<(), Infallible>>());
    drop(entered);
    drop(runtime);
    assert_eq!(task.blocking_result(), Err(Error::Cancelled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancels_race_with_ends() {
    for n in 0..200 {
        let task = create_task(async move {
            for _ in 0..n % 7 {
                yield_now().await;
            }
            Ok::<_, Infallible>(n)
        });
        let abort_handle = task.abort_handle();
        let cancels = tokio::spawn(async move { abort_handle.cancel() });
        let outcome = task.await;
        let was_of_use = cancels.await.unwrap();
        assert_eq!(outcome, if was_of_use { Err(Error::Cancelled) } else { Ok(n) });
    }
}
