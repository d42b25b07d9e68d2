//! Blocks and exits that are dropped at each await.

use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use withal::cleanup::drain;
use withal::context::async_with;
use withal::resources::process;
use withal_test_support::poll_then_drop::drop_at_every_await;

use super::{Marker, assert_reaped, children, watched};

/// Children of all kinds, each with a grandchild, except for those that end at once.
const SCRIPTS: [&str; 10] = [
    "sleep 1000 & sleep 1000",
    // It ignores SIGTERM, and so do its children.
    "trap '' TERM; sleep 1000 & while :; do sleep 1000; done",
    // It closes its pipes.
    "sleep 1000 & exec <&- >&- 2>&-; sleep 1000",
    // It fills its pipes.
    "sleep 1000 & head -c 3000000 /dev/zero & head -c 3000000 /dev/zero >&2; wait",
    // It fills them after SIGTERM.
    "trap 'head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 7' TERM; while :; do sleep 0.02; done & \
     while :; do sleep 0.02; done",
    // It leaves a daemon in its group.
    "(sleep 1000 &); exit 0",
    // It leaves a daemon that ignores SIGTERM.
    "trap '' TERM; (sleep 1000 &); exit 0",
    // It ends at once.
    "exit 3",
    // It stops itself.
    "sleep 1000 & kill -STOP $$; wait",
    // It reads its input to the end.
    "sleep 1000 & cat",
];

const GRACE_PERIOD: Duration = Duration::from_millis(100);

/// Starts a child, awaits in the block and in the exit, and records the id of the child.
async fn program(marker: &Marker, script: &str, ids: &Mutex<Vec<u32>>) {
    let manager = process(marker.piped(script)).grace_period(GRACE_PERIOD);
    async_with!(child = manager => {
        ids.lock().unwrap().push(child.id());
        // The pipe may be closed.
        drop(child.stdin.as_mut().unwrap().write_all(b"x\n").await);
        let read = child.stdout.as_mut().unwrap().read_u8();
        drop(tokio::time::timeout(Duration::from_millis(5), read).await);
        drop(tokio::time::timeout(Duration::from_millis(5), child.wait()).await);
        tokio::task::yield_now().await;
    })
    .unwrap();
}

/// Drops the program at each await, with each script, until `count` children were started.
async fn cancel_at_every_await(count: usize) {
    let ids = Mutex::new(Vec::new());
    while ids.lock().unwrap().len() < count {
        watched(join_all(SCRIPTS.map(|script| {
            let ids = &ids;
            async move {
                let marker = Marker::new();
                let check = async |_: Option<()>| {
                    // The exits of other scripts may be pending, too: they take as long as this one.
                    drain(Duration::from_secs(60)).await.unwrap();
                    marker.assert_none_left();
                };
                drop_at_every_await(|| program(&marker, script, ids), check).await;
            }
        })))
        .await;
    }
    ids.lock().unwrap().iter().copied().for_each(assert_reaped);
}

#[test]
fn a_program_is_dropped_at_every_await_on_one_thread() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(cancel_at_every_await(children(1)));
}

#[test]
fn a_program_is_dropped_at_every_await_on_several_threads() {
    multi_thread().block_on(cancel_at_every_await(children(1)));
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// 200 children run at once, and their tasks are aborted at once.
#[test]
fn children_of_aborted_tasks_end_at_once() {
    for _ in 0..children(1).div_ceil(200) {
        multi_thread().block_on(watched(async {
            let marker = Marker::new();
            let tasks: Vec<_> = (0..200)
                .map(|number| {
                    let command = marker.piped(SCRIPTS[number % SCRIPTS.len()]);
                    tokio::spawn(async move {
                        let manager = process(command).grace_period(Duration::from_millis(500));
                        async_with!(_ = manager => { std::future::pending::<()>().await }).unwrap();
                    })
                })
                .collect();
            super::eventually(|| marker.running().len() > tasks.len()).await;
            for task in &tasks {
                task.abort();
            }
            join_all(tasks).await;
            drain(Duration::from_secs(60)).await.unwrap();
            marker.assert_none_left();
        }));
    }
}

/// The exit that was dropped continues, and does not start another grace period.
#[test]
fn a_cancelled_terminate_continues_in_the_exit() {
    super::run(async {
        let marker = Marker::new();
        let command =
            marker.piped("trap 'exit 7' TERM; trap 'exit 8' USR1; echo; while :; do sleep 0.01; done");
        async_with!(child = process(command) => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            tokio::select! {
                biased;
                status = child.terminate() => panic!("it cannot end before the first await: {status:?}"),
                () = std::future::ready(()) => {}
            }
            assert_eq!(child.terminate().await?.code(), Some(7));
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_cancelled_wait_is_continued() {
    super::run(async {
        let marker = Marker::new();
        let manager =
            process(marker.piped("head -c 1000000 /dev/zero; read line; exit 3")).capture_output(1_000_000);
        let output = async_with!(child = manager => {
            let stdin = child.stdin.take();
            while tokio::time::timeout(Duration::from_millis(1), child.output()).await.is_err() {
                if child.captured_stdout().len() == 1_000_000 {
                    break;
                }
            }
            drop(stdin);
            child.output().await?
        })
        .unwrap();
        assert_eq!(output.stdout.len(), 1_000_000);
        assert_eq!(output.status.code(), Some(3));
        Ok(())
    });
}
