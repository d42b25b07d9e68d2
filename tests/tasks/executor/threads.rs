//! Threads that end late, and threads that cannot be started.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use withal::tasks::{ExecutorError, TaskHandle, ThreadPoolExecutor};

use super::{executor, fine};
use crate::Failed;

/// A value of a thread-local, which counts its drop after a delay: only a caller that joins the thread observes the count.
struct Ending(Arc<AtomicUsize>);

impl Drop for Ending {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(20));
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

thread_local!(static ENDING: RefCell<Option<Ending>> = const { RefCell::new(None) });

#[test]
fn threads_terminate() {
    let (executor, ended) = (executor(5), Arc::new(AtomicUsize::new(0)));
    // The jobs wait for each other, so that each needs a thread.
    let at_once = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        let (ending, at_once) = (Ending(Arc::clone(&ended)), Arc::clone(&at_once));
        let job = move || {
            ENDING.set(Some(ending));
            at_once.wait();
            fine(())
        };
        drop(executor.submit(job).unwrap());
    }
    assert!(format!("{executor:?}").contains("workers: 3"));
    executor.shutdown().wait();
    assert!(format!("{executor:?}").contains("workers: 0"));
    assert_eq!(ended.load(Ordering::Acquire), 3, "the threads are joined");
}

/// Submits to the executor when it is dropped.
struct Submits(Arc<ThreadPoolExecutor>);

impl Drop for Submits {
    fn drop(&mut self) {
        assert!(matches!(self.0.submit(|| fine(())), Err(ExecutorError::NoThread(_))));
    }
}

/// Runs a test in a separate process, whose default stack size is too large for any thread to start.
fn in_a_process_without_threads(test: &str) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--test-threads=1"])
        .env("RUST_MIN_STACK", (1_u64 << 46).to_string())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && stdout.contains("1 passed"), "{stdout}");
}

#[test]
fn submit_fails_without_a_thread() {
    in_a_process_without_threads("executor::threads::child_submit_fails_without_a_thread");
}

#[test]
#[ignore = "the other half of `submit_fails_without_a_thread`"]
fn child_submit_fails_without_a_thread() {
    let executor = Arc::new(executor(1));
    let submits = Submits(Arc::clone(&executor));
    let refused = executor.submit(move || fine(drop(submits)));
    assert!(matches!(refused, Err(ExecutorError::NoThread(_))));
    executor.shutdown().wait();
}

/// A job that another thread has submitted meanwhile, relying on the thread that could not be started, is cancelled.
#[test]
fn concurrent_submits_without_a_thread_leave_no_job_queued() {
    in_a_process_without_threads("executor::threads::child_concurrent_submits_without_a_thread");
}

#[test]
#[ignore = "the other half of `concurrent_submits_without_a_thread_leave_no_job_queued`"]
fn child_concurrent_submits_without_a_thread() {
    let (executor, at_once) = (executor(1), Barrier::new(4));
    let submits = || {
        at_once.wait();
        (0..200).filter_map(|_| executor.submit(|| fine(())).ok()).collect::<Vec<_>>()
    };
    let jobs = thread::scope(|scope| {
        let spawn = || thread::Builder::new().stack_size(1 << 20).spawn_scoped(scope, submits).unwrap();
        let threads: Vec<_> = (0..4).map(|_| spawn()).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(jobs.iter().all(TaskHandle::cancelled), "no job is left in the queue");
    executor.shutdown().wait();
}

#[test]
fn every_waiter_of_a_shutdown_waits_for_the_threads_to_end() {
    let (executor, ended) = (executor(1), Arc::new(AtomicUsize::new(0)));
    let ends = Ending(Arc::clone(&ended));
    executor.submit(move || Ok::<_, Failed>(ENDING.set(Some(ends)))).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                executor.shutdown().wait();
                assert_eq!(ended.load(Ordering::Acquire), 1);
            });
        }
    });
}

#[test]
fn a_job_that_waits_for_the_shutdown_does_not_join_its_thread() {
    let (executor, ended) = (Arc::new(executor(1)), Arc::new(AtomicUsize::new(0)));
    let (ends, inside) = (Ending(Arc::clone(&ended)), Arc::clone(&executor));
    let job = executor.submit(move || {
        ENDING.set(Some(ends));
        inside.shutdown().wait();
        Ok::<_, Failed>(())
    });
    assert_eq!(job.unwrap().blocking_result(), Ok(&()));
    executor.shutdown().wait();
    assert_eq!(ended.load(Ordering::Acquire), 1);
}

/// Waits for the shutdown while its thread ends, which others wait for.
struct Waits(Arc<ThreadPoolExecutor>, mpsc::Sender<()>);

impl Drop for Waits {
    fn drop(&mut self) {
        // Gives the other waiter the time to be first.
        thread::sleep(Duration::from_millis(50));
        self.0.shutdown().wait();
        self.1.send(()).unwrap();
    }
}

thread_local!(static WAITS: RefCell<Option<Waits>> = const { RefCell::new(None) });

#[test]
fn a_thread_that_waits_for_the_shutdown_while_ending_does_not_deadlock() {
    let (executor, (waited, has_waited)) = (Arc::new(executor(1)), mpsc::channel());
    let waits = Waits(Arc::clone(&executor), waited);
    executor.submit(move || Ok::<_, Failed>(WAITS.set(Some(waits)))).unwrap();
    let waits = thread::spawn(move || executor.shutdown().wait());
    has_waited.recv_timeout(Duration::from_secs(60)).unwrap();
    waits.join().unwrap();
}
