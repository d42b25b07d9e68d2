//! The reports of events while no observer is registered.

use std::error::Error;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, drain, observe};
use withal::context::{AsyncExitStack, EitherError, async_with, asynccontextmanager};
use withal::tasks::{BoxError, TaskGroup, TimeoutError};

use withal_test_support::child_process::stderr_of;

const ENOUGH: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn fail<E: std::fmt::Debug + Send + 'static>(name: &'static str, error: E) {
    Cleanup::new(ready(Err::<(), _>(error))).name(name).detach();
}

#[derive(Debug, thiserror::Error)]
#[error("no route")]
struct Refused(#[source] std::io::Error);

#[test]
fn failures_are_printed_with_their_errors() {
    let lines = stderr_of("reports::failures_are_printed_with_their_errors", || {
        runtime().block_on(async {
            let refused = || Refused(std::io::Error::other("refused"));
            fail("text", "reset");
            fail("string", "two\n  lines".to_owned());
            fail("io", std::io::Error::other("closed"));
            fail("boxed", BoxError::from(refused()));
            fail("std box", Box::<dyn Error + Send + Sync>::from(refused()));
            fail("anyhow", anyhow::Error::from(refused()).context("cannot connect"));
            fail("unknown", ());
            drain(ENOUGH).await.unwrap();
        });
    });
    let Some(lines) = lines else { return };
    let expected = [
        "withal: cleanup text failed: reset",
        "withal: cleanup string failed: two lines",
        "withal: cleanup io failed: closed",
        "withal: cleanup boxed failed: no route: refused",
        "withal: cleanup std box failed: no route: refused",
        "withal: cleanup anyhow failed: cannot connect: no route: refused",
        "withal: cleanup unknown failed: ()",
    ];
    assert_eq!(lines, expected);
}

/// The errors of the crate itself, and those of the user's own types, alone and around each other.
#[test]
fn errors_of_every_type_are_printed_with_their_causes() {
    #[derive(Debug)]
    struct Own(#[expect(dead_code, reason = "read by `Debug`")] BoxError);
    let lines = stderr_of("reports::errors_of_every_type_are_printed_with_their_causes", || {
        runtime().block_on(async {
            let refused = || Refused(std::io::Error::other("refused"));
            fail("own", refused());
            fail("around", Own(refused().into()));
            fail("number", u8::try_from(300).unwrap_err());
            fail("address", "x".parse::<std::net::IpAddr>().unwrap_err());
            fail("timeout", TimeoutError::Elapsed);
            fail("task", withal::tasks::Error::Raised(BoxError::from(refused())));
            fail("either", EitherError::<BoxError, ()>::First(refused().into()));
            let stack = AsyncExitStack::new();
            stack.callback(|| Err(Refused(std::io::Error::other("first"))));
            stack.callback(|| Err::<(), _>(BoxError::from(Refused(std::io::Error::other("second")))));
            fail("stack", stack.aclose().await.unwrap_err());
            let group = async_with!(group = TaskGroup::new() => {
                group.create_task(async move { Err::<(), _>(BoxError::from(refused())) });
            });
            fail("boxed group", BoxError::from(group.unwrap_err()));
            let group = async_with!(group = TaskGroup::new() => {
                group.create_task(async move { Err::<(), _>(refused()) });
            });
            fail("group", group.unwrap_err());
            drain(ENOUGH).await.unwrap();
        });
    });
    let Some(lines) = lines else { return };
    let custom = |text| format!(r#"Refused(Custom {{ kind: Other, error: "{text}" }})"#);
    let expected = [
        format!("own failed: {}", custom("refused")),
        "around failed: Own(no route: refused)".to_owned(),
        "number failed: out of range integral type conversion attempted".to_owned(),
        "address failed: invalid IP address syntax".to_owned(),
        "timeout failed: timed out".to_owned(),
        "task failed: the task failed: no route: refused".to_owned(),
        "either failed: no route: refused".to_owned(),
        format!("stack failed: 2 exits failed: {}; no route: second", custom("first")),
        "boxed group failed: 1 of 1 tasks failed: no route: refused".to_owned(),
        format!("group failed: 1 of 1 tasks failed: {}", custom("refused")),
    ];
    assert_eq!(lines, expected.map(|line| format!("withal: cleanup {line}")));
}

#[test]
fn a_report_has_a_bounded_length() {
    /// An error without end, which is its own cause.
    #[derive(Debug)]
    struct Endless;
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            loop {
                f.write_str("endless \u{fc}")?;
            }
        }
    }
    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }
    let lines = stderr_of("reports::a_report_has_a_bounded_length", || {
        runtime().block_on(async {
            fail("endless", BoxError::from(Endless));
            fail("long", "x".repeat(1_000_000));
            drain(ENOUGH).await.unwrap();
        });
    });
    let Some(lines) = lines else { return };
    assert_eq!(lines.len(), 2);
    assert!(
        lines.iter().all(|line| (1_900..2_100).contains(&line.len()) && line.ends_with(" ..")),
        "{lines:?}"
    );
}

