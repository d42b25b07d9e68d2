//! Futures and tasks.

use std::error::Error;
use std::time::Duration;

use futures::StreamExt;
use tokio::runtime::Builder;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio::{spawn, try_join};
use withal::context::async_with;
use withal::tasks::{
    BoxError, ErrorGroup, Promise, TaskGroup, TaskHandle, TimeoutError, WaitResult, as_completed,
    create_task, gather, in_place, shield, timeout_at, wait,
};

use crate::E;

async fn one() -> Result<u32, E> {
    Ok(1)
}

#[test]
fn futures() -> Result<(), Box<dyn Error>> {
    withal_test_support::expect_reports("created at tests/from_python/tasks.rs");
    let v = 1;
    let (promise, future) = Promise::new();
    let future: TaskHandle<_, E> = future;
    future.add_done_callback(|outcome| assert_eq!(*outcome, Ok(1)));
    assert!(promise.set_running() && future.running());
    promise.set_result(v)?;
    assert_eq!(future.result(), Ok(&1));
    assert_eq!(future.blocking_result(), Ok(&1));
    let s = Duration::from_secs(1);
    assert_eq!(future.blocking_result_timeout(s), Ok(&1));
    assert_eq!(future.exception(), Ok(None));
    assert!(future.done() && !future.cancelled() && !future.cancel());

    let (promise, future) = Promise::<(), _>::new();
    let abort_handle = future.abort_handle();
    let e = E;
    promise.set_exception(e)?;
    assert!(!abort_handle.cancel());
    Ok(())
}

#[test]
fn a_main_function() -> Result<(), Box<dyn Error>> {
    #[tokio::main]
    async fn main() -> Result<u32, E> {
        let future = create_task(one());
        Ok(future.await.unwrap())
    }
    assert_eq!(main()?, 1);

    let runtime = Builder::new_current_thread().build()?;
    let main = one;
    assert_eq!(runtime.block_on(main()), Ok(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tasks() -> Result<(), Box<dyn Error + Send + Sync>> {
    let s = Duration::from_secs(1);
    let work = one();
    let future = create_task(work);
    assert_eq!(future.await?, 1);
    let work = one();
    assert_eq!(spawn(work).await?, Ok(1));
    let (work, handle) = (one(), Handle::current());
    assert_eq!(handle.spawn(work).await?, Ok(1));
    let work = one();
    assert_eq!(shield(work).await?, 1);

    {
        use tokio::time::timeout;
        let work = one();
        assert_eq!(timeout(s, work).await??, 1);
    }
    sleep(s).await;
    let job = || 1;
    assert_eq!(spawn_blocking(job).await?, 1);

    let (a, b) = (one(), one());
    assert_eq!(try_join!(a, b)?, (1, 1));
    let tasks = || [1, 2].map(|_| create_task(one()));
    let futures = tasks();
    assert_eq!(gather(futures).await?, [1, 1]);
    let futures = tasks();
    assert_eq!(gather(futures).return_exceptions().await, [Ok(1), Ok(1)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn groups_and_timeouts() -> Result<(), Box<dyn Error + Send + Sync>> {
    use withal::tasks::timeout;

    let failed: Result<(), ErrorGroup<BoxError>> = async {
        async_with!(group = TaskGroup::new() => {
            let work = async { Err::<(), BoxError>(E.into()) };
            group.create_task(work);
            if false {
                group.cancel();
            }
        })?;
        Ok(())
    }
    .await;
    let group_error = failed.unwrap_err();
    assert_eq!(group_error.errors().len(), 1);
    let matches = |error: &BoxError| error.is::<E>();
    let (group_error, others) = group_error.split(matches);
    assert!(others.is_none());
    let group_error = group_error.unwrap();
    assert_eq!(group_error.split_type::<E>().0, [E]);

    let s = Duration::from_secs(1);
    let in_time: Result<(), TimeoutError> = async {
        async_with!(_ = timeout(s) => { sleep(s / 2).await; })?;
        Ok(())
    }
    .await;
    assert_eq!(in_time, Ok(()));

    let t = Instant::now() + s;
    let limit = timeout_at(t);
    let late: Result<(), TimeoutError> = async_with!(limit = limit.clone() => {
        limit.reschedule(t)?;
        sleep(s * 2).await;
    });
    assert_eq!(late, Err(TimeoutError::Elapsed));
    assert!(limit.when() == Some(t) && limit.expired());
    Ok(())
}

#[tokio::test]
async fn tasks_that_borrow() -> Result<(), Box<dyn Error + Send + Sync>> {
    let numbers = [1, 2];
    let mut copies = [0; 2];
    in_place(async |group| {
        for (number, copy) in numbers.iter().zip(&mut copies) {
            group.spawn(async move {
                *copy = number * one().await?;
                Ok(())
            });
        }
        Ok::<_, E>(())
    })
    .await?;
    assert_eq!(copies, [1, 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several() -> Result<(), Box<dyn Error + Send + Sync>> {
    let s = Duration::from_secs(5);
    let seconds = || {
        [2, 1].map(|n| {
            create_task(async move {
                sleep(Duration::from_secs(n)).await;
                Ok::<_, E>(n)
            })
        })
    };
    let futures = seconds();
    let mut completed = as_completed(futures);
    let mut order = Vec::new();
    while let Some((index, result)) = completed.next().await {
        order.push((index, result?));
    }
    assert_eq!(order, [(1, 1), (0, 2)]);
    let futures = seconds();
    assert_eq!(as_completed(futures).timeout(s).count().await, 2);

    let futures = seconds();
    let WaitResult { done, pending, .. } = wait(futures).await;
    assert_eq!((done.len(), pending.len()), (2, 0));
    let futures = seconds();
    assert_eq!(wait(futures).first_completed().await.done, [(1, Ok(1))]);
    let futures = seconds();
    assert_eq!(wait(futures).first_exception().await.pending.len(), 0);
    let (futures, s) = (seconds(), s / 10);
    assert_eq!(wait(futures).timeout(s).await.done, []);
    Ok(())
}
