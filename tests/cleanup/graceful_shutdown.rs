//! `GracefulShutdown`: phases in order, their budgets, and the report of what did not finish.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitCode, Termination};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tokio::time::sleep;
use withal::cleanup::{
    Cleanup, GracefulShutdown, Phase, ShutdownReport, UnfinishedReason, detach, drain,
    pending as pending_cleanups, run_main,
};

use withal_test_support::child_process::stderr_of;
use withal_test_support::expect_reports;

const ENOUGH: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(1);

/// A log of events, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// A step that takes `time`, in tokio's time.
    fn step(&self, entry: &'static str, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        let log = self.clone();
        async move {
            sleep(time).await;
            log.add(entry);
        }
    }
}

/// Adds an entry when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// Detaches a cleanup when it is dropped.
struct Owner(Log, &'static str);

impl Drop for Owner {
    fn drop(&mut self) {
        detach(self.0.step(self.1, Duration::from_millis(5)).map(Ok::<(), ()>));
    }
}

fn lines(report: &ShutdownReport) -> Vec<String> {
    report.unfinished().iter().map(ToString::to_string).collect()
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

#[tokio::test(start_paused = true)]
async fn phases_run_in_order_and_the_steps_of_a_phase_concurrently() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let first = shutdown.phase("first", ENOUGH);
    let second = shutdown.phase("second", ENOUGH);
    // Registered in another order.
    second.step("c", log.step("c", Duration::ZERO));
    first.step("b", log.step("b", Duration::from_secs(2)));
    first.step("a", log.step("a", Duration::from_secs(1)));
    let start = tokio::time::Instant::now();
    shutdown.handle().begin();
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.entries(), ["a", "b", "c"]);
    // Not three seconds: a and b ran at the same time.
    assert!(start.elapsed() < Duration::from_millis(2500), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_before_the_shutdown_begins() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let phase = shutdown.phase("phase", ENOUGH);
    phase.step("step", log.step("step", Duration::ZERO));
    let handle = shutdown.handle();
    let run = tokio::spawn(shutdown.run());
    sleep(ENOUGH).await;
    assert_eq!(log.entries(), [""; 0]);
    assert!(!handle.has_begun() && !phase.has_begun());
    handle.begin();
    handle.begin();
    let report = run.await.unwrap();
    assert!(report.is_clean() && !report.was_hurried());
    assert!(handle.has_begun() && phase.has_begun());
}

/// The order of a service: the listener closes, the requests end, the exits run, the telemetry is flushed.
#[test]
fn exits_run_before_the_phases_that_are_added_after_them() {
    for runtime in runtimes() {
        let log = Log::default();
        runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            let accept = shutdown.phase("stop accepting", ENOUGH);
            let requests = shutdown.phase("finish requests", ENOUGH);
            shutdown.run_exits(ENOUGH);
            let telemetry = shutdown.phase("flush telemetry", ENOUGH);
            telemetry.step("spans", log.step("flush", Duration::ZERO));
            let server = {
                let (accept, log) = (accept.begun(), log.clone());
                async move {
                    let _owner = Owner(log.clone(), "exit");
                    accept.await;
                    sleep(Duration::from_millis(5)).await;
                    log.add("server");
                }
            };
            requests.spawn("server", server);
            shutdown.handle().begin();
            assert!(shutdown.run().await.is_clean());
        });
        assert_eq!(log.entries(), ["server", "exit", "flush"]);
    }
}

/// Without `run_exits`, the cleanups are drained last. Those of later phases are drained at the end as well.
#[tokio::test]
async fn no_cleanup_is_pending_at_the_end() {
    for has_phase in [false, true] {
        let log = Log::default();
        let mut shutdown = GracefulShutdown::new();
        if has_phase {
            shutdown.run_exits(ENOUGH);
        }
        let last = shutdown.phase("last", ENOUGH);
        let owner = Owner(log.clone(), "exit");
        last.step("step", async move { drop(owner) });
        shutdown.handle().begin();
        assert!(shutdown.run().await.is_clean());
        assert_eq!((log.entries(), pending_cleanups()), (vec!["exit".to_owned()], 0));
    }
}

