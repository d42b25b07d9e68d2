//! What is counted is of the whole process: this one is a process of its own.

use std::future::{pending, ready};
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Builder;
use withal::cleanup::{Cleanup, Metrics, detach, drain, metrics};

fn sums(metrics: Metrics) -> [u64; 5] {
    [metrics.detached, metrics.completed, metrics.failed, metrics.panicked, metrics.abandoned]
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn alone() {
    let [detached, completed, failed, panicked, abandoned] = sums(metrics());
    assert_eq!([detached, completed, failed, panicked, abandoned], [0; 5]);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Err("failed")));
        detach(async { if metrics().detached > 0 { panic!("panicked") } else { Ok::<_, ()>(()) } });
        Cleanup::new(pending::<Result<(), ()>>()).grace_period(Duration::from_millis(1)).detach();
        assert_eq!(sums(metrics()), [5, 0, 0, 0, 0], "none has ended yet");
        drain(Duration::from_secs(60)).await.unwrap();
        assert_eq!(sums(metrics()), [5, 2, 1, 1, 1]);
        detach(pending::<Result<(), ()>>());
    });
    drop(runtime);
    detach(ready(Ok::<_, ()>(())));
    assert_eq!(sums(metrics()), [7, 2, 1, 1, 3], "by a shutdown, and for want of a runtime");
}

#[test]
fn each_end_is_counted_once() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "metrics::alone", "--ignored"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "it was run");
}
