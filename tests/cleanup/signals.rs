//! `Signals`, and a shutdown on real signals, which a child process sends to itself.

use std::future::pending;
use std::process::{self, Command, ExitCode, Termination};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use withal::cleanup::{GracefulShutdown, ShutdownReport, Signals, TerminationSignal};
use withal_test_support::child_process::stderr_of;

const ENOUGH: Duration = Duration::from_secs(60);

fn send(signal: &str) {
    let sent = Command::new("kill").args([signal, &process::id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

#[test]
fn signals_are_received_one_by_one_also_those_before_the_first_poll() {
    let printed =
        stderr_of("signals::signals_are_received_one_by_one_also_those_before_the_first_poll", || {
            for runtime in runtimes() {
                runtime.block_on(async {
                    let mut signals = Signals::new().unwrap();
                    send("-TERM");
                    assert_eq!(signals.recv().await, TerminationSignal::Terminate);
                    send("-INT");
                    let received = signals.recv().await;
                    assert_eq!(
                        (received, received.to_string()),
                        (TerminationSignal::Interrupt, "SIGINT".to_owned())
                    );
                });
            }
        });
    assert_eq!(printed.unwrap_or_default(), [""; 0]);
}

/// Sends `signals` one by one, each once the one before has had its effect.
async fn shut_down(signals: usize) -> ShutdownReport {
    let mut shutdown = GracefulShutdown::new();
    shutdown.hurry_budget(if signals == 2 { Duration::from_millis(500) } else { ENOUGH });
    shutdown.on_signals().unwrap();
    let first = shutdown.phase("first", ENOUGH);
    let last = shutdown.phase("last", ENOUGH);
    // Before `run`: the signal is not lost.
    send("-TERM");
    first.step("step", async move {
        for _ in 1..signals {
            send("-INT");
            // Signals that are not received yet count as one.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if signals > 1 {
            pending::<()>().await;
        }
    });
    last.step("last", async {});
    shutdown.run().await
}

#[test]
fn the_first_signal_begins_the_second_hurries_and_the_third_ends() {
    let printed = stderr_of("signals::the_first_signal_begins_the_second_hurries_and_the_third_ends", || {
        for runtime in runtimes() {
            for (signals, code) in [(1, ExitCode::SUCCESS), (2, ExitCode::FAILURE), (3, ExitCode::FAILURE)] {
                let report = runtime.block_on(shut_down(signals));
                assert_eq!(report.was_hurried(), signals > 1);
                assert_eq!(report.report(), code);
            }
        }
    });
    let Some(printed) = printed else { return };
    let expected = [
        "withal: shutdown: first / step: timed out",
        "withal: shutdown: first / step: timed out",
        "withal: shutdown: last / last: not started",
    ];
    assert_eq!(printed, [expected, expected].concat());
}
