//! Submitting jobs, and the threads that run them.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use withal::tasks::{Error, ExecutorError, ThreadPoolExecutor};

use super::{executor, fine, gate};
use crate::{Failed, Log, LogOnDrop, PanicOnDrop};

#[test]
fn submit() {
    let future = executor(2).submit(|| fine(2_u32.pow(8))).unwrap();
    assert_eq!(future.blocking_result(), Ok(&256));
}

#[tokio::test]
async fn a_job_can_be_awaited() {
    assert_eq!(executor(2).submit(|| fine(42)).unwrap().await, Ok(42));
}

#[test]
fn errors_and_panics_are_reported_by_the_handle() {
    let executor = executor(1);
    let failed = executor.submit(|| Err::<(), _>(Failed("test"))).unwrap();
    assert_eq!(failed.blocking_result(), Err(Error::Raised(&Failed("test"))));
    let panicked = executor.submit(|| -> Result<(), Failed> { panic!("doh!") }).unwrap();
    let Err(Error::Panicked(panic)) = panicked.blocking_result() else { panic!("the job has panicked") };
    assert_eq!(panic.message(), "doh!");
    let caught = catch_unwind(AssertUnwindSafe(|| panic.clone().resume_unwind())).unwrap_err();
    assert_eq!(caught.downcast_ref::<&str>(), Some(&"doh!"), "with its payload");
    assert!(panic.take_payload().is_none(), "the payload was taken");
    assert_eq!(executor.submit(|| fine(1)).unwrap().blocking_result(), Ok(&1), "the thread continues");
}

