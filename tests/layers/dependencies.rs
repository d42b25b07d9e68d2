//! A client, and any other optional dependency, comes with its feature only.

use std::collections::BTreeSet;
use std::process::Command;

/// The names of the packages that the library needs, with these arguments for its features.
fn dependencies(features: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges=normal", "--prefix=none", "--format={p}", "--package", "withal"])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

const DEFAULT: &str = "async-stream async-stream-impl backon fastrand futures-core futures-task futures-util pin-project \
                       pin-project-internal pin-project-lite proc-macro2 quote slab syn thiserror thiserror-impl tokio \
                       unicode-ident withal";

#[test]
fn the_default_features_need_no_other_package() {
    let expected = DEFAULT.split_whitespace().map(str::to_owned).collect();
    assert_eq!(dependencies(&[]), expected, "a new dependency of all users");
}

/// Each optional dependency, and the features that need it.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("anyhow", &["anyhow"]),
    ("async-nats", &["fleet-nats"]),
    ("backon", &["backon"]),
    ("fs4", &["fs"]),
    ("httpdate", &["http"]),
    ("reqwest", &["http"]),
    ("rusqlite", &["fleet-sqlite"]),
    ("serde_json", &["fleet-nats", "fleet-postgres", "fleet-sqlite", "fleet-store", "http"]),
    ("sqlx", &["sqlx"]),
    ("tempfile", &["fs"]),
    ("tokio-postgres", &["fleet-postgres"]),
];

const FEATURES: &[&str] = &[
    "anyhow",
    "backon",
    "fleet",
    "fleet-nats",
    "fleet-postgres",
    "fleet-sqlite",
    "fleet-store",
    "fs",
    "http",
    "process",
    "serde",
    "signal",
    "sqlx",
    "testing",
    "tracing",
];

#[test]
fn each_optional_dependency_comes_with_its_features_only() {
    let plain = dependencies(&["--no-default-features"]);
    for feature in FEATURES {
        let needed = dependencies(&["--no-default-features", "--features", feature]);
        for (package, features) in OPTIONAL {
            assert_eq!(needed.contains(*package), features.contains(feature), "{feature}: {package}");
        }
        // Reports and spans need `tracing`. A few clients depend on it, too.
        let has_tracing = ["fleet-nats", "http", "sqlx", "tracing"].contains(feature);
        assert_eq!(needed.contains("tracing"), has_tracing, "{feature}");
        if matches!(*feature, "fleet" | "testing") {
            assert_eq!(needed, plain, "{feature} is code alone");
        }
    }
}

/// A feature that is missing above would not be tested.
#[test]
fn every_feature_is_tested() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let table = manifest.split("\n[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let names = table.lines().filter_map(|line| line.split_once(" = [")).map(|(name, _)| name);
    let names: BTreeSet<_> = names.filter(|name| !matches!(*name, "default" | "full")).collect();
    assert_eq!(names, FEATURES.iter().copied().collect());
}
