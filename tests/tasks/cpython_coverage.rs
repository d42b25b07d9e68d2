//! Checks that the tests that `CPYTHON.md` names exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The number of tests in each file of `CPython`, or in the named classes of it.
const COUNTS: [usize; 10] = [39, 34, 20, 9, 5, 9, 6, 15, 45, 74];

/// Returns the text between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_name(quoted: &str) -> bool {
    !quoted.is_empty() && quoted.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Collects the names of the test functions below `directory`.
fn tests_below(directory: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let mut is_test = false;
            for line in source.lines().map(str::trim_start) {
                is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                let after = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                if let (true, Some((name, _))) = (is_test, after.and_then(|after| after.split_once('('))) {
                    tests.insert(name.to_owned());
                    is_test = false;
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_cpython_test_has_a_counterpart_or_a_reason() {
    let mut tests = BTreeSet::new();
    tests_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tasks"), &mut tests);
    let mut counts = Vec::new();
    for section in include_str!("CPYTHON.md").split("\n## ").skip(1) {
        let (title, rows) = section.split_once('\n').unwrap();
        let mut theirs = BTreeSet::new();
        for row in rows.lines().filter(|row| row.starts_with("| `test_")) {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
            let [names, here] = cells[..] else { panic!("{title}: expected two columns: {row}") };
            for name in quoted(names) {
                assert!(theirs.insert(name), "{title}: {name} is listed twice");
            }
            let ours: Vec<_> = quoted(here).filter(|quoted| is_name(quoted)).collect();
            for name in &ours {
                assert!(tests.contains(*name), "{title}: there is no test {name}");
            }
            let reason = here.trim().strip_prefix("n.a.: ").map_or(0, str::len);
            assert!(reason > 10 || !ours.is_empty(), "{title}: neither a test nor a reason: {row}");
        }
        let count = format!(": {} tests", theirs.len());
        assert!(title.ends_with(&count), "{title} should end with `{count}`");
        counts.push(theirs.len());
    }
    assert_eq!(counts, COUNTS);
}
