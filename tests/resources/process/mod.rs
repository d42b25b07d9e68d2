//! Child processes, which end with their block. The children are shell scripts.
//!
//! `CHILDREN=1000` runs more of them in the tests that cancel.

mod cancellation;
mod errors;
mod exit;
mod hostile;
mod output;
mod parent_death;
mod places;
mod runtimes;

use std::env;
use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;
use withal::tasks::BoxError;

/// The variable in the environment of a test's children, by which they are found in `/proc`.
struct Marker(String);

impl Marker {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Returns a command that runs a script, without pipes.
    fn script(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("WITHAL_TEST_MARKER", &self.0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Returns a command that runs a script, with pipes that nothing reads.
    fn piped(&self, script: &str) -> Command {
        let mut command = self.script(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Returns the processes with the marker. Zombies have no environment.
    fn running(&self) -> Vec<u32> {
        let entry = format!("WITHAL_TEST_MARKER={}", self.0);
        let has_marker = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == entry.as_bytes())
        };
        processes().filter(has_marker).collect()
    }

    /// Waits until `count` processes with the marker run.
    async fn wait_for(&self, count: usize) {
        eventually(|| self.running().len() == count).await;
    }

    fn assert_none_left(&self) {
        let running = self.running();
        assert!(running.is_empty(), "{} processes are left: {running:?}", running.len());
    }
}

impl Drop for Marker {
    /// Ends what a test has left, also after it has failed.
    fn drop(&mut self) {
        for pid in self.running() {
            drop(std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status());
        }
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Returns the state and the parent of a process, or `None` after it was reaped.
fn state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Asserts that a child of this program was reaped.
fn assert_reaped(pid: u32) {
    let state = state(pid);
    assert!(
        !matches!(state, Some((_, parent)) if parent == std::process::id()),
        "{pid} was not reaped: {state:?}"
    );
}

/// Waits until a condition holds, for at most 30 seconds.
async fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition does not hold");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Runs a test on a runtime, and panics after two minutes: nothing may deadlock.
fn run(test: impl Future<Output = Result<(), BoxError>> + Send) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(watched(test)).unwrap();
}

async fn watched<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test does not hang")
}

/// Returns the number of children that a test that cancels starts at least.
fn children(default: usize) -> usize {
    env::var("CHILDREN").map_or(default, |children| children.parse().unwrap())
}

/// Waits until no watchdog of this program runs. Those of the other tests end meanwhile.
async fn no_watchdog_is_left() {
    let is_watchdog = |&pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_child = matches!(state(pid), Some((_, parent)) if parent == std::process::id());
        is_child && String::from_utf8_lossy(&line).contains("kill -KILL 0")
    };
    eventually(|| processes().filter(is_watchdog).count() == 0).await;
}
