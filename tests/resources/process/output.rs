//! The pipes of a child, which never waits for a reader.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use withal::context::async_with;
use withal::resources::{ProcessError, process};

use super::{Marker, run};

/// Megabytes on both pipes, which nothing reads.
const FILL: &str = "head -c 3000000 /dev/zero & head -c 3000000 /dev/zero >&2; wait; exit 3";

#[test]
fn a_wait_reads_the_pipes_that_the_block_does_not_read() {
    run(async {
        let marker = Marker::new();
        let status = async_with!(child = process(marker.piped(FILL)) => {
            let status = child.wait().await?;
            assert!(child.stdout.is_none() && child.stderr.is_none() && child.stdin.is_none());
            status
        })
        .unwrap();
        assert_eq!(status.code(), Some(3));
        marker.assert_none_left();
        Ok(())
    });
}

/// The child can end only after it has written what the exit has to read.
#[test]
fn an_exit_reads_the_pipes_that_the_block_does_not_read() {
    run(async {
        let marker = Marker::new();
        let script = "trap 'head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 7' TERM; echo; \
                      while :; do sleep 0.01; done";
        let manager = process(marker.piped(script)).grace_period(Duration::from_secs(100));
        let status = async_with!(child = manager => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            child.terminate().await?
        })
        .unwrap();
        assert_eq!(status.code(), Some(7));
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn captured_output_is_complete() {
    run(async {
        let marker = Marker::new();
        for _ in 0..10 {
            let script = "head -c 300000 /dev/zero | tr '\\0' a; echo error >&2; exit 3";
            let manager = process(marker.script(script)).capture_output(300_000);
            let output = async_with!(child = manager => { child.output().await? }).unwrap();
            assert_eq!(output.status.code(), Some(3));
            assert!(output.stdout.len() == 300_000 && output.stdout.iter().all(|&byte| byte == b'a'));
            assert_eq!(output.stderr, b"error\n");
        }
        Ok(())
    });
}

#[test]
fn captured_output_is_limited() {
    run(async {
        let marker = Marker::new();
        let manager = process(marker.script(FILL)).capture_output(1000);
        let error = async_with!(child = manager => {
            let error = child.output().await.unwrap_err();
            assert_eq!((child.captured_stdout().len(), child.captured_stderr().len()), (1000, 1000));
            assert_eq!(child.try_wait()?.unwrap().code(), Some(3));
            error
        })
        .unwrap();
        assert!(matches!(error, ProcessError::OutputTooLarge { limit: 1000, .. }), "{error}");
        Ok(())
    });
}

/// The block does not wait for the child, which writes more than a pipe holds before it serves the block.
#[test]
fn captured_output_is_read_while_the_block_runs() {
    run(async {
        let marker = Marker::new();
        let manager = process(marker.script("head -c 1000000 /dev/zero; echo ready >&2; sleep 1000"))
            .capture_output(100);
        async_with!(child = manager => {
            super::eventually(|| child.captured_stderr() == b"ready\n").await;
            assert_eq!(child.captured_stdout().len(), 100);
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

/// The daemon keeps the pipes open, as with `wait_with_output` of std, which would wait for its end.
#[test]
fn output_does_not_wait_for_other_processes() {
    run(async {
        let marker = Marker::new();
        let manager = process(marker.script("(sleep 1000 &); echo done; exit 0")).capture_output(100);
        let output = async_with!(child = manager => { child.output().await? }).unwrap();
        assert_eq!(output.stdout, b"done\n");
        marker.assert_none_left();
        Ok(())
    });
}

/// A process that writes without end after its parent has ended.
#[test]
fn output_ends_while_other_processes_write() {
    run(async {
        let marker = Marker::new();
        for capture in [true, false] {
            let manager = process(marker.piped("yes & exit 0"));
            let manager = if capture { manager.capture_output(100) } else { manager };
            async_with!(child = manager => { child.wait().await? }).unwrap();
            marker.assert_none_left();
        }
        Ok(())
    });
}

#[test]
fn output_must_be_captured() {
    run(async {
        let marker = Marker::new();
        let manager = process(marker.script("echo 1"));
        let error = async_with!(child = manager => { child.output().await.unwrap_err() }).unwrap();
        assert_eq!(
            error.to_string(),
            "the output of \"sh\" is not captured: call `capture_output` on its `process`"
        );
        Ok(())
    });
}

#[test]
fn a_child_that_closes_its_pipes_is_awaited() {
    run(async {
        let marker = Marker::new();
        for capture in [true, false] {
            let manager = process(marker.piped("exec <&- >&- 2>&-; sleep 0.1; exit 3"));
            let manager = if capture { manager.capture_output(100) } else { manager };
            let status = async_with!(child = manager => { child.wait().await? }).unwrap();
            assert_eq!(status.code(), Some(3));
        }
        Ok(())
    });
}
