use std::cell::Cell;
use std::fs;
use std::future::poll_fn;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::Instant;
use withal::cleanup;
use withal::context::async_with;
use withal::resources::{FileError, lock_file};
use withal::testing::cancel_at_every_await;

use super::{Scratch, child, drain, on_both_runtimes};

/// Returns `true` if the lock is free at this moment.
async fn is_free(path: &Path) -> bool {
    match async_with!(_ = lock_file(path).no_wait() => {}) {
        Ok(()) => true,
        Err(FileError::Locked { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_lock_is_released_on_every_path() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let path = scratch.join("lock");
        async_with!(_ = lock_file(&path) => { assert!(!is_free(&path).await) }).unwrap();
        assert!(is_free(&path).await);
        let failed: Result<Result<(), &str>, FileError> =
            async_with!(_ = lock_file(&path) => { Err("the block fails") });
        assert_eq!(failed.unwrap(), Err("the block fails"));
        assert!(is_free(&path).await);
        let panicking = tokio::spawn({
            let path = path.clone();
            async move {
                async_with!(_ = lock_file(path) => {
                    if true { std::panic::resume_unwind(Box::new("the block panics")) }
                })
            }
        });
        assert!(panicking.await.unwrap_err().is_panic());
        assert!(is_free(&path).await);
        assert_eq!(scratch.names(), ["lock"]);
    });
}

#[test]
fn cancelled_at_any_await_the_lock_is_free() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let path = scratch.join("lock");
        let program = || async {
            async_with!(file = lock_file(&path) => {
                file.write_all(b"some bytes").await.unwrap();
                tokio::task::yield_now().await;
            })
            .unwrap();
        };
        let drops = cancel_at_every_await(program).check(async |_| {
            drain().await;
            assert!(is_free(&path).await);
        });
        assert!(drops.await >= 1);
    });
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_cancelled_at_any_await_does_not_acquire_the_lock_later() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    for is_shared in [false, true] {
        for polls in 0..12 {
            async_with!(_ = lock_file(&path) => {
                let manager = if is_shared { lock_file(&path).shared() } else { lock_file(&path) };
                let mut waiting = pin!(Some(async { async_with!(_ = manager => { panic!("acquired") }) }));
                for _ in 0..polls {
                    let future = waiting.as_mut().as_pin_mut().unwrap();
                    let one_poll = tokio::time::timeout(Duration::from_micros(1), future).await;
                    assert!(one_poll.is_err());
                }
                waiting.set(None);
            })
            .unwrap();
            // Without a drain: the exit of the outer scope has waited for the attempt.
            assert!(is_free(&path).await, "after {polls} polls");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_timeout_is_exact_and_zero_tries_once() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    async_with!(_ = lock_file(&path) => {
        for timeout in [Duration::ZERO, Duration::from_millis(7), Duration::from_secs(5)] {
            let start = Instant::now();
            let result = async_with!(_ = lock_file(&path).timeout(timeout) => {});
            let error = result.unwrap_err();
            let FileError::Locked { timeout: reported, .. } = &error else { panic!("{error}") };
            assert_eq!((*reported, start.elapsed()), (timeout, timeout));
            let text = error.to_string();
            assert!(text.contains("is locked"), "{text}");
            assert_eq!(text.contains("was not unlocked within"), !timeout.is_zero(), "{text}");
        }
    })
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_waiting_scope_acquires_the_lock_after_its_release() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    let holder =
        async { async_with!(_ = lock_file(&path) => { tokio::time::sleep(Duration::from_secs(60)).await }) };
    let waiter = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        async_with!(_ = lock_file(&path).timeout(Duration::from_secs(100)) => {})
    };
    let start = Instant::now();
    let (first, second) = tokio::join!(holder, waiter);
    first.unwrap();
    second.unwrap();
    assert!(start.elapsed() <= Duration::from_millis(60_050), "{:?}", start.elapsed());
}

#[test]
fn waiting_occupies_no_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let scratch = Scratch::new();
        let path = scratch.join("lock");
        let inside = Arc::new(AtomicU32::new(0));
        let scopes = (0..20).map(|_| {
            let (path, inside) = (path.clone(), Arc::clone(&inside));
            tokio::spawn(async move {
                async_with!(_ = lock_file(path) => {
                    // Relaxed: the lock orders the accesses.
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    inside.fetch_sub(1, Ordering::Relaxed);
                })
            })
        });
        for scope in scopes.collect::<Vec<_>>() {
            scope.await.unwrap().unwrap();
        }
    });
}

