//! Where threads end late, or cannot be had.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use withal::tasks::{ExecutorError, TaskHandle, ThreadPoolExecutor};

use super::{executor, fine};
use crate::Failed;

/// Dropped with its thread, as late as may be: whoever does not wait for the thread does not see it.
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
    // At once, so that each has a thread of its own.
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
    assert_eq!(ended.load(Ordering::Acquire), 3, "they are joined");
}

/// Submits to the executor as it is dropped.
struct Submits(Arc<ThreadPoolExecutor>);

impl Drop for Submits {
    fn drop(&mut self) {
        assert!(matches!(self.0.submit(|| fine(())), Err(ExecutorError::NoThread(_))));
    }
}

/// Runs a test in a process of its own: no thread can have a stack of that size, unless it asks for one of its own.
fn in_a_process_without_threads(test: &str) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--test-threads=1"])
        .env("RUST_MIN_STACK", (1_u64 << 46).to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn without_a_thread_work_is_refused() {
    in_a_process_without_threads("executor::threads::refused_without_a_thread");
}

#[test]
#[ignore = "the other half of `without_a_thread_work_is_refused`"]
fn refused_without_a_thread() {
    let executor = Arc::new(executor(1));
    let submits = Submits(Arc::clone(&executor));
    let refused = executor.submit(move || fine(drop(submits)));
    assert!(matches!(refused, Err(ExecutorError::NoThread(_))));
    executor.shutdown().wait();
}

/// What another has submitted meanwhile, and left to the thread that was to be: it is not left in the queue.
#[test]
fn of_several_that_submit_without_a_thread_no_job_is_left() {
    in_a_process_without_threads("executor::threads::none_is_left_without_a_thread");
}

#[test]
#[ignore = "the other half of `of_several_that_submit_without_a_thread_no_job_is_left`"]
fn none_is_left_without_a_thread() {
    let (executor, at_once) = (executor(1), Barrier::new(4));
    let submits = || {
        at_once.wait();
        (0..200).filter_map(|_| executor.submit(|| fine(())).ok()).collect::<Vec<_>>()
    };
    let left = thread::scope(|scope| {
        let small = || thread::Builder::new().stack_size(1 << 20).spawn_scoped(scope, submits).unwrap();
        let threads: Vec<_> = (0..4).map(|_| small()).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(left.iter().all(TaskHandle::cancelled), "the queue was emptied");
    executor.shutdown().wait();
}

#[test]
fn whoever_waits_for_a_shutdown_waits_for_the_ends_of_the_threads() {
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
fn a_job_that_waits_for_the_shutdown_leaves_its_own_thread_to_others() {
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

/// Waits for a shutdown as its thread ends, when others wait for that.
struct Waits(Arc<ThreadPoolExecutor>, mpsc::Sender<()>);

impl Drop for Waits {
    fn drop(&mut self) {
        // Whoever is to be first has the time for it.
        thread::sleep(Duration::from_millis(50));
        self.0.shutdown().wait();
        self.1.send(()).unwrap();
    }
}

thread_local!(static WAITS: RefCell<Option<Waits>> = const { RefCell::new(None) });

#[test]
fn a_thread_that_waits_for_the_shutdown_as_it_ends_is_not_waited_for_by_itself() {
    let (executor, (waited, has_waited)) = (Arc::new(executor(1)), mpsc::channel());
    let waits = Waits(Arc::clone(&executor), waited);
    executor.submit(move || Ok::<_, Failed>(WAITS.set(Some(waits)))).unwrap();
    let waits = thread::spawn(move || executor.shutdown().wait());
    has_waited.recv_timeout(Duration::from_secs(60)).unwrap();
    waits.join().unwrap();
}
