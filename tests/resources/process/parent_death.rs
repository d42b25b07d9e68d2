//! A program that is killed while it has a child.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use withal::context::async_with;
use withal::resources::process;
use withal_test_support::poll_then_drop::drop_at_every_await;

use super::{Marker, run};

const VARIABLE: &str = "WITHAL_TEST_KILL_ON_PARENT_DEATH";

/// Runs this test again as a program that is killed by SIGKILL while its child runs, and returns the number of processes
/// of the child that are left.
fn left_after_kill(test: &str, kill_on_parent_death: bool) -> usize {
    let marker = Marker::new();
    let mut program = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, format!("{kill_on_parent_death} {}", marker.0))
        .spawn()
        .unwrap();
    let wait_for = |count| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while marker.running().len() != count && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        marker.running().len()
    };
    assert_eq!(wait_for(2), 2);
    program.kill().unwrap();
    program.wait().unwrap();
    if kill_on_parent_death {
        wait_for(0)
    } else {
        std::thread::sleep(Duration::from_millis(200));
        marker.running().len()
    }
}

/// The program: a child and a grandchild, which ignore SIGTERM.
fn program() {
    let Ok(variable) = env::var(VARIABLE) else { return };
    let (kill, marker) = variable.split_once(' ').unwrap();
    let marker = Marker(marker.to_owned());
    let manager = process(marker.script("trap '' TERM HUP; sleep 1000 & wait"));
    let manager = manager.kill_on_parent_death(kill.parse().unwrap());
    run(async {
        async_with!(child = manager => { child.wait().await? }).unwrap();
        Ok(())
    });
}

#[test]
fn a_child_survives_the_kill_of_its_parent() {
    program();
    if env::var_os(VARIABLE).is_none() {
        let test = "process::parent_death::a_child_survives_the_kill_of_its_parent";
        assert_eq!(left_after_kill(test, false), 2);
    }
}

#[test]
fn a_child_ends_with_its_killed_parent_on_request() {
    program();
    if env::var_os(VARIABLE).is_none() {
        let test = "process::parent_death::a_child_ends_with_its_killed_parent_on_request";
        assert_eq!(left_after_kill(test, true), 0);
    }
}

/// The program is killed while the exit waits for its child, as soon as the child has started.
#[test]
fn a_child_ends_with_a_parent_that_is_killed_during_the_exit() {
    if let Ok(variable) = env::var(VARIABLE) {
        let (_, marker) = variable.split_once(' ').unwrap();
        let marker = Marker(marker.to_owned());
        run(async {
            let manager = process(marker.script("trap '' TERM HUP; sleep 1000 & wait"));
            let manager = manager.kill_on_parent_death(true).grace_period(Duration::from_secs(1000));
            async_with!(_ = manager => {
                // Not earlier, because SIGTERM would end a shell that does not ignore it yet.
                marker.wait_for(2).await;
            })?;
            Ok(())
        });
    } else {
        let test = "process::parent_death::a_child_ends_with_a_parent_that_is_killed_during_the_exit";
        assert_eq!(left_after_kill(test, true), 0);
    }
}

/// The watchdog is started before the child, and ends if the enter is dropped.
#[test]
fn an_enter_with_a_watchdog_is_dropped_at_every_await() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(super::watched(async {
        let marker = Marker::new();
        let program = || async {
            async_with!(_ = process(marker.script("sleep 1000")).kill_on_parent_death(true) => {
                std::future::ready(()).await;
            })
        };
        let check = async |_| {
            withal::cleanup::drain(Duration::from_secs(60)).await.unwrap();
            marker.assert_none_left();
        };
        assert!(drop_at_every_await(program, check).await > 1);
        super::no_watchdog_is_left().await;
    }));
}

/// The watchdog changes nothing else.
#[test]
fn a_child_with_a_watchdog_ends_as_others_do() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped(
            "trap 'exit 7' TERM; (trap '' TERM; exec sleep 1000) & echo; while :; do sleep 0.01; done",
        );
        let manager = process(command).kill_on_parent_death(true).grace_period(Duration::from_millis(200));
        let status = async_with!(child = manager => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            child.terminate().await?
        })
        .unwrap();
        assert_eq!(status.code(), Some(7));
        marker.assert_none_left();

        let manager = process(marker.script("exit 3")).kill_on_parent_death(true);
        assert_eq!(async_with!(child = manager => { child.wait().await? }).unwrap().code(), Some(3));

        // Nothing of the group runs but the watchdog: the exit does not wait for it.
        let begin = Instant::now();
        let manager = process(marker.script("exit 0")).kill_on_parent_death(true).grace_period(Duration::MAX);
        async_with!(child = manager => { child.wait().await? }).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(30));
        Ok(())
    });
}
