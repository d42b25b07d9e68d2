//! A process that is killed while it replaces a file again and again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use withal::context::async_with;
use withal::resources::atomic_write;
use withal_test_support::random::Random;

use super::{Scratch, child};

const TEST: &str = "fs::kill::after_a_kill_the_file_is_the_old_or_the_new_one_whole";

/// The content of a version: its number, its length, and a byte that differs from those of the versions beside it.
fn content(version: u64) -> Vec<u8> {
    let length = Random(version).below(300_000);
    let mut content = format!("{version} {length}\n").into_bytes();
    content.resize(content.len() + length, b'a' + u8::try_from(version % 26).unwrap());
    content
}

/// Returns the version of the file, which must be whole.
fn version(path: &Path) -> u64 {
    let found = fs::read(path).unwrap();
    let line = found.split(|byte| *byte == b'\n').next().unwrap();
    let version = String::from_utf8_lossy(line).split(' ').next().unwrap().parse().unwrap();
    assert!(found == content(version), "version {version} is not whole: {} bytes", found.len());
    version
}

async fn replace_for_ever(path: &Path) {
    let mut version = version(path);
    loop {
        version += 1;
        let content = content(version);
        async_with!(file = atomic_write(path) => {
            for chunk in content.chunks(20_000) {
                file.write_all(chunk).await.unwrap();
            }
        })
        .unwrap();
        println!("version {version}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn after_a_kill_the_file_is_the_old_or_the_new_one_whole() {
    if let Some(path) = child::argument() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(replace_for_ever(Path::new(&path)));
    }
    // CI kills fewer processes.
    let kills = std::env::var("WITHAL_KILLS").map_or(40, |kills| kills.parse().unwrap());
    let scratch = Scratch::new();
    let path = scratch.join("file");
    fs::write(&path, content(0)).unwrap();
    let mut random = Random(14);
    let mut left_over = 0;
    for _ in 0..kills {
        let mut child = child::command(TEST, path.to_str().unwrap()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str| line.strip_prefix("version ").map(|number| number.parse::<u64>().unwrap());
        let mut reported = loop {
            if let Some(number) = number(&lines.next().unwrap().unwrap()) {
                break number;
            }
        };
        sleep(Duration::from_micros(random.next_u64() % 8_000));
        child.kill().unwrap();
        child.wait().unwrap();
        reported = lines.filter_map(|line| number(&line.unwrap())).last().unwrap_or(reported);
        let version = version(&path);
        assert!(version == reported || version == reported + 1, "{version} after {reported}");
        // At most the temporary file of the block that was killed.
        let names = scratch.names();
        assert!(names.len() <= 2, "{names:?}");
        for name in names.iter().filter(|name| *name != "file") {
            assert!(super::is_temporary(name), "{name}");
            fs::remove_file(scratch.join(name)).unwrap();
            left_over += 1;
        }
    }
    println!("{kills} kills, {left_over} of them with a temporary file; version {}", version(&path));
}
