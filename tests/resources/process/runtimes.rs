//! Exits that have no runtime to run on, and runtimes without a timer or with a paused clock.

use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use withal::context::async_with;
use withal::resources::process;
use withal_test_support::expect_reports;

use super::{Marker, assert_reaped, watched};

const SCRIPT: &str = "trap '' TERM; sleep 1000 & while :; do sleep 1000; done";

#[test]
fn the_group_is_killed_when_the_runtime_shuts_down() {
    expect_reports("process");
    for threads in [1, 2] {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        let marker = Marker::new();
        let command = marker.script(SCRIPT);
        let (sender, receiver) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            async_with!(child = process(command) => {
                sender.send(child.id()).unwrap();
                child.wait().await?
            })
        });
        let id = receiver.recv().unwrap();
        runtime.block_on(watched(marker.wait_for(3)));
        drop(runtime);
        // The destructor of the child runs in the shutdown. The children of the killed group end within a moment.
        assert_reaped(id);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !marker.running().is_empty() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn the_group_is_killed_when_the_future_is_dropped_after_its_runtime() {
    expect_reports("process");
    let marker = Marker::new();
    let mut id = 0;
    let mut future = Box::pin(async {
        async_with!(child = process(marker.script(SCRIPT)) => {
            id = child.id();
            marker.wait_for(3).await;
            std::future::pending::<()>().await;
        })
    });
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            result = &mut future => panic!("{result:?}"),
            () = watched(marker.wait_for(3)) => {}
        }
    });
    drop(runtime);
    drop(future);
    assert_reaped(id);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !marker.running().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The grace period of a real process is wall-clock time.
#[test]
fn a_paused_clock_does_not_shorten_the_grace_period() {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let marker = Marker::new();
    let script = "trap 'sleep 0.2; exit 7' TERM; while :; do sleep 0.01; done";
    let code = runtime.block_on(async {
        async_with!(child = process(marker.script(script)) => {
            // Not a timer of tokio.
            std::thread::sleep(Duration::from_millis(300));
            child.terminate().await?.code()
        })
    });
    assert_eq!(code.unwrap(), Some(7));
}

#[test]
fn a_runtime_without_a_timer_suffices() {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let marker = Marker::new();
    runtime.block_on(async {
        async_with!(_ = process(marker.script(SCRIPT)).grace_period(Duration::from_millis(100)) => {})
            .unwrap();
    });
    marker.assert_none_left();
}

/// The block runs on one runtime, and the exit on another.
#[test]
fn a_child_moves_to_another_runtime() {
    let marker = Marker::new();
    let mut future = Box::pin(async {
        let manager =
            process(marker.piped("trap 'exit 7' TERM; while :; do sleep 0.01; done")).capture_output(100);
        async_with!(child = manager => {
            tokio::task::yield_now().await;
            // A SIGTERM before the shell has set its trap would end it.
            std::thread::sleep(Duration::from_millis(300));
            child.terminate().await?
        })
    });
    let first = Builder::new_current_thread().enable_all().build().unwrap();
    first.block_on(async {
        assert!(futures::poll!(&mut future).is_pending());
    });
    drop(first);
    let second = Builder::new_current_thread().enable_all().build().unwrap();
    let status = second.block_on(watched(future)).unwrap();
    assert_eq!(status.code(), Some(7));
    marker.assert_none_left();
}
