//! The errors of starting a child and of waiting for it.

use std::error::Error;
use std::io::ErrorKind;

use tokio::process::Command;
use withal::context::async_with;
use withal::resources::{ProcessError, process};

use super::{Marker, run};

#[test]
fn a_program_that_does_not_exist_is_named() {
    run(async {
        let mut command = Command::new("no-such-program");
        command.arg("secret");
        let manager = process(command);
        assert_eq!(format!("{manager:?}"), r#"Process { program: "no-such-program", .. }"#);
        let error = async_with!(child = manager => { child.wait().await? }).unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(
            error.to_string(),
            "failed to start \"no-such-program\": check that it is installed and executable, and that its working \
             directory exists"
        );
        let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), ErrorKind::NotFound);
        assert!(!format!("{error:?}").contains("secret"));
        Ok(())
    });
}

#[test]
fn a_program_that_is_not_executable_is_named() {
    run(async {
        let error = async_with!(_ = process(Command::new("/etc/passwd")) => {}).unwrap_err();
        let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), ErrorKind::PermissionDenied);
        assert!(!error.is_not_found());
        Ok(())
    });
}

#[test]
fn a_program_that_does_not_exist_leaves_no_watchdog() {
    run(async {
        let manager = process(Command::new("no-such-program")).kill_on_parent_death(true);
        assert!(async_with!(_ = manager => {}).is_err());
        super::no_watchdog_is_left().await;
        Ok(())
    });
}

/// Other code that reaps the child breaks the manager, which must not signal the id any more.
#[test]
fn a_child_that_other_code_reaps_is_an_error() {
    run(async {
        let marker = Marker::new();
        let command = marker.script("exit 0");
        let mut id = 0;
        let result: Result<(), ProcessError> = async {
            async_with!(child = process(command) => {
                child.wait().await?;
                id = child.id();
                reap(id);
            })
        }
        .await;
        assert!(matches!(result, Err(ProcessError::Wait { .. })), "{result:?}");
        Ok(())
    });
}

fn reap(pid: u32) {
    use rustix::process::{Pid, WaitOptions, waitpid};
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    waitpid(pid, WaitOptions::empty()).unwrap();
}

#[test]
fn entering_outside_of_a_runtime_panics_before_a_child_is_started() {
    let marker = Marker::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { async_with!(_ = process(marker.script("sleep 1000")) => {}).unwrap() });
    }));
    assert!(result.is_err(), "the runtime has no I/O driver");
    marker.assert_none_left();
}
