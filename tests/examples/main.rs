//! The examples that promise something, run as programs.

mod get_docs;
mod round_robin;

use std::path::Path;
use std::process::Command;

/// The example, where cargo puts it beside the tests; a plain `cargo test` builds both.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is missing: cargo build --example {name}", program.display());
    Command::new(program)
}
