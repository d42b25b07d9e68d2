//! The client of an engine is a dependency only with the feature of the engine.

use std::process::Command;

fn dependencies(features: &str) -> String {
    let tree =
        ["tree", "--locked", "--edges=normal", "--prefix=none", "--format={p}", "--no-default-features"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(["--package", "withal", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const CLIENTS: [(&str, &str); 3] =
    [("rusqlite ", "fleet-sqlite"), ("tokio-postgres ", "fleet-postgres"), ("async-nats ", "fleet-nats")];

#[test]
fn each_client_of_an_engine_comes_with_its_feature_only() {
    for features in
        ["fleet", "fleet-store", "fleet-sqlite", "fleet-postgres", "fleet-nats", "backon,http,tracing"]
    {
        let tree = dependencies(features);
        for (client, feature) in CLIENTS {
            let has_client = tree.lines().any(|line| line.starts_with(client));
            assert_eq!(has_client, features == feature, "{features}: {client}");
        }
    }
}
