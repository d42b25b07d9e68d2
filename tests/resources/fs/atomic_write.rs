use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error as _;
use std::fs;
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Barrier;
use withal::context::async_with;
use withal::resources::{FileError, atomic_write};
use withal::testing::cancel_at_every_await;

use super::{Scratch, child, drain, on_both_runtimes};

/// Replaces the file by `content`.
async fn write(path: impl Into<PathBuf>, content: &[u8]) -> Result<(), FileError> {
    async_with!(file = atomic_write(path) => { file.write_all(content).await.unwrap() })
}

#[test]
fn the_file_is_replaced_only_if_the_block_completes() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let path = scratch.join("file");
        write(&path, b"first").await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");

        let failed: Result<Result<(), &str>, FileError> = async_with!(file = atomic_write(&path) => {
            file.write_all(b"second").await.unwrap();
            file.flush().await.unwrap();
            Err("the block fails")
        });
        assert_eq!(failed.unwrap(), Err("the block fails"));

        let panicking = tokio::spawn({
            let path = path.clone();
            async move {
                async_with!(file = atomic_write(path) => {
                    file.write_all(b"third").await.unwrap();
                    if true { std::panic::resume_unwind(Box::new("the block panics")) }
                })
            }
        });
        assert!(panicking.await.unwrap_err().is_panic());

        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(scratch.names(), ["file"]);
    });
}

#[test]
fn cancelled_at_any_await_the_file_is_whole_and_no_temporary_file_remains() {
    on_both_runtimes(|| async {
        let scratch = Scratch::new();
        let path = scratch.join("file");
        let (old, new) = (vec![b'o'; 1000], vec![b'n'; 3_000_000]);
        fs::write(&path, &old).unwrap();
        let drops =
            cancel_at_every_await(|| async { write(&path, &new).await.unwrap() }).check(async |output| {
                drain().await;
                let content = fs::read(&path).unwrap();
                if output.is_some() {
                    assert_eq!(content, new);
                } else {
                    assert!(content == old || content == new, "{} bytes", content.len());
                    fs::write(&path, &old).unwrap();
                }
                assert_eq!(scratch.names(), ["file"]);
            });
        assert!(drops.await >= 1);
    });
}