#[test]
fn a_step_that_exceeds_the_budget_is_dropped_and_the_next_phase_begins() {
    for runtime in runtimes() {
        let log = Log::default();
        let report = runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            let first = shutdown.phase("first", SHORT);
            let second = shutdown.phase("second", ENOUGH);
            let stuck = OnDrop(log.clone(), "dropped");
            first.spawn("task", async move {
                let _stuck = stuck;
                pending::<()>().await;
            });
            first.step("step", pending::<()>());
            second.step("next", log.step("next", Duration::ZERO));
            shutdown.handle().begin();
            shutdown.run().await
        });
        assert_eq!(log.entries(), ["dropped", "next"]);
        let mut lines = lines(&report);
        lines.sort();
        assert_eq!(lines, ["first / step: timed out", "first / task: timed out"]);
        assert!(!report.was_hurried());
    }
}

/// The exit of a scope in a task that is aborted.
#[tokio::test]
async fn the_cleanups_of_a_step_that_is_dropped_are_drained() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let requests = shutdown.phase("finish requests", SHORT);
    shutdown.run_exits(ENOUGH);
    let telemetry = shutdown.phase("flush telemetry", ENOUGH);
    let owner = Owner(log.clone(), "exit");
    requests.spawn("request", async move {
        let _owner = owner;
        pending::<()>().await;
    });
    telemetry.step("spans", log.step("flush", Duration::ZERO));
    shutdown.handle().begin();
    let report = shutdown.run().await;
    assert_eq!(lines(&report), ["finish requests / request: timed out"]);
    assert_eq!(log.entries(), ["exit", "flush"]);
}

#[test]
fn failures_and_panics_are_reported_by_name_and_lose_no_other_step() {
    for runtime in runtimes() {
        let log = Log::default();
        let report = runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            let first = shutdown.phase("first", ENOUGH);
            let second = shutdown.phase("second", ENOUGH);
            let is_done = !log.entries().is_empty();
            first.step("panics", async move {
                yield_now().await;
                assert!(is_done, "intended");
            });
            first.step(String::from("fails"), async {
                sleep(Duration::from_millis(5)).await;
                Err::<(), _>(std::io::Error::other("disk full"))
            });
            first.step("works", log.step("works", Duration::from_millis(5)));
            let task = tokio::spawn(async { Err::<(), _>("of a task") });
            second.step("nested", task);
            let task = tokio::spawn(async { assert_eq!(1 + 1, 3, "of a task, intended") });
            second.step("nested panic", task);
            shutdown.handle().begin();
            shutdown.run().await
        });
        assert_eq!(log.entries(), ["works"]);
        let found = lines(&report);
        let expected = [
            "first / panics: panicked: intended",
            "first / fails: failed: disk full",
            "second / nested: failed: of a task",
        ];
        assert_eq!(found[..2], expected[..2]);
        assert!(found.contains(&expected[2].to_owned()), "{found:?}");
        assert!(found.iter().any(|line| line.starts_with("second / nested panic: failed: ")), "{found:?}");
        assert_eq!(found.len(), 4);
        assert_eq!(report.to_string(), found.join("; "));
        let step = &report.unfinished()[1];
        assert_eq!((step.phase(), step.step()), ("first", "fails"));
        assert_eq!(step.reason(), &UnfinishedReason::Failed("disk full".to_owned()));
        assert!(report.into_result().is_err());
    }
}

/// A panic with any payload, also one whose destructor panics, and a step whose destructor panics.
#[tokio::test]
async fn panics_of_destructors_lose_no_other_step() {
    #[derive(Debug)]
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor, intended");
        }
    }
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let phase = shutdown.phase("phase", ENOUGH);
    let short = shutdown.phase("short", SHORT);
    let last = shutdown.phase("last", ENOUGH);
    phase.step("payload", async {
        if true {
            std::panic::panic_any(Bomb)
        }
    });
    let bomb = Bomb;
    short.step("dropped", async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    phase.step("error", async {
        #[derive(Debug)]
        struct Failure(Bomb);
        Err::<(), _>(Failure(Bomb))
    });
    phase.step("works", log.step("works", Duration::ZERO));
    last.step("last", log.step("last", Duration::ZERO));
    shutdown.handle().begin();
    let found = lines(&shutdown.run().await);
    assert_eq!(log.entries(), ["works", "last"]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&"phase / payload: panicked".to_owned()), "{found:?}");
    assert!(found.contains(&"phase / error: panicked: in a destructor, intended".to_owned()), "{found:?}");
    assert!(found.contains(&"short / dropped: timed out".to_owned()), "{found:?}");
}

