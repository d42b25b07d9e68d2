use std::fmt::Write;

use super::PROGRAMS;

const README: &str = include_str!("README.md");
const SOURCE: &str = include_str!("programs.rs");

/// The number of lines that a program may have.
const MAX_LINES: usize = 12;

/// Returns the number of lines in the body of a function, without comments.
fn lines(name: &str) -> usize {
    let (_, function) = SOURCE.split_once(&format!("pub(super) fn {name}(")).unwrap();
    let (body, _) = function.split_once("\n}").unwrap();
    body.lines().skip(1).filter(|line| !line.trim().starts_with("//")).count()
}

#[test]
fn a_program_has_at_most_12_lines() {
    for program in PROGRAMS {
        assert!(lines(program.name) <= MAX_LINES, "{}: {} lines", program.name, lines(program.name));
    }
}

#[test]
fn the_readme_lists_every_program() {
    let mut table = String::new();
    for program in PROGRAMS {
        let (server, name, api, items) = (program.server, program.name, program.api, program.items);
        writeln!(table, "| {server} | {api} | `{name}` | {items} | {} |", lines(name)).unwrap();
    }
    assert!(README.contains(&table), "the table in README.md is not\n\n{table}");
}
