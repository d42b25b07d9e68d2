//! Runs the examples as programs and checks what they print.

mod async_for_else;
mod async_with_lock;
mod crawl;
mod decorator;
mod event_loop;
mod fleet;
mod forms;
mod get_docs;
mod graceful_shutdown;
mod ping_pong;
mod round_robin;
mod service;
mod transaction_scope;
mod web_crawler;

use std::path::Path;
use std::process::Command;

/// Returns the command of an example. `cargo test` builds the examples next to the tests.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is missing: cargo build --example {name}", program.display());
    Command::new(program)
}

/// Runs an example without arguments and returns the lines that it prints.
fn lines(name: &str) -> Vec<String> {
    let output = program(name).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