#[tokio::test]
async fn cleanups_that_do_not_finish_are_reported() {
    expect_reports("stuck was abandoned: its runtime shut down");
    let mut shutdown = GracefulShutdown::new();
    shutdown.run_exits(SHORT);
    let log = Log::default();
    shutdown.phase("last", ENOUGH).step("last", log.step("last", Duration::ZERO));
    Cleanup::new(pending::<Result<(), ()>>()).name("stuck").detach();
    shutdown.handle().begin();
    let report = shutdown.run().await;
    assert_eq!(log.entries(), ["last"]);
    let found = lines(&report);
    assert_eq!(found[0], "run exits / cleanups: timed out with 1 pending");
    assert_eq!(report.unfinished()[0].reason(), &UnfinishedReason::CleanupsPending(1));
    // Reported once, although they are awaited again at the end.
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_step_of_a_running_phase_starts_at_once() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let phase = shutdown.phase("phase", ENOUGH);
    let next = shutdown.phase("next", ENOUGH);
    next.step("next", log.step("next", Duration::ZERO));
    let late = (phase.clone(), log.clone());
    phase.step("first", async move {
        let (phase, log) = late;
        phase.step("step", log.step("step", Duration::from_secs(1)));
        phase.spawn("task", log.step("task", Duration::from_secs(2)));
        log.add("first");
    });
    shutdown.handle().begin();
    assert!(shutdown.run().await.is_clean());
    assert_eq!(log.entries(), ["first", "step", "task", "next"]);
}

#[tokio::test]
async fn a_step_of_a_phase_that_has_ended_runs_as_a_cleanup() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let first = shutdown.phase("first", ENOUGH);
    let second = shutdown.phase("second", ENOUGH);
    shutdown.run_exits(ENOUGH);
    let last = shutdown.phase("last", ENOUGH);
    last.step("last", log.step("last", Duration::ZERO));
    let late = (first.clone(), log.clone());
    second.step("second", async move {
        let (first, log) = late;
        assert!(!first.step("late", log.step("late step", Duration::from_millis(5))).withdraw());
        first.spawn(format!("late {}", 2), log.step("late task", Duration::from_millis(10)));
    });
    shutdown.handle().begin();
    assert!(shutdown.run().await.is_clean());
    assert_eq!(log.entries(), ["late step", "late task", "last"]);

    // After the shutdown.
    last.step("later", log.step("later", Duration::ZERO));
    assert_eq!(pending_cleanups(), 1);
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries().last().unwrap(), "later");
    assert!(last.begun().now_or_never().is_some());
}

#[tokio::test]
async fn a_phase_without_time_starts_nothing_and_aborts_its_tasks() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let none = shutdown.phase("none", Duration::ZERO);
    let next = shutdown.phase("next", Duration::MAX);
    let task = OnDrop(log.clone(), "task");
    none.spawn("task", async move {
        let _task = task;
        pending::<()>().await;
    });
    let step = OnDrop(log.clone(), "step");
    none.step("step", async move { drop(step) });
    next.step("next", log.step("next", Duration::ZERO));
    shutdown.handle().begin();
    let report = shutdown.run().await;
    assert!(none.has_begun());
    assert_eq!(lines(&report), ["none / step: not started", "none / task: timed out"]);
    assert_eq!(log.entries(), ["step", "task", "next"]);
}

#[test]
fn the_second_signal_shortens_the_budgets_and_the_third_ends_the_shutdown() {
    for signals in [2, 3] {
        for runtime in runtimes() {
            let log = Log::default();
            let report = runtime.block_on(async {
                let mut shutdown = GracefulShutdown::new();
                shutdown.hurry_budget(Duration::from_millis(500));
                let first = shutdown.phase("first", ENOUGH);
                let second = shutdown.phase("second", ENOUGH);
                let third = shutdown.phase("third", ENOUGH);
                let handle = shutdown.handle();
                handle.escalate();
                first.step("stuck", async move {
                    (1..signals).for_each(|_| handle.escalate());
                    pending::<()>().await;
                });
                // Within the hurry budget.
                second.step("works", log.step("works", Duration::from_millis(1)));
                // The hurry budget is per phase.
                third.step("stuck", pending::<()>());
                shutdown.run().await
            });
            assert!(report.was_hurried());
            if signals == 2 {
                assert_eq!(lines(&report), ["first / stuck: timed out", "third / stuck: timed out"]);
                assert_eq!(log.entries(), ["works"]);
            } else {
                assert_eq!(
                    lines(&report),
                    ["first / stuck: timed out", "second / works: not started", "third / stuck: not started"]
                );
                assert_eq!(log.entries(), [""; 0]);
            }
        }
    }
}

