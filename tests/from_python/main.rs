//! `withal::from_python`: each of its lines stands in a program here, which runs.

mod context;
mod coroutines;
mod event_loop;
mod executor;
mod iteration;
mod tasks;

/// The page, and the programs.
const PAGE: &str = include_str!("../../src/from_python.md");
const PROGRAMS: [&str; 6] = [
    include_str!("context.rs"),
    include_str!("coroutines.rs"),
    include_str!("event_loop.rs"),
    include_str!("executor.rs"),
    include_str!("iteration.rs"),
    include_str!("tasks.rs"),
];

/// What the work of these programs fails with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("raised")]
struct E;

/// The code in the column *Rust* of the table; names alone are links, which rustdoc looks after.
fn lines() -> Vec<String> {
    let table = PAGE.split("\n# Where withal differs").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    rows.skip(1)
        .flat_map(|row| {
            // Not a bar of the table.
            let row = row.replace("\\|", "\0");
            let rust = row.split('|').nth(1).unwrap().replace('\0', "|");
            rust.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|code| !code.chars().all(|c| c.is_alphanumeric() || "_:!".contains(c)))
        .collect()
}

/// Without what formatting adds.
fn squeezed(code: &str) -> String {
    let code: String = code.split_whitespace().collect();
    code.replace(",)", ")").replace(",}", "}").replace(",]", "]")
}

/// Whether a line stands there; for its `..` there may be anything.
fn is_in(program: &str, line: &str) -> bool {
    let parts: Vec<_> = line.split("..").map(squeezed).collect();
    program.match_indices(&parts[0]).any(|(at, first)| {
        let mut rest = &program[at + first.len()..];
        parts[1..].iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    })
}

#[test]
fn each_line_is_compiled() {
    let (lines, programs) = (lines(), PROGRAMS.map(squeezed));
    assert!(lines.len() > 100, "{} lines were found", lines.len());
    let missing: Vec<_> =
        lines.iter().filter(|line| !programs.iter().any(|program| is_in(program, line))).collect();
    assert!(missing.is_empty(), "in no program: {missing:#?}");
}