#[tokio::test]
async fn an_exit_that_is_dropped_after_the_block_has_completed_replaces_the_file() {
    let scratch = Scratch::new();
    let path = scratch.join("file");
    let is_complete = Cell::new(false);
    let mut scope = Box::pin(async {
        async_with!(file = atomic_write(&path) => {
            file.write_all(b"new").await.unwrap();
            is_complete.set(true);
        })
    });
    poll_fn(|cx| {
        assert!(scope.as_mut().poll(cx).is_pending(), "the exit awaits a thread");
        if is_complete.get() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    drop(scope);
    drain().await;
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(scratch.names(), ["file"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_writers_one_wins_and_its_content_is_whole() {
    let scratch = Scratch::new();
    let path = scratch.join("file");
    let barrier = Arc::new(Barrier::new(8));
    let writers = (b'a'..b'i').map(|letter| {
        let (path, barrier) = (path.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            async_with!(file = atomic_write(path) => {
                barrier.wait().await; // all of them are in their blocks
                file.write_all(&vec![letter; 100_000]).await.unwrap();
            })
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let content = fs::read(&path).unwrap();
    assert_eq!(content.len(), 100_000);
    assert!(content.iter().all(|byte| *byte == content[0]));
    assert_eq!(scratch.names(), ["file"]);
}

#[tokio::test]
async fn contents_of_any_size() {
    let scratch = Scratch::new();
    let path = scratch.join("file");
    write(&path, b"old").await.unwrap();
    write(&path, b"").await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
    let large: Vec<u8> = (0..10_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    write(&path, &large).await.unwrap();
    assert!(fs::read(&path).unwrap() == large);
    async_with!(_ = atomic_write(&path) => {}).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[tokio::test]
async fn the_new_content_can_be_read_and_sought() {
    let scratch = Scratch::new();
    let path = scratch.join("file");
    async_with!(file = atomic_write(&path) => {
        assert_eq!(file.path(), path);
        file.write_all(b"0 bytes").await.unwrap();
        file.rewind().await.unwrap();
        file.write_all(b"7").await.unwrap();
        let mut rest = String::new();
        file.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, " bytes");
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"7 bytes");
}

#[tokio::test]
async fn errors_name_the_path() {
    let scratch = Scratch::new();
    let text = |error: FileError| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}").replace(&*scratch.0.to_string_lossy(), "/scratch")
    };

    let error = text(write(scratch.join("missing/file"), b"").await.unwrap_err());
    assert!(error.starts_with("cannot open the directory \"/scratch/missing\": "), "{error}");

    fs::write(scratch.join("plain"), b"").unwrap();
    let error = text(write(scratch.join("plain/file"), b"").await.unwrap_err());
    assert!(error.starts_with("cannot access \"/scratch/plain/file\": "), "{error}");

    fs::create_dir(scratch.join("directory")).unwrap();
    for path in ["directory", "directory/", "new/", "directory/.", "directory/..", "."] {
        let error = text(write(scratch.0.join(path), b"").await.unwrap_err());
        assert!(error.contains("is not the path of a regular file: pass one"), "{path}: {error}");
    }
    for path in ["", "/", "..", "."] {
        let error = write(path, b"").await.unwrap_err();
        assert!(matches!(error, FileError::NotAFile(_)), "{path:?}: {error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(scratch.names(), ["directory", "plain"]);
}

#[cfg(unix)]
#[tokio::test]
async fn devices_are_not_replaced() {
    assert!(matches!(write("/dev/null", b"").await, Err(FileError::NotAFile(_))));
    let scratch = Scratch::new();
    let link = scratch.join("link");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    assert!(matches!(write(&link, b"").await, Err(FileError::NotAFile(_))));
    let socket = scratch.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(matches!(write(&socket, b"").await, Err(FileError::NotAFile(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn names_of_any_bytes_and_any_length() {
    use std::os::unix::ffi::OsStrExt;

    let scratch = Scratch::new();
    let bytes = scratch.join(std::ffi::OsStr::from_bytes(b"caf\xe9 \n\"'"));
    write(&bytes, b"bytes").await.unwrap();
    assert_eq!(fs::read(&bytes).unwrap(), b"bytes");

    // The longest name of Linux and macOS.
    let longest = scratch.join("n".repeat(255));
    write(&longest, b"first").await.unwrap();
    write(&longest, b"second").await.unwrap();
    assert_eq!(fs::read(&longest).unwrap(), b"second");
    let error = write(scratch.join("n".repeat(256)), b"").await.unwrap_err();
    assert!(error.to_string().starts_with("cannot access "), "{error}");
    assert_eq!(scratch.names().len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn the_mode_of_the_old_file_is_kept_and_the_new_content_is_not_exposed() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let scratch = Scratch::new();
    for mode in [0o600, 0o640, 0o755, 0o444, 0o4755] {
        let path = scratch.join("file");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let owner = fs::metadata(&path).unwrap();
        async_with!(file = atomic_write(&path) => {
            file.write_all(b"secret").await.unwrap();
            file.flush().await.unwrap();
            let temporary = scratch.names().into_iter().find(|name| name != "file").unwrap();
            assert!(super::is_temporary(&temporary), "{temporary}");
            assert_eq!(fs::metadata(scratch.join(temporary)).unwrap().mode() & 0o777, 0o600);
        })
        .unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o7777, mode, "{:o}", metadata.mode());
        assert_eq!((metadata.uid(), metadata.gid()), (owner.uid(), owner.gid()));
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        fs::remove_file(&path).unwrap();
    }
    // A file that did not exist has the mode that `File::create` gives.
    let (created, written) = (scratch.join("created"), scratch.join("written"));
    drop(fs::File::create(&created).unwrap());
    write(&written, b"").await.unwrap();
    assert_eq!(fs::metadata(&written).unwrap().mode(), fs::metadata(&created).unwrap().mode());
}

#[cfg(unix)]
#[tokio::test]
async fn root_keeps_the_owner_of_the_old_file() {
    use std::os::unix::fs::{MetadataExt, chown};

    let scratch = Scratch::new();
    let path = scratch.join("file");
    fs::write(&path, b"old").unwrap();
    if chown(&path, Some(1), Some(2)).is_err() {
        println!("skipped: only root can change the owner of a file");
        return;
    }
    write(&path, b"new").await.unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (1, 2));
}

#[cfg(unix)]
#[test]
fn bits_that_give_the_rights_of_another_user_are_not_moved_to_the_user_of_the_process() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    const TEST: &str = "fs::atomic_write::bits_that_give_the_rights_of_another_user_are_not_moved_to_the_user_of_the_process";
    if let Some(path) = child::argument() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(write(&path, b"new")).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (65534, 0o755));
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.join("file");
    fs::write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o777)).unwrap();
    if chown(&scratch.0, Some(65534), Some(65534)).is_err() {
        println!("skipped: only root can change the owner of a file");
        return;
    }
    let mut command = child::command(TEST, path.to_str().unwrap());
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    std::os::unix::process::CommandExt::gid(&mut command, 65534);
    child::run(command);
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_is_kept_and_its_target_is_replaced() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new();
    fs::create_dir_all(scratch.join("a/b")).unwrap();
    let target = scratch.join("a/target");
    let is_link = |path: &Path| fs::symlink_metadata(path).unwrap().is_symlink();

    // A link to a link. Each is relative to its own directory.
    symlink("a/b/second", scratch.join("first")).unwrap();
    symlink("../target", scratch.join("a/b/second")).unwrap();
    // The target does not exist, and then it does.
    for content in [b"first", b"other"] {
        async_with!(file = atomic_write(scratch.join("first")) => {
            file.write_all(content).await.unwrap();
            let names = super::names(&scratch.join("a"));
            assert!(names.iter().any(|name| name.starts_with(".withal-")), "in the directory of the target: {names:?}");
        })
        .unwrap();
        assert_eq!(fs::read(&target).unwrap(), content);
        assert!(is_link(&scratch.join("first")) && is_link(&scratch.join("a/b/second")));
    }
    assert_eq!(super::names(&scratch.join("a")), ["b", "target"]);

    symlink("loop", scratch.join("loop")).unwrap();
    assert!(matches!(write(scratch.join("loop"), b"").await, Err(FileError::Io { .. })));
    symlink("a/b/", scratch.join("to-directory")).unwrap();
    assert!(matches!(write(scratch.join("to-directory"), b"").await, Err(FileError::NotAFile(_))));
    symlink("missing/", scratch.join("to-no-directory")).unwrap();
    assert!(matches!(write(scratch.join("to-no-directory"), b"").await, Err(FileError::NotAFile(_))));
}

#[test]
fn a_relative_path_is_resolved_in_the_enter() {
    const TEST: &str = "fs::atomic_write::a_relative_path_is_resolved_in_the_enter";
    let Some(directory) = child::argument() else {
        let scratch = Scratch::new();
        child::run(child::command(TEST, scratch.0.to_str().unwrap()));
        return assert_eq!(fs::read(scratch.join("file")).unwrap(), b"new");
    };
    std::env::set_current_dir(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        async_with!(file = atomic_write("file") => {
            std::env::set_current_dir("/").unwrap();
            file.write_all(b"new").await.unwrap();
        })
        .unwrap();
    });
    assert_eq!(super::names(Path::new(&directory)), ["file"]);
}

#[cfg(unix)]
#[test]
fn a_directory_without_write_permission() {
    use std::os::unix::fs::PermissionsExt;

    child::unprivileged("fs::atomic_write::a_directory_without_write_permission", || {
        let scratch = Scratch::new();
        fs::write(scratch.join("file"), b"old").unwrap();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o555)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(write(scratch.join("file"), b"new")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().starts_with("cannot create a temporary file in "), "{error}");
        assert_eq!(fs::read(scratch.join("file")).unwrap(), b"old");
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    });
}

#[tokio::test]
async fn the_directory_is_removed_during_the_block() {
    let scratch = Scratch::new();
    let directory = scratch.join("directory");
    fs::create_dir(&directory).unwrap();
    let result = async_with!(file = atomic_write(directory.join("file")) => {
        file.write_all(b"new").await.unwrap();
        fs::remove_dir_all(&directory).unwrap();
    });
    let error = result.unwrap_err();
    assert!(error.to_string().starts_with("cannot replace "), "{error}");
    // The temporary file is gone already, and the exit, which would remove it, does not fail.
    fs::create_dir(&directory).unwrap();
    let result: Result<Result<(), Infallible>, _> = async_with!(_ = atomic_write(directory.join("file")) => {
        fs::remove_dir_all(&directory).unwrap();
        Ok(())
    });
    assert!(result.is_err());
    let result: Result<Result<(), &str>, _> = {
        fs::create_dir(&directory).unwrap();
        async_with!(_ = atomic_write(directory.join("file")) => {
            fs::remove_dir_all(&directory).unwrap();
            Err("failed")
        })
    };
    assert_eq!(result.unwrap(), Err("failed"));
}