/// The SIGTERM of a supervisor does not shorten the budgets of a shutdown that an error has begun.
#[tokio::test]
async fn the_first_signal_hurries_nothing_if_the_shutdown_has_begun_before() {
    let mut shutdown = GracefulShutdown::new();
    let handle = shutdown.handle();
    handle.begin();
    handle.escalate();
    shutdown.hurry_budget(Duration::ZERO);
    let log = Log::default();
    shutdown.phase("phase", ENOUGH).step("step", log.step("step", SHORT));
    let report = shutdown.run().await;
    assert!(report.is_clean() && !report.was_hurried(), "{report}");
}

/// A hurry budget never extends the budget of a phase.
#[tokio::test]
async fn a_hurry_budget_is_at_most_the_budget() {
    let mut shutdown = GracefulShutdown::new();
    shutdown.hurry_budget(Duration::MAX);
    shutdown.phase("phase", SHORT).step("stuck", pending::<()>());
    let handle = shutdown.handle();
    handle.escalate();
    handle.escalate();
    assert_eq!(lines(&shutdown.run().await), ["phase / stuck: timed out"]);
}

#[tokio::test]
async fn a_task_that_fails_begins_the_shutdown() {
    for panics in [false, true] {
        let log = Log::default();
        let mut shutdown = GracefulShutdown::new();
        let phase = shutdown.phase("phase", ENOUGH);
        phase.spawn("ends", async {});
        phase.step("step", log.step("step", Duration::ZERO));
        let run = tokio::spawn(shutdown.run());
        for _ in 0..10 {
            yield_now().await;
        }
        assert!(!phase.has_begun());
        phase.spawn("server", async move {
            assert!(!panics, "intended");
            Err::<(), _>("bind")
        });
        let report = run.await.unwrap();
        let reason = if panics { "panicked: intended" } else { "failed: bind" };
        assert_eq!(lines(&report), [format!("phase / server: {reason}")]);
        assert_eq!(log.entries(), ["step"]);
    }
}

/// The shutdown begins while the start-up is running, which registers more.
#[tokio::test(start_paused = true)]
async fn a_shutdown_before_the_start_up_has_finished() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let accept = shutdown.phase("stop accepting", ENOUGH);
    let requests = shutdown.phase("finish requests", ENOUGH);
    let start_up = {
        let (log, begun, requests) = (log.clone(), accept.begun(), requests.clone());
        async move {
            log.add("connect");
            sleep(Duration::from_secs(1)).await;
            requests.step("disconnect", log.step("disconnect", Duration::ZERO));
            // The shutdown has begun, so the server ends at once.
            let log = log.clone();
            requests.spawn("server", async move {
                begun.await;
                log.add("server");
            });
        }
    };
    accept.spawn("start up", start_up);
    shutdown.handle().begin();
    assert!(shutdown.run().await.is_clean());
    assert_eq!(log.entries(), ["connect", "server", "disconnect"]);
}

#[tokio::test]
async fn a_step_can_be_withdrawn() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let phase = shutdown.phase("phase", ENOUGH);
    let (registered, started) = (OnDrop(log.clone(), "registered"), OnDrop(log.clone(), "started"));
    let step = phase.step("step", async move {
        let _registered = registered;
        pending::<()>().await;
    });
    let task = phase.spawn("task", async move {
        let _started = started;
        pending::<()>().await;
    });
    let ended = phase.spawn("ended", async {});
    yield_now().await;
    assert!(step.withdraw() && task.withdraw());
    assert!(!step.withdraw() && !task.clone().withdraw() && !ended.withdraw());
    shutdown.handle().begin();
    let report = shutdown.run().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(log.entries(), ["registered", "started"]);
    drop(phase);
    assert!(!task.withdraw());
}

/// A step that is running is withdrawn while the phase waits for it.
#[tokio::test]
async fn a_running_step_can_be_withdrawn() {
    let mut shutdown = GracefulShutdown::new();
    let phase = shutdown.phase("phase", ENOUGH);
    let step = phase.step("stuck", pending::<()>());
    phase.step("withdraws", async move { assert!(step.withdraw()) });
    shutdown.handle().begin();
    assert!(shutdown.run().await.is_clean());
}