#[tokio::test]
async fn shared_locks_exclude_exclusive_ones_only() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    async_with!(_ = lock_file(&path).shared() => {
        async_with!(_ = lock_file(&path).shared().no_wait() => {}).unwrap();
        assert!(!is_free(&path).await);
    })
    .unwrap();
    async_with!(_ = lock_file(&path) => {
        let shared = async_with!(_ = lock_file(&path).shared().no_wait() => {});
        assert!(matches!(shared, Err(FileError::Locked { .. })));
        assert_eq!(std::io::Error::from(shared.unwrap_err()).kind(), std::io::ErrorKind::WouldBlock);
    })
    .unwrap();
}

#[tokio::test]
async fn the_file_is_the_target_and_keeps_its_content() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    fs::write(&path, b"before").unwrap();
    async_with!(file = lock_file(&path) => {
        let mut content = String::new();
        file.read_to_string(&mut content).await.unwrap();
        assert_eq!(content, "before");
        file.write_all(b" and after").await.unwrap();
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"before and after");
}

#[cfg(unix)]
#[tokio::test]
async fn a_write_that_was_cancelled_is_complete_before_the_next_holder_enters() {
    let scratch = Scratch::new();
    for round in 0..3 {
        let path = scratch.join(round.to_string());
        let written = Cell::new(false);
        let scope = async {
            async_with!(file = lock_file(&path) => {
                // One write, whose bytes a thread writes while the block is dropped.
                file.set_max_buf_size(30_000_000);
                assert_eq!(file.write(&vec![b'x'; 30_000_000]).await.unwrap(), 30_000_000);
                written.set(true);
                std::future::pending::<()>().await;
            })
        };
        let mut scope = Box::pin(scope);
        poll_fn(|cx| {
            assert!(scope.as_mut().poll(cx).is_pending());
            if written.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(scope);
        async_with!(_ = lock_file(&path) => { assert_eq!(fs::metadata(&path).unwrap().len(), 30_000_000) })
            .unwrap();
    }
    drain().await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_its_holder_removes_does_not_let_two_scopes_in() {
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    let is_held = Notify::new();
    let waiter = async {
        is_held.notified().await;
        async_with!(_ = lock_file(&path) => {
            assert!(path.exists());
            assert!(!is_free(&path).await, "the lock of the file that has the path");
        })
    };
    let holder = async {
        async_with!(_ = lock_file(&path) => {
            is_held.notify_one();
            tokio::time::sleep(Duration::from_millis(20)).await; // the waiter has opened this file
            fs::remove_file(&path).unwrap();
        })
    };
    let (first, second) = tokio::join!(holder, waiter);
    first.unwrap();
    second.unwrap();
}

/// The attempt of an enter that is dropped is a cleanup, for which the enclosing scopes wait.
#[tokio::test]
async fn an_enter_that_is_dropped_is_pending_until_its_attempt_has_ended() {
    let scratch = Scratch::new();
    let mut scope = Box::pin(async { async_with!(_ = lock_file(scratch.join("lock")) => {}) });
    poll_fn(|cx| {
        assert!(scope.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(cleanup::pending(), 0);
    drop(scope);
    assert_eq!(cleanup::pending(), 1);
    drain().await;
}

#[tokio::test]
async fn errors_name_the_path() {
    let scratch = Scratch::new();
    for path in [scratch.0.clone(), scratch.join("missing/lock")] {
        let error = async_with!(_ = lock_file(&path) => {}).unwrap_err();
        assert!(error.to_string().starts_with("cannot open the lock file "), "{error}");
        assert!(error.to_string().contains(&*scratch.0.to_string_lossy()), "{error}");
    }
    let error = async_with!(_ = lock_file("") => {}).unwrap_err();
    assert!(error.to_string().starts_with("cannot find \"\""), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_can_be_locked() {
    use std::os::unix::fs::PermissionsExt;

    child::unprivileged("fs::lock_file::a_file_that_cannot_be_written_can_be_locked", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scratch = Scratch::new();
            let path = scratch.join("lock");
            fs::write(&path, b"").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
            async_with!(_ = lock_file(&path).shared() => { assert!(!is_free(&path).await) }).unwrap();
            assert!(is_free(&path).await);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
            let error = async_with!(_ = lock_file(&path) => {}).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        });
    });
}

#[test]
fn the_lock_is_held_between_processes_and_released_by_a_kill() {
    const TEST: &str = "fs::lock_file::the_lock_is_held_between_processes_and_released_by_a_kill";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(path) = child::argument() {
        return runtime.block_on(async {
            async_with!(_ = lock_file(path) => {
                println!("\nlocked");
                std::future::pending::<()>().await;
            })
            .unwrap();
        });
    }
    let scratch = Scratch::new();
    let path = scratch.join("lock");
    let mut child = child::command(TEST, path.to_str().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "locked"));
    runtime.block_on(async {
        assert!(!is_free(&path).await);
        let wait = lock_file(&path).timeout(Duration::from_millis(20));
        assert!(matches!(async_with!(_ = wait => {}), Err(FileError::Locked { .. })));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_free(&path).await);
    });
}
