//! What is counted is of the whole process: this one is a process of its own.

use std::future::{pending, ready};
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Builder;
use withal::cleanup::{Cleanup, Totals, detach, drain, totals};

fn sums(totals: Totals) -> [u64; 5] {
    [totals.detached, totals.done, totals.failed, totals.panicked, totals.lost]
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn alone() {
    let [detached, done, failed, panicked, lost] = sums(totals());
    assert_eq!([detached, done, failed, panicked, lost], [0; 5]);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Ok::<_, ()>(())));
        detach(ready(Err("failed")));
        detach(async { if totals().detached > 0 { panic!("panicked") } else { Ok::<_, ()>(()) } });
        Cleanup::new(pending::<Result<(), ()>>()).grace(Duration::from_millis(1)).detach();
        assert_eq!(sums(totals()), [5, 0, 0, 0, 0], "none has ended yet");
        drain(Duration::from_secs(60)).await.unwrap();
        assert_eq!(sums(totals()), [5, 2, 1, 1, 1]);
        detach(pending::<Result<(), ()>>());
    });
    drop(runtime);
    detach(ready(Ok::<_, ()>(())));
    assert_eq!(sums(totals()), [7, 2, 1, 1, 3], "by a shutdown, and for want of a runtime");
}

#[test]
fn each_end_is_counted_once() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "totals::alone", "--ignored"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "it was run");
}
