//! The executor: `executor.py`, `test_thread_pool.py` and `test_shutdown.py`. Jobs wait at gates; only the end of a thread is
//! slowed down by a sleep.

use std::cell::RefCell;
use std::collections::HashSet;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use withal::cleanup;
use withal::context::async_with;
use withal::tasks::{Error, ExecutorError, Future, ThreadPoolExecutor};

use super::{Bomb, Failed, Log};

const LONG: Duration = Duration::from_secs(3600);

fn executor(max_workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::new(max_workers).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "work is fallible, and this is not")]
fn fine<T>(value: T) -> Result<T, Infallible> {
    Ok(value)
}

/// A job that waits for its gate to open; and it says when it runs.
struct Gate {
    opens: mpsc::Sender<()>,
    runs: mpsc::Receiver<()>,
    job: Future<(), Infallible>,
}

fn gate(executor: &ThreadPoolExecutor) -> Gate {
    let (opens, opened) = mpsc::channel::<()>();
    let (running, runs) = mpsc::channel();
    let job = executor
        .submit(move || {
            running.send(()).ok();
            opened.recv().ok();
            fine(())
        })
        .unwrap();
    Gate { opens, runs, job }
}

#[test]
fn submit() {
    let future = executor(2).submit(|| fine(2_u32.pow(8))).unwrap();
    assert_eq!(future.blocking_result(), Ok(&256));
}

#[tokio::test]
async fn what_is_submitted_can_be_awaited() {
    assert_eq!(executor(2).submit(|| fine(42)).unwrap().await, Ok(42));
}

#[test]
fn errors_and_panics_come_through_the_future() {
    let executor = executor(1);
    let failed = executor.submit(|| Err::<(), _>(Failed("test"))).unwrap();
    assert_eq!(failed.blocking_result(), Err(Error::Raised(&Failed("test"))));
    let panicked = executor.submit(|| -> Result<(), Failed> { panic!("doh!") }).unwrap();
    let Err(Error::Panicked(panic)) = panicked.blocking_result() else { panic!("it has panicked") };
    assert_eq!(panic.message(), "doh!");
    let caught = catch_unwind(AssertUnwindSafe(|| panic.clone().resume())).unwrap_err();
    assert_eq!(caught.downcast_ref::<&str>(), Some(&"doh!"), "with its payload");
    assert!(panic.take_payload().is_none(), "which is gone now");
    assert_eq!(executor.submit(|| fine(1)).unwrap().blocking_result(), Ok(&1), "the thread goes on");
}