/// Adds a step that blocks its thread, and returns when it does.
async fn block(phase: &Phase, blocked: mpsc::Receiver<()>) {
    let (started, is_started) = oneshot::channel();
    phase.spawn("blocks", async move {
        started.send(()).unwrap();
        let _ = blocked.recv();
    });
    is_started.await.unwrap();
}

/// Other threads continue, and the step is reported as still running.
#[test]
fn a_step_that_blocks_its_thread() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let log = Log::default();
    let (release, blocked) = mpsc::channel::<()>();
    let report = runtime.block_on(async {
        let mut shutdown = GracefulShutdown::new();
        let first = shutdown.phase("first", SHORT);
        let next = shutdown.phase("next", ENOUGH);
        block(&first, blocked).await;
        let added = log.clone();
        next.step("next", async move { added.add("next") });
        shutdown.handle().begin();
        shutdown.run().await
    });
    assert_eq!(lines(&report), ["first / blocks: timed out, and blocks its thread"]);
    assert_eq!(log.entries(), ["next"]);
    drop(release);
}

/// The only thread of the workers is blocked: `run` returns, and so does `run_main`.
#[test]
fn a_step_that_blocks_the_only_worker() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (release, blocked) = mpsc::channel::<()>();
    let main = async {
        let mut shutdown = GracefulShutdown::new();
        let phase = shutdown.phase("phase", SHORT);
        shutdown.run_exits(SHORT);
        block(&phase, blocked).await;
        shutdown.handle().begin();
        let report = shutdown.run().await;
        assert_eq!(lines(&report), ["phase / blocks: timed out, and blocks its thread"]);
    };
    assert_eq!(runtime.block_on(run_main(main, SHORT)), ExitCode::SUCCESS);
    drop(release);
}

/// Budgets are measured even without a timer.
#[test]
fn on_a_runtime_without_a_timer() {
    for runtime in
        [Builder::new_current_thread().build().unwrap(), Builder::new_multi_thread().build().unwrap()]
    {
        let report = runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            shutdown.phase("phase", SHORT).step("stuck", pending::<()>());
            shutdown.handle().begin();
            shutdown.run().await
        });
        assert_eq!(lines(&report), ["phase / stuck: timed out"]);
    }
}

/// Budgets are wall-clock time: a paused clock that advances does not use them up.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_uses_up_no_budget() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    shutdown.phase("phase", ENOUGH).step("step", log.step("step", 100 * ENOUGH));
    shutdown.handle().begin();
    assert!(shutdown.run().await.is_clean());
    assert_eq!(log.entries(), ["step"]);
}

#[test]
fn a_dropped_shutdown_is_reported_and_blocks_no_task() {
    let test = "graceful_shutdown::a_dropped_shutdown_is_reported_and_blocks_no_task";
    let printed = stderr_of(test, || {
        for has_begun in [false, true] {
            for runtime in runtimes() {
                let log = Log::default();
                runtime.block_on(async {
                    let mut shutdown = GracefulShutdown::new();
                    let first = shutdown.phase("first", ENOUGH);
                    let second = shutdown.phase("second", ENOUGH);
                    let task = OnDrop(log.clone(), "task");
                    first.spawn("task", async move {
                        let _task = task;
                        pending::<()>().await;
                    });
                    let step = OnDrop(log.clone(), "step");
                    second.step("step", async move { drop(step) });
                    let waiting = tokio::spawn(second.begun());
                    if has_begun {
                        shutdown.handle().begin();
                    }
                    let mut run = Box::pin(shutdown.run());
                    assert!(futures::poll!(&mut run).is_pending());
                    drop(run);
                    waiting.await.unwrap();
                    while log.entries().len() < 2 {
                        yield_now().await;
                    }
                    // A later step runs as a cleanup.
                    first.step("late", log.step("late", Duration::ZERO));
                    drain(ENOUGH).await.unwrap();
                    assert_eq!(log.entries().last().unwrap(), "late");
                });
            }
        }
        // Nothing is lost with these.
        drop(GracefulShutdown::new());
        GracefulShutdown::new().phase("unused", ENOUGH);
    });
    let Some(printed) = printed else { return };
    let expected =
        "withal: a shutdown was dropped before these steps had finished: first / task, second / step";
    assert_eq!(printed, [expected; 4]);
}