#[test]
fn jobs_start_in_order() {
    let (executor, log) = (executor(1), Log::default());
    for n in 0..10 {
        let log = log.clone();
        drop(executor.submit(move || fine(log.push(n))).unwrap());
    }
    executor.shutdown().wait();
    assert_eq!(log.take(), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn max_workers_negative() {
    let error = ThreadPoolExecutor::new(0).unwrap_err();
    assert!(matches!(error, ExecutorError::NoWorkers) && !error.is_shutdown());
    assert_eq!(error.to_string(), "max_workers must be greater than 0");
    assert!(matches!(ThreadPoolExecutor::scope(0, |_| ()), Err(ExecutorError::NoWorkers)));
}

#[test]
fn default_workers() {
    let processors = thread::available_parallelism().unwrap().get();
    let shown = format!("max_workers: {}, workers: 0, idle: 0", (processors + 4).min(32));
    assert!(format!("{:?}", ThreadPoolExecutor::default()).contains(&shown));
}

#[test]
fn no_stale_references() {
    // The job owns the object until it completes; its handle is dropped.
    let (executor, log) = (executor(1), Log::default());
    let object = LogOnDrop::new("collected", &log);
    let uses = log.clone();
    drop(executor.submit(move || {
        let _object = &object;
        fine(uses.push("used"))
    }));
    // The next job on the same thread.
    executor.submit(|| fine(())).unwrap().blocking_result().unwrap();
    assert_eq!(log.take(), ["used", "collected"]);
}

#[test]
fn saturation() {
    let executor = executor(4);
    let (at_once, threads) = (Arc::new(Barrier::new(4)), Arc::new(Mutex::new(HashSet::new())));
    for _ in 0..60 {
        let (at_once, threads) = (Arc::clone(&at_once), Arc::clone(&threads));
        let job = move || {
            at_once.wait();
            fine(threads.lock().unwrap().insert(thread::current().id()))
        };
        drop(executor.submit(job).unwrap());
    }
    executor.shutdown().wait();
    assert_eq!(threads.lock().unwrap().len(), 4);
}

#[test]
fn idle_thread_reuse() {
    let executor = executor(4);
    for _ in 0..3 {
        executor.submit(|| fine(21 * 2)).unwrap().blocking_result().unwrap();
        // The result is available shortly before the thread is idle.
        while !format!("{executor:?}").contains("idle: 1") {
            thread::yield_now();
        }
    }
    assert!(format!("{executor:?}").contains("workers: 1"));
}

#[test]
fn only_pending_jobs_can_be_cancelled() {
    let executor = executor(1);
    let (first, second) = (gate(&executor), gate(&executor));
    first.runs.recv().unwrap();
    assert!(first.job.running());
    assert!(!first.job.cancel());
    assert!(second.job.cancel());
    first.opens.send(()).unwrap();
    executor.shutdown().wait();
    assert_eq!(first.job.result(), Ok(&()));
    assert_eq!(second.job.result(), Err(Error::Cancelled));
    assert!(second.runs.recv().is_err(), "the job never started");
}

/// The jobs of each submitting thread start in order, whatever the other threads submit.
#[test]
fn concurrent_submits_keep_the_order_of_each_thread() {
    let (executor, log) = (executor(1), Mutex::new(Vec::new()));
    let (begun, at_once) = (Arc::new(log), Barrier::new(4));
    let sum: u32 = thread::scope(|scope| {
        let submits = |submitter: u32| {
            let (executor, begun, at_once) = (&executor, &begun, &at_once);
            move || {
                at_once.wait();
                let job = |n| {
                    let begun = Arc::clone(begun);
                    executor
                        .submit(move || {
                            begun.lock().unwrap().push((submitter, n));
                            fine(n)
                        })
                        .unwrap()
                };
                let jobs: Vec<_> = (0..100).map(job).collect();
                jobs.iter().map(|job| *job.blocking_result().unwrap()).sum::<u32>()
            }
        };
        let threads: Vec<_> = (0..4).map(|submitter| scope.spawn(submits(submitter))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(sum, 4 * 4950, "each thread gets its own results");
    let begun = begun.lock().unwrap();
    for submitter in 0..4 {
        let of_one: Vec<_> = begun.iter().filter(|job| job.0 == submitter).map(|job| job.1).collect();
        assert_eq!(of_one, (0..100).collect::<Vec<_>>());
    }
    assert!(format!("{executor:?}").contains("workers: 1"));
}

#[test]
fn concurrent_submits_start_at_most_max_workers_threads() {
    let (executor, at_once) = (executor(3), Barrier::new(8));
    // No job completes before the channel is closed: each running job keeps its thread.
    let (opens, opened) = mpsc::channel::<()>();
    let opened = Arc::new(Mutex::new(opened));
    let jobs = thread::scope(|scope| {
        let submit = || {
            at_once.wait();
            let opened = Arc::clone(&opened);
            executor.submit(move || fine(opened.lock().unwrap().recv().unwrap_or_default())).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(submit)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(format!("{executor:?}").contains("workers: 3"));
    drop(opens);
    executor.shutdown().wait();
    assert!(jobs.iter().all(|job| job.result() == Ok(&())));
}

#[test]
fn thread_names_assigned() {
    let executor = executor(5).thread_name_prefix("SpecialPool");
    let name = || fine(thread::current().name().unwrap().to_owned());
    assert_eq!(executor.submit(name).unwrap().blocking_result().unwrap(), "SpecialPool_0");
}

#[test]
fn thread_names_default() {
    let name = || fine(thread::current().name().unwrap().to_owned());
    let future = executor(5).submit(name).unwrap();
    let name = future.blocking_result().unwrap();
    let numbers = name.strip_prefix("ThreadPoolExecutor-").unwrap().strip_suffix("_0").unwrap();
    assert!(numbers.parse::<u32>().is_ok());
}

#[test]
fn a_panicking_destructor_of_an_unclaimed_result() {
    let executor = executor(1);
    let (opens, opened) = mpsc::channel::<()>();
    let job = executor.submit(move || {
        opened.recv().ok();
        fine(PanicOnDrop)
    });
    drop(job.unwrap());
    drop(opens);
    assert_eq!(executor.submit(|| fine(1)).unwrap().blocking_result(), Ok(&1), "the thread continues");
    executor.shutdown().wait();
}

#[test]
fn a_panicking_destructor_of_a_cancelled_job() {
    let executor = executor(1);
    let gate = gate(&executor);
    gate.runs.recv().unwrap();
    let holds = |bomb: PanicOnDrop| executor.submit(move || fine(drop(bomb))).unwrap();
    assert!(holds(PanicOnDrop).cancel());
    let next = executor.submit(|| fine(1)).unwrap();
    drop(gate.opens);
    assert_eq!(next.blocking_result(), Ok(&1), "the thread continues");
    executor.shutdown().wait();
}

#[test]
fn nul_is_removed_from_thread_names() {
    let name = || fine(thread::current().name().unwrap().to_owned());
    let future = executor(1).thread_name_prefix("a\0b").submit(name).unwrap();
    assert_eq!(future.blocking_result().unwrap(), "ab_0");
}
