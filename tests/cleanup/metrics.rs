//! The metrics cover the whole process, so they are tested in a process of their own.

use std::future::{pending, ready};
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Builder;
use withal::cleanup::{Cleanup, Metrics, detach, drain, metrics};

fn counts(metrics: Metrics) -> [u64; 5] {
    [metrics.detached, metrics.completed, metrics.failed, metrics.panicked, metrics.abandoned]
}

#[test]
#[ignore = "run in a process of its own by the test below"]
fn in_own_process() {
    let [detached, completed, failed, panicked, abandoned] = counts(metrics());
    assert_eq!([detached, completed, failed, panicked, abandoned], [0; 5]);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Err("failed")));
        detach(async { if metrics().detached > 0 { panic!("panicked") } else { Ok::<_, ()>(()) } });
        Cleanup::new(pending::<Result<(), ()>>()).grace_period(Duration::from_millis(1)).detach();
        assert_eq!(counts(metrics()), [5, 0, 0, 0, 0], "no cleanup has finished yet");
        drain(Duration::from_secs(60)).await.unwrap();
        assert_eq!(counts(metrics()), [5, 2, 1, 1, 1]);
        detach(pending::<Result<(), ()>>());
    });
    drop(runtime);
    detach(ready(Ok::<_, ()>(())));
    assert_eq!(counts(metrics()), [7, 2, 1, 1, 3], "abandoned by a shutdown, and outside of a runtime");
}

#[test]
fn each_outcome_is_counted_once() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "metrics::in_own_process", "--ignored"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the ignored test was run");
}
