//! Cleanups in a process that cannot start a thread, because of a limit on the number of its threads.
//!
//! The tests run their programs in a child process, with a `pthread_create` that fails. A C compiler builds it; without
//! one, the tests are skipped.

#![cfg(target_os = "linux")]

use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs, panic};

use tokio::runtime::Builder;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, detach, drain, metrics, observe};

/// Set in the child process.
const CHILD: &str = "WITHAL_TEST_WITHOUT_THREADS";

const ENOUGH: Duration = Duration::from_secs(60);

/// Builds the library that refuses threads, or prints the reason that it cannot.
fn library(test: &str) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_thread/refuse_threads.c");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_thread");
    fs::create_dir_all(&folder).unwrap();
    let library = folder.join(format!("{test}.so"));
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    match Command::new(&compiler).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status() {
        Ok(status) if status.success() => Some(library),
        failed => {
            println!("skipped: {} failed: {failed:?}", compiler.to_string_lossy());
            None
        }
    }
}

/// Runs `program` in a child process that cannot start threads. `test` is the name of the calling test.
fn without_threads(test: &str, program: impl FnOnce()) {
    if env::var_os(CHILD).is_some() {
        return program();
    }
    let Some(library) = library(test) else { return };
    let output = Command::new(env::current_exe().unwrap())
        // With one test thread, the test runs on the main thread.
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("LD_PRELOAD", library)
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{}\n{stdout}\n{stderr}", output.status);
}

/// The events of the process, and the number of its panics, caught ones included.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn record() -> impl Drop {
    let threads = std::thread::Builder::new().spawn(|| {});
    assert!(threads.is_err(), "threads can be started");
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        report(info);
    }));
    observe(|event| EVENTS.lock().unwrap().push(event.to_string()))
}

fn assert_reported_once() {
    let events = EVENTS.lock().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("timer thread"), "{events:?}");
}

#[test]
fn with_a_timer_of_tokio() {
    without_threads("with_a_timer_of_tokio", || {
        let _observer = record();
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            for _ in 0..2 {
                detach(async {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    Ok::<(), ()>(())
                });
            }
            drain(ENOUGH).await.unwrap();
            assert_eq!(metrics().completed, 2);
            assert_reported_once();
            // The limits hold.
            Cleanup::new(pending::<Result<(), ()>>()).grace_period(Duration::from_millis(1)).detach();
            drain(ENOUGH).await.unwrap();
            assert_eq!(metrics().abandoned, 1);
            detach(pending::<Result<(), ()>>());
            drain(Duration::from_millis(1)).await.unwrap_err();
        });
        assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn without_any_timer() {
    without_threads("without_any_timer", || {
        let _observer = record();
        Builder::new_current_thread().build().unwrap().block_on(async {
            for _ in 0..2 {
                Cleanup::new(async {
                    for _ in 0..10 {
                        yield_now().await;
                    }
                    Ok::<(), ()>(())
                })
                .grace_period(ENOUGH)
                .detach();
            }
            drain(ENOUGH).await.unwrap();
            assert_eq!(metrics().completed, 2);
        });
        assert_reported_once();
        // tokio has no other way to find out. It is caught, and happens once for a runtime.
        assert!(PANICS.load(Ordering::Relaxed) <= 1);
    });
}
