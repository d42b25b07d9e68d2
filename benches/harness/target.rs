//! The target directory.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Returns the target directory: the one of cargo's configuration, or the one that this program was built in
/// (`--target-dir`).
pub(super) fn directory() -> io::Result<PathBuf> {
    let this_program = env::current_exe()?;
    // cargo writes this file into the root of each target directory.
    let top =
        || this_program.ancestors().find(|above| above.join(".rustc_info.json").exists()).map(Path::to_owned);
    match metadata() {
        Some(cargo) if cargo.built(&this_program) => Ok(cargo.target_directory),
        metadata => {
            let known = top().or(metadata.map(|cargo| cargo.target_directory));
            known.ok_or_else(|| io::Error::other("no target directory found"))
        }
    }
}

/// A part of the output of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    build_directory: Option<PathBuf>,
}

impl Metadata {
    fn built(&self, program: &Path) -> bool {
        program.starts_with(&self.target_directory)
            || self.build_directory.as_ref().is_some_and(|directory| program.starts_with(directory))
    }
}

fn metadata() -> Option<Metadata> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path", manifest]);
    serde_json::from_slice(&cargo.output().ok()?.stdout).ok()
}
