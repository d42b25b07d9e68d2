//! Blocks and programs that make it hard: writes that nothing reads, and other users of `wait`.

use std::time::Duration;

use futures::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use withal::context::async_with;
use withal::resources::process;
use withal::tasks::{BoxError, timeout};

use super::{Marker, run};

/// The block writes more than a pipe holds to a child that never reads.
#[test]
fn a_timeout_ends_a_write_that_the_child_does_not_read() {
    run(async {
        let marker = Marker::new();
        let script = "trap '' TERM; sleep 1000 & wait; sleep 1000";
        let result: Result<(), BoxError> = async {
            let manager = process(marker.piped(script)).grace_period(Duration::from_millis(100));
            async_with!(_ = timeout(Duration::from_millis(100)), child = manager => {
                child.stdin.as_mut().unwrap().write_all(&vec![0; 1_000_000]).await?;
            })?;
            Ok(())
        }
        .await;
        let error = result.unwrap_err();
        assert!(error.to_string().contains("timed out"), "{error}");
        marker.assert_none_left();
        Ok(())
    });
}

/// The child echoes what the block writes, more than both pipes hold.
#[test]
fn a_block_writes_while_the_output_is_captured() {
    run(async {
        let marker = Marker::new();
        let manager = process(marker.piped("exec cat")).capture_output(4_000_000);
        let output: Result<_, BoxError> = async {
            Ok(async_with!(child = manager => {
                child.stdin.as_mut().unwrap().write_all(&vec![b'a'; 4_000_000]).await?;
                child.output().await?
            })?)
        }
        .await;
        assert_eq!(output?.stdout.len(), 4_000_000);
        Ok(())
    });
}

/// tokio and threads wait for children of their own at the same time, each of which is a SIGCHLD.
#[test]
fn other_code_waits_for_its_own_children() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(super::watched(async {
        let marker = Marker::new();
        let codes = join_all((0..60).map(|number| {
            let marker = Marker(marker.0.clone());
            tokio::spawn(async move {
                let script = format!("sleep 0.0{}; exit {number}", number % 7);
                let code = match number % 3 {
                    0 => async_with!(child = process(marker.script(&script)) => { child.wait().await.unwrap().code() }).unwrap(),
                    1 => Command::new("sh").args(["-c", &script]).status().await.unwrap().code(),
                    _ => tokio::task::spawn_blocking(move || std::process::Command::new("sh").args(["-c", &script]).status())
                        .await
                        .unwrap()
                        .unwrap()
                        .code(),
                };
                std::mem::forget(marker);
                code
            })
        }))
        .await;
        for (number, code) in (0..).zip(codes) {
            assert_eq!(code.unwrap(), Some(number));
        }
        marker.assert_none_left();
    }));
}

/// The end of a child does not signal processes outside of its group, such as those of the block and of another child.
#[test]
fn the_exit_of_a_child_ends_no_other_group() {
    run(async {
        let (inner, outer) = (Marker::new(), Marker::new());
        async_with!(_ = process(outer.script("sleep 1000 & sleep 1000")) => {
            let mut own = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
            outer.wait_for(3).await;
            // The child leaves its group, whose id is still its own.
            async_with!(_ = process(inner.script("setsid sleep 1000 & sleep 1000")) => { inner.wait_for(3).await })?;
            assert_eq!(outer.running().len(), 3);
            assert_eq!(own.try_wait().unwrap(), None);
            own.kill().await.unwrap();
        })
        .unwrap();
        outer.assert_none_left();
        Ok(())
    });
}
