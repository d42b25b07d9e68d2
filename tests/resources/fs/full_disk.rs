//! Writes that fail: the file keeps its old content.

#![cfg(unix)]

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use tokio::io::AsyncWriteExt;
use withal::context::async_with;
use withal::resources::{FileError, atomic_write};

use super::{Scratch, child};

/// Replaces a file, with writes of which one fails. The block fails, too, or it ignores the error.
async fn write_too_much(path: &Path) {
    let old = fs::read(path).unwrap();
    let content = vec![b'n'; 3_000_000];
    // The block propagates the error.
    let failed: Result<io::Result<()>, FileError> = async_with!(file = atomic_write(path) => {
        let written = file.write_all(&content).await;
        written.and(file.flush().await)
    });
    failed.unwrap().unwrap_err();
    // It ignores the error. The second flush completes, although the bytes are lost.
    for flushes in 0..4 {
        let ignored = async_with!(file = atomic_write(path) => {
            drop(file.write_all(&content[..100_000]).await);
            for _ in 0..flushes {
                drop(file.flush().await);
            }
        });
        assert!(matches!(ignored, Err(FileError::Incomplete { .. })), "{ignored:?}");
    }
    // It ignores the error, and writes again, which succeeds.
    let ignored = async_with!(file = atomic_write(path) => {
        drop(file.write_all(&content[..100_000]).await);
        drop(file.shutdown().await);
        tokio::io::AsyncSeekExt::rewind(file).await.unwrap();
        file.write_all(b"small").await.unwrap();
        file.flush().await.unwrap();
    });
    let error = ignored.unwrap_err();
    assert!(error.to_string().contains("has failed, so the file has its old content"), "{error}");
    assert_eq!(fs::read(path).unwrap(), old);
    assert_eq!(super::names(path.parent().unwrap()), ["file"]);
}

#[test]
fn a_limit_of_the_size_of_files() {
    const TEST: &str = "fs::full_disk::a_limit_of_the_size_of_files";
    if let Some(path) = child::argument() {
        return super::on_both_runtimes(|| write_too_much(Path::new(&path)));
    }
    let scratch = Scratch::new();
    fs::write(scratch.join("file"), vec![b'o'; 5000]).unwrap();
    // 32 KiB or, where the unit is 1 KiB, 64 KiB. Without the trap, a write beyond the limit would kill the process.
    let setup = "ulimit -f 64; trap '' XFSZ";
    child::run(child::after(setup, TEST, scratch.join("file").to_str().unwrap()));
}

#[test]
fn a_full_file_system() {
    let scratch = Scratch::new();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "withal-test"])
        .arg(&scratch.0)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        println!("skipped: only root can mount a tmpfs");
        return;
    }
    let path = scratch.join("file");
    fs::write(&path, vec![b'o'; 5000]).unwrap();
    let result = std::panic::catch_unwind(|| super::on_both_runtimes(|| write_too_much(&path)));
    assert!(Command::new("umount").arg(&scratch.0).status().unwrap().success());
    if let Err(payload) = result {
        std::panic::resume_unwind(payload);
    }
}
