//! Tests of what a program prints: the program is this test binary, started again for one test.

use std::env;
use std::process::Command;

const VARIABLE: &str = "WITHAL_TEST_PROGRAM";

/// Runs `program` in a child process, and returns the lines of `withal` on its stderr.
///
/// `test` is the name of the calling test. In the child process, the call runs `program`, and returns `None`.
///
/// # Panics
///
/// Panics if the test fails in the child process.
#[must_use]
pub fn stderr_of(test: &str, program: impl FnOnce()) -> Option<Vec<String>> {
    if env::var_os(VARIABLE).is_some() {
        program();
        return None;
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, "")
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8(child.stdout).unwrap(), String::from_utf8(child.stderr).unwrap());
    assert!(stdout.contains("1 passed"), "{test} is the name of the test, and passes: {stdout}{stderr}");
    Some(stderr.lines().filter(|line| line.starts_with("withal: ")).map(str::to_owned).collect())
}
