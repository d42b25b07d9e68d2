//! Programs in child processes: a test starts its binary again for itself, with an argument in the environment.

use std::env;
use std::process::{Command, Output, Stdio};

const ARGUMENT: &str = "WITHAL_FS_TEST";

/// Returns the argument if this process is the child.
pub(crate) fn argument() -> Option<String> {
    env::var(ARGUMENT).ok()
}

/// Returns a command that runs only `test` in a child process, with this argument.
pub(crate) fn command(test: &str, argument: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(ARGUMENT, argument);
    command.stdin(Stdio::null());
    command
}

/// Returns a command that runs only `test`, in a shell after `setup`.
#[cfg(unix)]
pub(crate) fn after(setup: &str, test: &str, argument: &str) -> Command {
    let plain = command(test, argument);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")]).arg(plain.get_program());
    command.args(plain.get_args()).env(ARGUMENT, argument).stdin(Stdio::null());
    command
}

/// Runs the command to its end, which must pass one test.
pub(crate) fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{command:?}: {stdout}{stderr}");
    output
}

/// Runs `program` as a user whom permissions restrict: in a child process if this one is root.
///
/// Prints a line, and does nothing, if that user cannot run this binary.
#[cfg(unix)]
pub(crate) fn unprivileged(test: &str, program: impl FnOnce()) {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if argument().is_some() || !is_root {
        program();
        return;
    }
    let mut probe = Command::new(env::current_exe().unwrap());
    if probe.arg("--list").uid(NOBODY).gid(NOBODY).stdout(Stdio::null()).status().is_err() {
        println!("skipped: {test} needs a user other than root, who cannot run the binary of the test");
        return;
    }
    let mut command = command(test, "unprivileged");
    command.uid(NOBODY).gid(NOBODY);
    run(command);
}
