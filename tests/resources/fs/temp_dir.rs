use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use withal::context::async_with;
use withal::resources::{FileError, temp_dir};
use withal::testing::cancel_at_every_await;
use withal_test_support::reports::reports_of;

use super::{Scratch, child, drain, on_both_runtimes};

fn fill(directory: &Path) {
    fs::create_dir_all(directory.join("a/b")).unwrap();
    fs::write(directory.join("a/b/file"), b"content").unwrap();
}

#[test]
fn the_directory_is_removed_on_every_path() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let manager = || temp_dir().within(&scratch.0).prefix("test-");
        let path = async_with!(directory = manager() => {
            assert!(directory.is_absolute() && directory.is_dir());
            assert!(scratch.names()[0].starts_with("test-"));
            fill(directory);
            directory.to_path_buf()
        });
        assert!(!path.unwrap().exists());
        let failed: Result<Result<(), &str>, FileError> = async_with!(directory = manager() => {
            fill(directory);
            Err("the block fails")
        });
        assert_eq!(failed.unwrap(), Err("the block fails"));
        let manager = manager();
        let panicking = tokio::spawn(async move {
            async_with!(directory = manager => {
                fill(directory);
                if true { std::panic::resume_unwind(Box::new("the block panics")) }
            })
        });
        assert!(panicking.await.unwrap_err().is_panic());
        assert!(scratch.names().is_empty());
    });
}

#[test]
fn cancelled_at_any_await_the_directory_is_removed() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let program = || async {
            async_with!(directory = temp_dir().within(&scratch.0) => {
                fill(directory);
                tokio::fs::write(directory.join("other"), vec![0; 100_000]).await.unwrap();
                tokio::task::yield_now().await;
            })
            .unwrap();
        };
        let drops = cancel_at_every_await(program).check(async |_| {
            drain().await;
            assert!(scratch.names().is_empty());
        });
        assert!(drops.await >= 1);
    });
}

#[tokio::test]
async fn a_directory_that_the_block_removes_or_moves_is_not_an_error() {
    let scratch = Scratch::new();
    async_with!(directory = temp_dir().within(&scratch.0) => { fs::remove_dir(directory).unwrap() }).unwrap();
    async_with!(directory = temp_dir().within(&scratch.0) => {
        fill(directory);
        fs::rename(directory, scratch.join("kept")).unwrap();
    })
    .unwrap();
    assert_eq!(scratch.names(), ["kept"]);
    assert!(scratch.join("kept/a/b/file").exists());
}

#[tokio::test]
async fn files_that_are_created_during_the_removal_are_removed() {
    let scratch = Scratch::new();
    // Several rounds: without a further attempt, a removal fails only if a file is created at its end.
    for _ in 0..5 {
        let created = Arc::new(AtomicU32::new(0));
        let (path, writers) = async_with!(directory = temp_dir().within(&scratch.0) => {
            let writers: Vec<_> = (0..3)
                .map(|_| {
                    let (path, created) = (directory.to_path_buf(), Arc::clone(&created));
                    thread::spawn(move || {
                        // Relaxed: only the numbers must differ.
                        for _ in 0..1000 {
                            let name = created.fetch_add(1, Ordering::Relaxed).to_string();
                            if fs::write(path.join(name), b"").is_err() { break; }
                        }
                    })
                })
                .collect();
            while created.load(Ordering::Relaxed) < 100 {
                thread::yield_now();
            }
            (directory.to_path_buf(), writers)
        })
        .unwrap();
        for writer in writers {
            writer.join().unwrap();
        }
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_parent_that_does_not_exist_is_named() {
    let scratch = Scratch::new();
    let error = async_with!(_ = temp_dir().within(scratch.join("missing")) => {}).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.starts_with("cannot create a directory in ") && text.contains("missing"), "{text}");
}

#[cfg(unix)]
#[test]
fn permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    child::unprivileged("fs::temp_dir::permissions", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scratch = Scratch::new();
            // Directories that cannot be written are removed. A link out of the directory is not followed.
            fs::create_dir(scratch.join("outside")).unwrap();
            mode(&scratch.join("outside"), 0o500);
            async_with!(directory = temp_dir().within(&scratch.0) => {
                assert_eq!(fs::metadata(&*directory).unwrap().mode() & 0o777, 0o700);
                fill(directory);
                symlink(scratch.join("outside"), directory.join("a/link")).unwrap();
                mode(&directory.join("a/b"), 0o000);
                mode(&directory.join("a"), 0o500);
            })
            .unwrap();
            assert_eq!(scratch.names(), ["outside"]);
            assert_eq!(fs::metadata(scratch.join("outside")).unwrap().mode() & 0o777, 0o500);

            // The error of a removal is returned.
            let parent = scratch.join("parent");
            fs::create_dir(&parent).unwrap();
            let result = async_with!(_ = temp_dir().within(&parent) => { mode(&parent, 0o500) });
            let error = result.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            assert!(error.to_string().starts_with("cannot remove the directory "), "{error}");
            mode(&parent, 0o700);

            // It is reported if the block was dropped.
            let reports = reports_of("temp_dir", async {
                let entered = Mutex::new(None::<PathBuf>);
                let scope = async {
                    async_with!(directory = temp_dir().within(&parent) => {
                        mode(&parent, 0o500);
                        *entered.lock().unwrap() = Some(directory.to_path_buf());
                        std::future::pending::<()>().await;
                    })
                };
                let dropped = tokio::time::timeout(Duration::from_millis(300), scope).await;
                dropped.unwrap_err();
                assert!(entered.lock().unwrap().is_some());
            });
            let reports = reports.await;
            assert_eq!(reports.len(), 1, "{reports:?}");
            assert!(reports[0].contains("cannot remove the directory "), "{reports:?}");
            mode(&parent, 0o700);
        });
    });
}
