//! Compares the public API with its snapshot, `public-api.txt`, and with `every_name.rs`, which is generated from
//! it.

mod names;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use names::imports;

/// Rustdoc's JSON of the crate, with all features.
///
/// The format is unstable. `RUSTC_BOOTSTRAP` makes a stable compiler write it, so that no nightly is needed.
fn rustdoc_json() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A separate directory, because the variable below causes build scripts to run again.
    let target = workspace.join("target/public-api");
    let status = Command::new(env!("CARGO"))
        .current_dir(&workspace)
        .args([
            "rustdoc",
            "--quiet",
            "--locked",
            "--package=withal",
            "--lib",
            "--all-features",
            "--target-dir",
        ])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format=json", "--cap-lints=allow"])
        .env("RUSTC_BOOTSTRAP", "withal")
        .env_remove("RUSTDOCFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .expect("cargo is running this test");
    assert!(status.success(), "rustdoc failed");
    target.join("doc/withal.json")
}

// This attribute is above `test`, which would otherwise look for `ignore` before it has been added.
#[rustversion::attr(not(stable(1.95)), ignore = "public-api reads the rustdoc JSON of 1.95")]
#[test]
fn public_surface_matches_the_snapshot() {
    let api = public_api::Builder::from_rustdoc_json(rustdoc_json())
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .expect("public-api reads the format of this compiler");

    let snapshot = api.to_string();
    let imports = imports(&snapshot);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, actual) in [("public-api.txt", &snapshot), ("every_name.rs", &imports)] {
        let file = folder.join(file);
        if env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "yes") {
            fs::write(&file, actual).expect("the snapshot can be written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        let difference = difference(&expected, actual);
        assert!(
            difference.is_empty(),
            "the public surface differs from {}; if that is intended, run\n\n    \
             UPDATE_SNAPSHOTS=yes cargo test -p withal-api --test snapshot --locked\n\n{difference}",
            file.display()
        );
    }
}

/// Returns the lines that only one of two texts contains, marked as in a diff.
fn difference(expected: &str, actual: &str) -> String {
    let only_in = |text: &str, other: &str, mark: char| -> String {
        let missing = |line: &&str| !other.lines().any(|theirs| theirs == *line);
        text.lines().filter(missing).map(|line| format!("{mark} {line}\n")).collect()
    };
    only_in(expected, actual, '-') + &only_in(actual, expected, '+')
}

#[test]
fn difference_lists_removed_and_added_lines() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), "");
    assert_eq!(difference("a\nb\nc\n", "a\nc\nd\n"), "- b\n+ d\n");
}
