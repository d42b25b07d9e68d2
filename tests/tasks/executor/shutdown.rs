//! The shutdown, and waiting for it.

use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::task::Context;
use std::thread;

use futures::FutureExt;
use withal::cleanup;
use withal::context::async_with;
use withal::tasks::{ExecutorError, TaskHandle, ThreadPoolExecutor};

use super::{LONG, executor, fine, gate};
use crate::support::waker_that_panics;
use crate::{Log, PanicOnDrop};

#[test]
fn run_after_shutdown() {
    let executor = executor(1);
    executor.shutdown().wait();
    let error = executor.submit(|| fine(2)).unwrap_err();
    assert!(matches!(error, ExecutorError::Shutdown));
    assert!(error.is_shutdown());
    assert_eq!(error.to_string(), "cannot schedule new futures after shutdown");
    assert!(matches!(executor.map([1], fine), Err(ExecutorError::Shutdown)));
    executor.shutdown().wait();
}

#[test]
fn cancel_futures() {
    let executor = executor(2);
    let running: Vec<_> = (0..2).map(|_| gate(&executor)).collect();
    for gate in &running {
        gate.runs.recv().unwrap();
    }
    let waiting: Vec<_> = (0..48).map(|_| gate(&executor)).collect();
    let shutdown = executor.shutdown().cancel_futures();
    assert!(waiting.iter().all(|gate| gate.job.cancelled()));
    let running: Vec<_> = running.into_iter().map(|gate| (gate.job, drop(gate.opens)).0).collect();
    shutdown.wait();
    assert!(running.iter().all(|job| job.result() == Ok(&())), "running jobs complete");
}

#[test]
fn context_manager_shutdown() {
    let log = Log::default();
    let logs = log.clone();
    let executor = ThreadPoolExecutor::scope(5, |executor| {
        drop(executor.submit(move || fine(logs.push("done"))).unwrap());
        executor.map(-5..5, |n: i32| fine(n.abs())).unwrap().collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(executor.unwrap(), Ok(vec![5, 4, 3, 2, 1, 0, 1, 2, 3, 4]));
    assert_eq!(log.take(), ["done"], "the shutdown waits for it");
}

#[test]
fn context_manager_shutdown_when_the_block_panics() {
    let log = Log::default();
    let logs = log.clone();
    let panics = || {
        ThreadPoolExecutor::scope(1, |executor| {
            drop(executor.submit(move || fine(logs.push("done"))).unwrap());
            panic!("doh!")
        })
    };
    let payload = catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(log.take(), ["done"]);
}

#[test]
fn del_shutdown() {
    let executor = executor(5);
    let mapped = executor.map(-5..5, |n: i32| fine(n.abs())).unwrap();
    drop(executor);
    assert_eq!(mapped.collect::<Result<Vec<_>, _>>(), Ok(vec![5, 4, 3, 2, 1, 0, 1, 2, 3, 4]));
}

#[test]
fn shutdown_no_wait() {
    let executor = executor(1);
    let gate = gate(&executor);
    let after = executor.submit(|| fine(1)).unwrap();
    let shutdown = executor.shutdown();
    assert!(!gate.job.done(), "the shutdown does not wait");
    drop(gate.opens);
    assert_eq!(after.blocking_result(), Ok(&1), "submitted jobs still run");
    shutdown.wait();
}

#[test]
fn two_threads_may_wait_at_once() {
    let executor = executor(2);
    let gate = gate(&executor);
    thread::scope(|scope| {
        let waits: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    executor.shutdown().wait();
                    gate.job.done()
                })
            })
            .collect();
        gate.opens.send(()).unwrap();
        assert!(
            waits.into_iter().all(|waits| waits.join().unwrap()),
            "neither returns before the job has completed"
        );
    });
}

#[tokio::test]
async fn shutdown_is_awaited() {
    let executor = executor(2);
    let gate = gate(&executor);
    let mut shutdown = tokio_test::task::spawn(executor.shutdown().into_future());
    tokio_test::assert_pending!(shutdown.poll());
    drop(gate.opens);
    shutdown.await;
    assert!(gate.job.done());
    executor.shutdown().await;
}

#[tokio::test]
async fn as_a_manager_it_waits_for_its_jobs() {
    let log = Log::default();
    let logs = log.clone();
    let seen = async_with!(executor = executor(1) => {
        let answer = executor.submit(|| fine(42)).unwrap().await;
        drop(executor.submit(move || fine(logs.push("done"))).unwrap());
        answer
    });
    assert_eq!(seen, Ok(42));
    assert_eq!(log.take(), ["done"]);
}

#[tokio::test]
async fn a_dropped_manager_waits_for_its_jobs_in_a_cleanup() {
    let (to, gates) = mpsc::channel();
    let block = async {
        async_with!(executor = executor(1) => {
            to.send(gate(executor)).unwrap();
            std::future::pending::<()>().await;
        });
    };
    assert!(block.now_or_never().is_none());
    let gate = gates.recv().unwrap();
    assert_eq!(cleanup::pending(), 1);
    drop(gate.opens);
    cleanup::drain(LONG).await.unwrap();
    assert!(gate.job.done());
}

#[test]
fn a_job_may_shut_down_its_executor() {
    let executor = Arc::new(executor(1));
    let inside = Arc::clone(&executor);
    let job = executor.submit(move || fine(inside.shutdown().wait())).unwrap();
    assert_eq!(job.blocking_result_timeout(LONG), Ok(&()));
}

#[test]
fn cancel_futures_cancels_all_despite_panicking_destructors() {
    let executor = executor(1);
    let gate = gate(&executor);
    gate.runs.recv().unwrap();
    let jobs = [PanicOnDrop, PanicOnDrop].map(|bomb| executor.submit(move || fine(drop(bomb))).unwrap());
    let shutdown = executor.shutdown().cancel_futures();
    assert!(jobs.iter().all(TaskHandle::cancelled));
    drop(gate.opens);
    shutdown.wait();
}

#[test]
fn a_panicking_waker_does_not_block_other_waiters() {
    let (executor, (release, released)) = (executor(1), mpsc::channel::<()>());
    executor.submit(move || fine(released.recv().is_ok())).unwrap();
    let mut awaited = executor.shutdown().into_future();
    let waker = waker_that_panics();
    assert!(awaited.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    thread::scope(|scope| {
        scope.spawn(|| executor.shutdown().wait());
        release.send(()).unwrap();
    });
    assert!(awaited.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}
