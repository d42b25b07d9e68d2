//! The exit of a child and of its process group, on each path.

use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use withal::cleanup::observe;
use withal::context::{AsyncContextManager, async_with};
use withal::resources::{ProcessError, ProcessGuard, process};
use withal::tasks::BoxError;

use super::{Marker, assert_reaped, run, state};

#[test]
fn a_child_and_its_group_end_with_the_block() {
    run(async {
        let marker = Marker::new();
        let command = marker.script("sleep 1000 & sleep 1000 & sleep 1000");
        let id = async_with!(child = process(command) => {
            marker.wait_for(4).await;
            child.id()
        })
        .unwrap();
        marker.assert_none_left();
        assert_reaped(id);
        Ok(())
    });
}

#[test]
fn a_child_and_its_group_end_after_an_error() {
    run(async {
        let marker = Marker::new();
        let command = marker.script("sleep 1000 & sleep 1000");
        let result: Result<(), BoxError> = async {
            async_with!(_ = process(command) => {
                marker.wait_for(3).await;
                Err(std::io::Error::other("the block failed"))?
            })?;
            Ok(())
        }
        .await;
        assert_eq!(result.unwrap_err().to_string(), "the block failed");
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_child_and_its_group_end_after_a_panic() {
    run(async {
        let marker = Marker::new();
        let command = marker.script("sleep 1000 & sleep 1000");
        let task = tokio::spawn({
            let running = Marker(marker.0.clone());
            async move {
                async_with!(_ = process(command) => {
                    running.wait_for(3).await;
                    std::mem::forget(running);
                    std::panic::resume_unwind(Box::new("the block panics"))
                })
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        marker.assert_none_left();
        Ok(())
    });
}

/// The statuses that a wait returns: a code, and a signal. The child is a zombie until the exit.
#[test]
fn a_wait_returns_the_status_without_reaping_the_child() {
    run(async {
        let marker = Marker::new();
        for (script, code, signal) in [
            ("exit 0", Some(0), None),
            ("exit 3", Some(3), None),
            ("exit 255", Some(255), None),
            ("kill -KILL $$", None, Some(9)),
            ("kill -TERM $$", None, Some(15)),
            ("ulimit -c 0; kill -SEGV $$", None, Some(11)),
        ] {
            let id = async_with!(child = process(marker.script(script)) => {
                let status = child.wait().await?;
                assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
                assert_eq!(child.try_wait()?, Some(status));
                assert_eq!(child.wait().await?, status, "a second wait");
                assert_eq!(state(child.id()), Some(('Z', std::process::id())), "{script}");
                assert_eq!(child.terminate().await?, status, "the status of the reaped child");
                assert_eq!(child.wait().await?, status, "a wait for a reaped child");
                assert_eq!(child.try_wait()?, Some(status));
                child.id()
            })
            .unwrap();
            assert_reaped(id);
        }
        Ok(())
    });
}

#[test]
fn a_child_that_ends_at_once_is_reaped() {
    run(async {
        let marker = Marker::new();
        for _ in 0..20 {
            let id = async_with!(child = process(marker.script("exit 0")) => { child.id() }).unwrap();
            assert_reaped(id);
        }
        Ok(())
    });
}

#[test]
fn the_group_is_killed_after_its_leader_has_ended() {
    run(async {
        let marker = Marker::new();
        // A daemon within the group, which ignores SIGTERM.
        let command = marker.script("trap '' TERM; (sleep 1000 &); exit 0");
        let manager = process(command).grace_period(Duration::from_millis(200));
        async_with!(child = manager => {
            child.wait().await?;
            marker.wait_for(1).await;
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

/// A shell ends at once on SIGTERM, while its child is still cleaning up.
#[test]
fn the_whole_group_has_the_grace_period() {
    run(async {
        let marker = Marker::new();
        let script = "sh -c 'trap \"sleep 0.3; echo cleaned up; exit 0\" TERM; echo ready; while :; do sleep 0.01; done' & wait";
        let manager = process(marker.piped(script)).capture_output(1000);
        let output = async_with!(child = manager => {
            super::eventually(|| child.captured_stdout() == b"ready\n").await;
            child.terminate().await?;
            child.captured_stdout()
        })
        .unwrap();
        assert_eq!(String::from_utf8_lossy(&output), "ready\ncleaned up\n");
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_child_that_ignores_sigterm_is_killed_after_the_grace_period() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped("trap '' TERM; sleep 1000 & echo; while :; do sleep 1000; done");
        let grace_period = Duration::from_millis(300);
        let begin = async_with!(child = process(command).grace_period(grace_period) => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            let begin = Instant::now();
            let status = child.terminate().await?;
            assert_eq!(status.signal(), Some(9));
            begin
        })
        .unwrap();
        assert!(begin.elapsed() >= grace_period, "the grace period is respected");
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_child_that_handles_sigterm_chooses_its_status() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped("trap 'exit 7' TERM; echo; while :; do sleep 0.01; done");
        let status = async_with!(child = process(command) => {
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
fn a_zero_grace_period_kills_at_once() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped("trap 'exit 7' TERM; echo; while :; do sleep 0.01; done");
        let status = async_with!(child = process(command).grace_period(Duration::ZERO) => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            child.terminate().await?
        })
        .unwrap();
        assert_eq!(status.signal(), Some(9));
        marker.assert_none_left();
        Ok(())
    });
}

/// A stopped process receives SIGTERM when it is continued.
#[test]
fn a_stopped_child_handles_sigterm() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped("trap 'exit 7' TERM; kill -STOP $$; while :; do sleep 0.01; done");
        let status = async_with!(child = process(command) => {
            super::eventually(|| matches!(state(child.id()), Some(('T', _)))).await;
            child.terminate().await?
        })
        .unwrap();
        assert_eq!(status.code(), Some(7));
        marker.assert_none_left();
        Ok(())
    });
}

/// The end of its input ends `cat`, also if it ignores SIGTERM.
#[test]
fn the_exit_closes_stdin() {
    run(async {
        let marker = Marker::new();
        let command = marker.piped("trap '' TERM; exec cat");
        let manager = process(command).grace_period(Duration::from_secs(100));
        async_with!(child = manager => {
            child.stdin.as_mut().unwrap().write_all(b"x").await.unwrap();
            assert_eq!(child.stdout.as_mut().unwrap().read_u8().await.unwrap(), b'x');
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_block_talks_to_its_child() {
    run(async {
        let marker = Marker::new();
        let line = async_with!(child = process(marker.piped("read line; echo got $line; sleep 1000")) => {
            child.stdin.as_mut().unwrap().write_all(b"a line\n").await.unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            lines.next_line().await.unwrap()
        })
        .unwrap();
        assert_eq!(line.as_deref(), Some("got a line"));
        marker.assert_none_left();
        Ok(())
    });
}

/// A child that has joined another group is no longer in its own.
#[test]
fn a_child_that_leaves_its_group_ends() {
    run(async {
        let marker = Marker::new();
        // Perl's `setpgrp` joins the group of the shell's parent, which is that of the test.
        let group = rustix_group();
        let command =
            marker.piped(&format!("exec perl -e 'setpgrp(0, {group}) or die; $| = 1; print 1; sleep 1000'"));
        async_with!(child = process(command) => {
            assert_eq!(child.stdout.as_mut().unwrap().read_u8().await.unwrap(), b'1');
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

fn rustix_group() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    stat[stat.rfind(')').unwrap() + 1..].split_whitespace().nth(2).unwrap().parse().unwrap()
}

/// A descendant in a session of its own is not in the group.
#[test]
fn an_escaped_descendant_ends_only_on_request() {
    run(async {
        for kill in [false, true] {
            let marker = Marker::new();
            let manager =
                process(marker.piped("setsid sh -c 'echo; exec sleep 1000' & wait")).kill_descendants(kill);
            async_with!(child = manager => {
                child.stdout.as_mut().unwrap().read_u8().await.unwrap();
            })
            .unwrap();
            assert_eq!(marker.running().len(), usize::from(!kill));
        }
        Ok(())
    });
}

/// A double fork: the daemon's parent is not the child.
#[test]
fn an_escaped_daemon_that_ignores_sigterm_is_killed_on_request() {
    run(async {
        let marker = Marker::new();
        let script = "trap '' TERM; (setsid sh -c 'sleep 1000 & echo; sleep 1000' &); exit 0";
        let manager =
            process(marker.piped(script)).kill_descendants(true).grace_period(Duration::from_millis(100));
        async_with!(child = manager => {
            child.stdout.as_mut().unwrap().read_u8().await.unwrap();
        })
        .unwrap();
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_status_is_checked_on_request() {
    run(async {
        let marker = Marker::new();
        let exit = async |script: &str, check| async_with!(child = process(marker.script(script)).check(check) => { child.wait().await? });
        assert_eq!(exit("exit 3", false).await.unwrap().code(), Some(3));
        assert!(exit("exit 0", true).await.unwrap().success());
        let error = exit("exit 3", true).await.unwrap_err();
        assert_eq!(error.to_string(), "\"sh\" failed with exit status: 3");
        assert_eq!(error.status().and_then(|status| status.code()), Some(3));
        let error = exit("kill -KILL $$", true).await.unwrap_err();
        assert_eq!(error.to_string(), "\"sh\" failed with signal: 9 (SIGKILL)");
        // The status of a child that the exit ends is not checked.
        async_with!(_ = process(marker.script("sleep 1000")).check(true) => {}).unwrap();
        // Neither is that of a child that the block ends.
        async_with!(child = process(marker.script("sleep 1000")).check(true) => { child.terminate().await? })
            .unwrap();
        async_with!(child = process(marker.script("sleep 1000")).check(true) => { child.start_kill() })
            .unwrap();
        Ok(())
    });
}

#[test]
fn a_child_is_killed_at_once() {
    run(async {
        let marker = Marker::new();
        let status = async_with!(child = process(marker.script("trap '' TERM; sleep 1000 & sleep 1000")) => {
            marker.wait_for(3).await;
            child.start_kill();
            child.wait().await?
        })
        .unwrap();
        assert_eq!(status.signal(), Some(9));
        marker.assert_none_left();
        Ok(())
    });
}

#[test]
fn a_mutable_reference_to_a_command_is_a_manager() {
    run(async {
        let marker = Marker::new();
        let mut command = marker.script("exit 4");
        for _ in 0..2 {
            let status = async_with!(child = process(&mut command) => { child.wait().await? }).unwrap();
            assert_eq!(status.code(), Some(4));
        }
        let status: Result<_, ProcessError> = async {
            async_with!(child = process(tokio::process::Command::new("sh").arg("-c").arg("exit 5")) => {
                child.wait().await?
            })
        }
        .await;
        assert_eq!(status.unwrap().code(), Some(5));
        Ok(())
    });
}

/// A command can start several children, whose exits are independent.
#[test]
fn a_command_is_reused_while_its_first_child_runs() {
    run(async {
        let marker = Marker::new();
        let mut command = marker.piped("echo; exec sleep 1000");
        let code = async_with!(second = {
            let first = process(&mut command).kill_descendants(true).kill_on_parent_death(true);
            let manager = async_with!(first = first => {
                first.stdout.as_mut().unwrap().read_u8().await?;
                let guard = AsyncContextManager::aenter(process(&mut command).kill_descendants(true)).await?;
                marker.wait_for(2).await;
                guard
            })?;
            Entered(manager)
        } => {
            second.stdout.as_mut().unwrap().read_u8().await?;
            assert_eq!(marker.running().len(), 1, "the exit of the first child leaves the second one");
            second.terminate().await?.signal()
        })?;
        assert_eq!(code, Some(15));
        Ok(())
    });
}

/// A guard that was entered before, as a manager.
struct Entered(ProcessGuard);

impl AsyncContextManager for Entered {
    type Guard = ProcessGuard;

    async fn aenter(self) -> Result<ProcessGuard, ProcessError> {
        Ok(self.0)
    }
}

/// The failure of the child may be the cause of that of the block.
#[test]
fn a_failed_status_is_reported_if_the_block_has_failed() {
    run(async {
        let marker = Marker::new();
        let failures = Arc::new(Mutex::new(Vec::new()));
        let observer = observe({
            let failures = Arc::clone(&failures);
            move |event| {
                if event.name() == "the failing child" {
                    failures.lock().unwrap().push(event.error_text().unwrap());
                }
            }
        });
        let result: Result<(), BoxError> = async {
            async_with!(child = process(marker.script("exit 3")).check(true).name("the failing child") => {
                child.wait().await?;
                Err(std::io::Error::other("broken pipe"))?
            })?;
            Ok(())
        }
        .await;
        assert_eq!(result.unwrap_err().to_string(), "broken pipe");
        drop(observer);
        let failures = failures.lock().unwrap();
        assert!(failures.len() == 1 && failures[0].contains("exit status: 3"), "{failures:?}");
        Ok(())
    });
}
