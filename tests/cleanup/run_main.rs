//! `run_main`: the main future, then its cleanups, and the exit code.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use withal::cleanup::{detach, drain, run_main};

use withal_test_support::child_process::stderr_of;

const ENOUGH: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Detaches a cleanup when it is dropped.
struct Owner(Arc<AtomicUsize>);

impl Drop for Owner {
    fn drop(&mut self) {
        let done = Arc::clone(&self.0);
        detach(async move {
            yield_now().await;
            done.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(())
        });
    }
}

#[test]
fn the_cleanups_of_main_are_drained() {
    for runtime in [runtime(), Builder::new_multi_thread().build().unwrap()] {
        let done = Arc::new(AtomicUsize::new(0));
        let owner = Owner(Arc::clone(&done));
        let main = async move {
            let _owner = &owner;
            yield_now().await;
        };
        assert_eq!(runtime.block_on(run_main(main, ENOUGH)), ExitCode::SUCCESS);
        assert_eq!(done.load(Ordering::Relaxed), 1);
    }
}

/// The cleanups of an error's destructor are drained as well.
#[test]
fn the_output_of_main_is_the_exit_code() {
    struct Failure(#[expect(dead_code, reason = "dropped")] Owner);

    impl std::fmt::Debug for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an error of `main`, printed by a test")
        }
    }

    let runtime = runtime();
    let done = Arc::new(AtomicUsize::new(0));
    let owner = Owner(Arc::clone(&done));
    let failing = async move { Err::<(), _>(Failure(owner)) };
    assert_eq!(runtime.block_on(run_main(failing, ENOUGH)), ExitCode::FAILURE);
    assert_eq!(done.load(Ordering::Relaxed), 1);
    assert_eq!(runtime.block_on(run_main(async { ExitCode::from(7) }, ENOUGH)), ExitCode::from(7));
}

#[test]
fn a_panic_of_main_resumes_after_the_drain() {
    let runtime = runtime();
    let done = Arc::new(AtomicUsize::new(0));
    let owner = Owner(Arc::clone(&done));
    let main = async move {
        let _owner = owner;
        panic!("in main, intended");
    };
    let main = AssertUnwindSafe(run_main(main, ENOUGH));
    let payload = catch_unwind(|| runtime.block_on(main)).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"in main, intended"));
    assert_eq!(done.load(Ordering::Relaxed), 1);
}

#[test]
fn pending_cleanups_fail_the_program_and_are_printed() {
    let lines = stderr_of("run_main::pending_cleanups_fail_the_program_and_are_printed", || {
        let main = |exit_code: u8| async move {
            withal::cleanup::Cleanup::new(pending::<Result<(), ()>>()).name("stuck").detach();
            ExitCode::from(exit_code)
        };
        for (main_code, exit_code) in [(0, ExitCode::FAILURE), (7, ExitCode::from(7))] {
            assert_eq!(runtime().block_on(run_main(main(main_code), Duration::from_millis(1))), exit_code);
        }
    });
    let Some(lines) = lines else { return };
    let expected = [
        "withal: timed out with 1 cleanup pending",
        "withal: cleanup stuck was abandoned: its runtime shut down",
    ];
    assert_eq!(lines, [expected, expected].concat());
}

#[test]
fn outside_of_a_runtime_only_main_is_awaited() {
    let main = run_main(async { ExitCode::from(3) }, ENOUGH);
    assert_eq!(futures::executor::block_on(main), ExitCode::from(3));
}

/// The payload is kept while the cleanups are drained. Its destructor panics, which must not abort the process.
#[test]
fn a_payload_whose_destructor_panics() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the destructor of a payload");
        }
    }
    withal_test_support::expect_reports("Pending was abandoned: its runtime shut down");
    let runtime = runtime();
    let main = async {
        detach(pending::<Result<(), ()>>());
        if true {
            std::panic::panic_any(Bomb);
        }
    };
    let mut main = Box::pin(run_main(main, ENOUGH));
    runtime.block_on(async { assert!(futures::poll!(&mut main).is_pending()) });
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _main = main;
        panic!("program");
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"program"));
    runtime.block_on(async { drain(Duration::ZERO).await.unwrap_err() });
}

/// A task is dropped by the runtime, some time after it was cancelled.
#[test]
fn the_cleanups_of_tasks_that_were_cancelled_last_are_drained() {
    for runtime in [runtime(), Builder::new_multi_thread().worker_threads(1).build().unwrap()] {
        let done = Arc::new(AtomicUsize::new(0));
        let owners: Vec<_> = (0..3).map(|_| Owner(Arc::clone(&done))).collect();
        let main = async move {
            let tasks = owners.into_iter().map(|owner| async move {
                let _owner = &owner;
                pending::<()>().await;
            });
            let mut tasks: tokio::task::JoinSet<()> = tasks.collect();
            tasks.spawn(pending());
            // All tasks have started.
            yield_now().await;
            tokio::spawn(yield_now()).await.unwrap();
            drop(tasks);
        };
        assert_eq!(runtime.block_on(run_main(main, ENOUGH)), ExitCode::SUCCESS);
        assert_eq!(done.load(Ordering::Relaxed), 3);
    }
}