/// `run` is dropped at each of its awaits: every step is dropped, and the cleanups are drained.
#[tokio::test]
async fn run_is_dropped_at_each_await() {
    expect_reports("a shutdown was dropped before these steps had finished");
    let mut has_completed = false;
    for polls in (0..50).chain([usize::MAX]) {
        let log = Log::default();
        let mut shutdown = GracefulShutdown::new();
        let first = shutdown.phase("first", ENOUGH);
        shutdown.run_exits(ENOUGH);
        let last = shutdown.phase("last", ENOUGH);
        for phase in [&first, &last] {
            let (owner, dropped) = (Owner(log.clone(), "exit"), OnDrop(log.clone(), "dropped"));
            phase.step("step", async move {
                let _dropped = dropped;
                let _owner = owner;
                yield_now().await;
            });
        }
        shutdown.handle().begin();
        let mut run = Box::pin(shutdown.run());
        for _ in 0..polls {
            if futures::poll!(&mut run).is_ready() {
                has_completed = true;
                break;
            }
            yield_now().await;
        }
        drop(run);
        for _ in 0..20 {
            yield_now().await;
        }
        drain(ENOUGH).await.unwrap();
        let entries = log.entries();
        for (entry, count) in [("dropped", 2), ("exit", 2)] {
            assert_eq!(entries.iter().filter(|found| *found == entry).count(), count, "{polls}: {entries:?}");
        }
    }
    assert!(has_completed);
}

#[test]
fn the_report_is_the_exit_code() {
    let printed = stderr_of("graceful_shutdown::the_report_is_the_exit_code", || {
        for runtime in runtimes() {
            for (fails, code) in [(false, ExitCode::SUCCESS), (true, ExitCode::FAILURE)] {
                let main = async {
                    let mut shutdown = GracefulShutdown::new();
                    let phase = shutdown.phase("flush telemetry", ENOUGH);
                    phase.step("spans", async move {
                        yield_now().await;
                        if fails { Err(std::io::Error::other("connection refused")) } else { Ok(()) }
                    });
                    shutdown.handle().begin();
                    Ok::<ShutdownReport, std::io::Error>(shutdown.run().await)
                };
                assert_eq!(runtime.block_on(run_main(main, ENOUGH)), code);
            }
        }
    });
    let Some(printed) = printed else { return };
    let expected = "withal: shutdown: flush telemetry / spans: failed: connection refused";
    assert_eq!(printed, [expected; 2]);
}

#[tokio::test]
async fn an_empty_shutdown() {
    let shutdown = GracefulShutdown::default();
    let handle = shutdown.handle();
    let run = tokio::spawn(shutdown.run());
    yield_now().await;
    handle.begin();
    let report = run.await.unwrap();
    assert_eq!(report.to_string(), "all steps of the shutdown have finished");
    assert_eq!(report.report(), ExitCode::SUCCESS);
}

#[test]
fn a_name_is_used_once() {
    for (names, message) in [
        (["a", "a"], "the shutdown already has a phase \"a\""),
        (["run exits", "a"], "add the phase \"run exits\" with `run_exits`"),
    ] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut shutdown = GracefulShutdown::new();
            for name in names {
                shutdown.phase(name, ENOUGH);
            }
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref::<String>().map_or(message, |text| text), message);
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut shutdown = GracefulShutdown::new();
        shutdown.run_exits(ENOUGH);
        shutdown.run_exits(ENOUGH);
    }));
    assert!(panicked.is_err());
}

/// Steps are registered and tasks end while the phases run, from several threads.
#[test]
fn steps_of_many_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for _ in 0..20 {
        let log = Log::default();
        let report = runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            let phases =
                [shutdown.phase("a", ENOUGH), shutdown.phase("b", ENOUGH), shutdown.run_exits(ENOUGH)];
            let handle = shutdown.handle();
            let registered = Arc::new(Notify::new());
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (phases, log, runtime) =
                        (phases.clone(), log.clone(), tokio::runtime::Handle::current());
                    let registered = Arc::clone(&registered);
                    thread::spawn(move || {
                        let _entered = runtime.enter();
                        for index in 0..100 {
                            let phase = &phases[index % 3];
                            if index % 2 == 0 {
                                phase.step("step", log.step("x", Duration::ZERO));
                            } else {
                                phase.spawn("task", log.step("x", Duration::ZERO));
                            }
                            registered.notify_one();
                        }
                    })
                })
                .collect();
            registered.notified().await;
            handle.begin();
            let report = shutdown.run().await;
            for thread in threads {
                thread.join().unwrap();
            }
            drain(ENOUGH).await.unwrap();
            report
        });
        assert!(report.is_clean(), "{report}");
        assert_eq!(log.entries().len(), 400);
    }
}