#[test]
fn an_observer_gets_the_text_of_an_error() {
    let texts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&texts);
    let observer = observe(move |event| {
        if event.name().starts_with("text of") {
            seen.lock().unwrap().push(format!("{event}: {:?}", event.error_text()));
        }
    });
    runtime().block_on(async {
        fail("text of an error", Refused(std::io::Error::other("refused")));
        fail("text of a box", BoxError::from(Refused(std::io::Error::other("refused"))));
        let panics = async { if true { panic!("a bug") } else { Ok::<_, ()>(()) } };
        Cleanup::new(panics).name("text of a panic").detach();
        drain(ENOUGH).await.unwrap();
    });
    drop(observer);
    let expected = [
        r#"cleanup text of an error failed: Some("Refused(Custom { kind: Other, error: \"refused\" })")"#,
        r#"cleanup text of a box failed: Some("no route: refused")"#,
        r#"cleanup text of a panic panicked: Some("a bug")"#,
    ];
    assert_eq!(*texts.lock().unwrap(), expected);
}

#[test]
fn panics_and_abandoned_cleanups_are_printed() {
    let lines = stderr_of("reports::panics_and_abandoned_cleanups_are_printed", || {
        runtime().block_on(async {
            let panics = async { if true { panic!("a bug") } else { Ok::<_, ()>(()) } };
            Cleanup::new(panics).name("panics").detach();
            let slow = Cleanup::new(pending::<Result<(), ()>>()).name("slow");
            slow.grace_period(Duration::ZERO).detach();
            drain(ENOUGH).await.unwrap();
            Cleanup::new(pending::<Result<(), ()>>()).name("late").detach();
        });
        fail("nowhere", ());
    });
    let Some(lines) = lines else { return };
    let expected = [
        "withal: cleanup panics panicked: a bug",
        "withal: cleanup slow was abandoned: its grace period elapsed",
        "withal: cleanup late was abandoned: its runtime shut down",
        "withal: cleanup nowhere was abandoned: no runtime to spawn it on",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_observer_replaces_the_reports() {
    let lines = stderr_of("reports::an_observer_replaces_the_reports", || {
        runtime().block_on(async {
            let observer = observe(|_| {});
            fail("observed", "not printed");
            drain(ENOUGH).await.unwrap();
            drop(observer);
            fail("unobserved", "printed");
            drain(ENOUGH).await.unwrap();
        });
    });
    let Some(lines) = lines else { return };
    assert_eq!(lines, ["withal: cleanup unobserved failed: printed"]);
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct Unprintable;

impl std::fmt::Display for Unprintable {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in `Display`");
    }
}

impl Error for Unprintable {}

#[test]
fn an_error_that_cannot_be_printed_is_reported_without_its_text() {
    let lines = stderr_of("reports::an_error_that_cannot_be_printed_is_reported_without_its_text", || {
        runtime().block_on(async {
            fail("unprintable", BoxError::from(Unprintable));
            drain(ENOUGH).await.unwrap();
        });
    });
    let Some(lines) = lines else { return };
    assert_eq!(lines, ["withal: cleanup unprintable failed"]);
}

/// The exit of a scope that a `select!` in `main` has cancelled.
async fn cancel_a_scope(is_ready: bool) {
    let session = asynccontextmanager(async move |y| {
        y.yield_(()).await;
        if is_ready {
            yield_now().await;
        } else {
            pending::<()>().await;
        }
        println!("rolled back");
        Ok::<(), BoxError>(())
    });
    let work = async { async_with!(_ = session => { pending::<()>().await }) };
    tokio::select! {
        _ = work => {}
        () = yield_now() => {}
    }
}

#[test]
fn an_exit_that_outlives_main_is_printed() {
    for builder in [Builder::new_current_thread, Builder::new_multi_thread as fn() -> Builder] {
        let lines = stderr_of("reports::an_exit_that_outlives_main_is_printed", || {
            builder().build().unwrap().block_on(cancel_a_scope(false));
        });
        let Some(lines) = lines else { continue };
        // The child runs the program once on each runtime.
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in lines {
            assert!(line.ends_with("was abandoned: its runtime shut down"), "{line}");
        }
    }
}

#[test]
fn an_exit_that_main_drains_is_not_printed() {
    let lines = stderr_of("reports::an_exit_that_main_drains_is_not_printed", || {
        let main = withal::cleanup::run_main(cancel_a_scope(true), ENOUGH);
        let exit_code = runtime().block_on(main);
        assert_eq!(format!("{exit_code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
    });
    assert!(lines.is_none_or(|lines| lines.is_empty()));
}