#[test]
fn jobs_begin_in_order() {
    let (executor, log) = (executor(1), Log::default());
    for n in 0..10 {
        let log = log.clone();
        drop(executor.submit(move || fine(log.push(n))).unwrap());
    }
    executor.shutdown().wait();
    assert_eq!(log.take(), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn map() {
    let squares = executor(3).map(0..10, |n: u32| fine(n * n)).unwrap();
    assert_eq!(squares.collect::<Result<Vec<_>, _>>(), Ok((0..10).map(|n| n * n).collect()));
}

#[test]
fn map_exception() {
    let divide = |(a, b): (u32, u32)| a.checked_div(b).ok_or(Failed("division by zero"));
    let mut quotients = executor(2).map([(1, 2), (1, 3), (1, 0), (1, 5)], divide).unwrap();
    assert_eq!(quotients.next(), Some(Ok(0)));
    assert_eq!(quotients.next(), Some(Ok(0)));
    assert_eq!(quotients.next(), Some(Err(Error::Raised(Failed("division by zero")))));
    assert_eq!(quotients.next(), None, "an error is the end");
}

#[test]
fn map_timeout() {
    let executor = executor(3);
    let (opens, opened) = mpsc::channel::<()>();
    let opened = Mutex::new(opened);
    let wait = move |is_slow| {
        fine(if is_slow {
            opened.lock().unwrap().recv().unwrap_or_default();
        })
    };
    let mut waited = executor.map([false, false, true], wait).unwrap();
    assert_eq!(waited.next(), Some(Ok(())));
    assert_eq!(waited.next(), Some(Ok(())));
    let mut waited = waited.timeout(Duration::from_millis(1));
    assert_eq!(waited.next(), Some(Err(Error::TimedOut)));
    assert_eq!(waited.next(), None);
    drop(opens);
}

#[test]
fn map_current_future_cancel() {
    let (executor, log) = (executor(1), Log::default());
    let first = gate(&executor);
    let logs = log.clone();
    let mut mapped =
        executor.map(["second", "third"], move |name| fine(logs.push(name))).unwrap().timeout(Duration::ZERO);
    assert_eq!(mapped.next(), Some(Err(Error::TimedOut)));
    drop(first);
    executor.shutdown().wait();
    assert!(log.take().is_empty(), "neither has begun");
}

#[test]
fn map_submits_without_iteration() {
    let (executor, log) = (executor(2), Log::default());
    let logs = log.clone();
    drop(executor.map(0..10, move |n| fine(logs.push(n))).unwrap());
    executor.shutdown().wait();
    assert_eq!(log.take().len(), 10);
}

#[test]
fn map_dropped_in_the_middle_cancels_the_rest() {
    let (executor, log) = (executor(1), Log::default());
    let (opens, opened) = mpsc::channel::<()>();
    let (opened, logs) = (Mutex::new(opened), log.clone());
    let work = move |n| {
        logs.push(n);
        if n == 1 {
            opened.lock().unwrap().recv().ok();
        }
        fine(())
    };
    let mut mapped = executor.map(0..10, work).unwrap();
    assert_eq!(mapped.next(), Some(Ok(())));
    drop(mapped);
    drop(opens);
    executor.shutdown().wait();
    assert!(log.take().len() <= 2, "one that was taken, and at most one under way");
}

#[tokio::test]
async fn map_as_a_stream() {
    let executor = executor(3);
    let mapped = executor.map(0..10, |n| if n == 4 { Err(Failed("four")) } else { Ok(n) }).unwrap();
    let outcomes: Vec<_> = mapped.into_stream().collect().await;
    assert_eq!(outcomes, [Ok(0), Ok(1), Ok(2), Ok(3), Err(Error::Raised(Failed("four")))]);
}

#[test]
fn max_workers_negative() {
    let error = ThreadPoolExecutor::new(0).unwrap_err();
    assert!(matches!(error, ExecutorError::NoWorkers));
    assert_eq!(error.to_string(), "max_workers must be greater than 0");
    assert!(matches!(ThreadPoolExecutor::with(0, |_| ()), Err(ExecutorError::NoWorkers)));
}

#[test]
fn default_workers() {
    let processors = thread::available_parallelism().unwrap().get();
    let shown = format!("max_workers: {}, workers: 0, idle: 0", (processors + 4).min(32));
    assert!(format!("{:?}", ThreadPoolExecutor::default()).contains(&shown));
}

#[test]
fn no_stale_references() {
    let (executor, object) = (executor(1), Arc::new(()));
    let (weak, has) = (Arc::downgrade(&object), Arc::clone(&object));
    let future = executor.submit(move || fine(drop(has))).unwrap();
    drop(object);
    future.blocking_result().unwrap();
    assert!(weak.upgrade().is_none());
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
        // The result is there a little before the thread is idle.
        while !format!("{executor:?}").contains("idle: 1") {
            thread::yield_now();
        }
    }
    assert!(format!("{executor:?}").contains("workers: 1"));
}

#[test]
fn run_after_shutdown() {
    let executor = executor(1);
    executor.shutdown().wait();
    let error = executor.submit(|| fine(2)).unwrap_err();
    assert!(matches!(error, ExecutorError::Shutdown));
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
    assert!(running.iter().all(|job| job.result() == Ok(&())), "those come to their end");
}

#[test]
fn cancel_of_what_waits_and_of_what_runs() {
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
    assert!(second.runs.recv().is_err(), "it never began");
}

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

/// Each has its own jobs begin in order, whatever the others submit.
#[test]
fn several_submit_at_once() {
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
    assert_eq!(sum, 4 * 4950, "each gets its own results");
    let begun = begun.lock().unwrap();
    for submitter in 0..4 {
        let of_one: Vec<_> = begun.iter().filter(|job| job.0 == submitter).map(|job| job.1).collect();
        assert_eq!(of_one, (0..100).collect::<Vec<_>>());
    }
    assert!(format!("{executor:?}").contains("workers: 1"));
}

#[test]
fn of_several_that_submit_at_once_none_has_a_thread_too_many() {
    let (executor, at_once) = (executor(3), Barrier::new(8));
    // Until it is closed, those that run have no end: each job that has a thread keeps it.
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
fn context_manager_shutdown() {
    let log = Log::default();
    let logs = log.clone();
    let executor = ThreadPoolExecutor::with(5, |executor| {
        drop(executor.submit(move || fine(logs.push("done"))).unwrap());
        executor.map(-5..5, |n: i32| fine(n.abs())).unwrap().collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(executor.unwrap(), Ok(vec![5, 4, 3, 2, 1, 0, 1, 2, 3, 4]));
    assert_eq!(log.take(), ["done"], "it was waited for");
}

#[test]
fn context_manager_shutdown_when_the_block_panics() {
    let log = Log::default();
    let logs = log.clone();
    let panics = || {
        ThreadPoolExecutor::with(1, |executor| {
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
    assert!(!gate.job.done(), "it does not wait");
    drop(gate.opens);
    assert_eq!(after.blocking_result(), Ok(&1), "what was submitted is done");
    shutdown.wait();
}

#[test]
fn two_may_wait_at_once() {
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
        assert!(waits.into_iter().all(|waits| waits.join().unwrap()), "neither before it was done");
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
async fn as_a_manager_it_is_waited_for() {
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
async fn as_a_manager_that_is_dropped_it_is_waited_for_by_the_cleanups() {
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
fn a_job_may_shut_its_executor_down() {
    let executor = Arc::new(executor(1));
    let inside = Arc::clone(&executor);
    let job = executor.submit(move || fine(inside.shutdown().wait())).unwrap();
    assert_eq!(job.blocking_result_within(LONG), Ok(&()));
}

#[test]
fn thread_names_assigned() {
    let executor = executor(5).named("SpecialPool");
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
fn a_result_that_nobody_wants_and_whose_drop_panics() {
    let executor = executor(1);
    let (opens, opened) = mpsc::channel::<()>();
    let job = executor.submit(move || {
        opened.recv().ok();
        fine(Bomb)
    });
    drop(job.unwrap());
    drop(opens);
    assert_eq!(executor.submit(|| fine(1)).unwrap().blocking_result(), Ok(&1), "the thread goes on");
    executor.shutdown().wait();
}

#[test]
fn what_cancelled_jobs_hold_and_whose_drop_panics() {
    let executor = executor(1);
    let gate = gate(&executor);
    gate.runs.recv().unwrap();
    let holds = |bomb: Bomb| executor.submit(move || fine(drop(bomb))).unwrap();
    assert!(holds(Bomb).cancel());
    let next = executor.submit(|| fine(1)).unwrap();
    drop(gate.opens);
    assert_eq!(next.blocking_result(), Ok(&1), "the thread goes on");
    executor.shutdown().wait();
}

#[test]
fn cancel_futures_cancels_all_also_where_a_drop_panics() {
    let executor = executor(1);
    let gate = gate(&executor);
    gate.runs.recv().unwrap();
    let jobs = [Bomb, Bomb].map(|bomb| executor.submit(move || fine(drop(bomb))).unwrap());
    let shutdown = executor.shutdown().cancel_futures();
    assert!(jobs.iter().all(Future::cancelled));
    drop(gate.opens);
    shutdown.wait();
}

#[test]
fn a_name_with_nul_in_it() {
    let name = || fine(thread::current().name().unwrap().to_owned());
    let future = executor(1).named("a\0b").submit(name).unwrap();
    assert_eq!(future.blocking_result().unwrap(), "ab_0");
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
    in_a_process_without_threads("executor::refused_without_a_thread");
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
    in_a_process_without_threads("executor::none_is_left_without_a_thread");
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
    assert!(left.iter().all(Future::cancelled), "the queue was emptied");
    executor.shutdown().wait();
}

/// Dropped when its thread ends, after all of its jobs.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(50));
        self.0.store(true, Ordering::Release);
    }
}

thread_local!(static ENDS: RefCell<Option<Ends>> = const { RefCell::new(None) });

#[test]
fn whoever_waits_for_a_shutdown_waits_for_the_ends_of_the_threads() {
    let (executor, has_ended) = (ThreadPoolExecutor::new(1).unwrap(), Arc::new(AtomicBool::new(false)));
    let ends = Ends(Arc::clone(&has_ended));
    executor.submit(move || Ok::<_, Failed>(ENDS.set(Some(ends)))).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                executor.shutdown().wait();
                assert!(has_ended.load(Ordering::Acquire));
            });
        }
    });
}

#[test]
fn a_job_that_waits_for_the_shutdown_leaves_its_own_thread_to_others() {
    let (executor, has_ended) =
        (Arc::new(ThreadPoolExecutor::new(1).unwrap()), Arc::new(AtomicBool::new(false)));
    let (ends, inside) = (Ends(Arc::clone(&has_ended)), Arc::clone(&executor));
    let job = executor.submit(move || {
        ENDS.set(Some(ends));
        inside.shutdown().wait();
        Ok::<_, Failed>(())
    });
    assert_eq!(job.unwrap().blocking_result(), Ok(&()));
    executor.shutdown().wait();
    assert!(has_ended.load(Ordering::Acquire));
}