/// Registers steps when it is dropped.
struct Registers(Vec<Phase>, Log);

impl Drop for Registers {
    fn drop(&mut self) {
        for phase in &self.0 {
            phase.step("of a destructor", self.1.step("of a destructor", Duration::ZERO));
            phase.spawn("task of a destructor", self.1.step("task of a destructor", Duration::ZERO));
        }
    }
}

/// A destructor registers steps: of a step that is not started, times out, is withdrawn or finishes. They run, too.
#[test]
fn destructors_register_steps() {
    for runtime in runtimes() {
        let log = Log::default();
        let report = runtime.block_on(async {
            let mut shutdown = GracefulShutdown::new();
            let skipped = shutdown.phase("skipped", Duration::ZERO);
            let short = shutdown.phase("short", SHORT);
            let open = shutdown.phase("open", ENOUGH);
            let exits = shutdown.run_exits(ENOUGH);
            let registers = || Registers(vec![open.clone(), exits.clone()], log.clone());
            let (first, second, third, fourth) = (registers(), registers(), registers(), registers());
            skipped.step("not started", async move { drop(first) });
            short.step("times out", async move {
                let _second = second;
                pending::<()>().await;
            });
            open.step("finishes", async move { drop(third) });
            assert!(open.step("withdrawn", async move { drop(fourth) }).withdraw());
            shutdown.handle().begin();
            let report = shutdown.run().await;
            drain(ENOUGH).await.unwrap();
            report
        });
        let unfinished = ["skipped / not started: not started", "short / times out: timed out"];
        assert_eq!(lines(&report), unfinished);
        assert_eq!(log.entries().len(), 16, "{:?}", log.entries());
    }
}

/// A task of another runtime, which ends before the shutdown begins or while its phase waits.
#[test]
fn the_runtime_of_a_task_shuts_down() {
    for is_waited_for in [false, true] {
        let other = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut shutdown = GracefulShutdown::new();
        let phase = shutdown.phase("phase", ENOUGH);
        other.block_on(async { phase.spawn("task", pending::<()>()) });
        let handle = shutdown.handle();
        if is_waited_for {
            handle.begin();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                drop(other);
            });
        } else {
            drop(other);
        }
        // The loss of a task begins the shutdown.
        let report = runtime.block_on(shutdown.run());
        assert_eq!(report.unfinished()[0].reason(), &UnfinishedReason::RuntimeShutdown);
        assert_eq!(lines(&report), ["phase / task: dropped: its runtime shut down"]);
    }
}

/// A phase is added after the shutdown has begun, before it is run.
#[tokio::test]
async fn a_phase_is_added_after_the_beginning() {
    let log = Log::default();
    let mut shutdown = GracefulShutdown::new();
    let first = shutdown.phase("first", ENOUGH);
    shutdown.handle().begin();
    shutdown.phase("second", ENOUGH).step("b", log.step("b", Duration::ZERO));
    first.step("a", log.step("a", SHORT));
    assert!(shutdown.run().await.is_clean());
    assert_eq!(log.entries(), ["a", "b"]);
}

/// With a hurry budget of zero, a second signal has the effect of the third.
#[tokio::test]
async fn a_hurry_budget_of_zero() {
    expect_reports("Pending was abandoned");
    let mut shutdown = GracefulShutdown::new();
    shutdown.hurry_budget(Duration::ZERO);
    let handle = shutdown.handle();
    shutdown.phase("first", ENOUGH).step("stuck", async move {
        handle.escalate();
        handle.escalate();
        pending::<()>().await;
    });
    let detached = shutdown.phase("second", ENOUGH);
    detached.step("skipped", async {});
    detach(pending::<Result<(), ()>>());
    shutdown.handle().begin();
    assert_eq!(
        lines(&shutdown.run().await),
        [
            "first / stuck: timed out",
            "second / skipped: not started",
            "run exits / cleanups: timed out with 1 pending"
        ]
    );
}
