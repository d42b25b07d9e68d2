//! Tests of `withal::from_python`: each line of the tables is part of a program here, which runs.

mod context;
mod coroutines;
mod event_loop;
mod executor;
mod iteration;
mod tasks;

/// The page and the programs.
const PAGE: &str = include_str!("../../src/from_python.md");
const PROGRAMS: [&str; 6] = [
    include_str!("context.rs"),
    include_str!("coroutines.rs"),
    include_str!("event_loop.rs"),
    include_str!("executor.rs"),
    include_str!("iteration.rs"),
    include_str!("tasks.rs"),
];

/// The error of the programs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("raised")]
struct E;

/// The rows of the tables that have a column *Rust*, cell by cell.
fn rows() -> Vec<Vec<String>> {
    let tables = PAGE.split("\n# Differences").next().unwrap();
    tables
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter(|line| !line.starts_with("Python | Rust |"))
        .map(|row| {
            // An escaped bar is part of a cell.
            let cells = row.replace("\\|", "\0");
            cells.split('|').map(|cell| cell.replace('\0', "|").trim().to_owned()).collect()
        })
        .collect()
}

/// The code in the column *Rust*. Plain names are links, which rustdoc checks.
fn lines() -> Vec<String> {
    rows()
        .iter()
        .flat_map(|row| row[1].split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|code| !code.chars().all(|c| c.is_alphanumeric() || "_:!".contains(c)))
        .collect()
}

/// A cell as the page shows it: without the targets of links.
fn visible(cell: &str) -> String {
    let mut shown = String::new();
    let mut rest = cell;
    while let Some((text, link)) = rest.split_once("](") {
        shown.push_str(text);
        // A target may end with parentheses: `(crate::tasks::wait())`.
        let end = link.find(')').unwrap();
        rest = link[end..].trim_start_matches(')');
    }
    shown.push_str(rest);
    shown.replace(['[', '`', '*'], "")
}

/// Removes what formatting adds.
fn squeezed(code: &str) -> String {
    let code: String = code.split_whitespace().collect();
    code.replace(",)", ")").replace(",}", "}").replace(",]", "]")
}

/// Returns `true` if the program contains the line; `..` in the line matches anything.
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
    assert!(missing.is_empty(), "not in a program: {missing:#?}");
}

/// A table is at most 960 px wide on a page of 1280 px. Its cells wrap at spaces, so the longest words of the first two columns
/// must leave room for the notes, and the notes must be short.
#[test]
fn the_tables_fit_on_the_page() {
    let longest =
        |cell: &str| visible(cell).split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    for row in rows() {
        let code = longest(&row[0]) + longest(&row[1]);
        assert!(code <= 74, "{code} characters without a space: {} | {}", row[0], row[1]);
        let note = visible(&row[2]);
        assert!(note.chars().count() <= 60, "a long note belongs below the table: {note}");
    }
}
