//! Compares the tables of the documentation with the rules.

use super::rules::EXCLUDED;

const HERE: &str = include_str!("main.rs");

const DOCS: &str = include_str!("../../src/from_python.md");

/// Returns the cells of the table with this header, row by row.
fn rows(text: &'static str, header: &str) -> Vec<Vec<&'static str>> {
    let lines = text.lines().skip_while(|line| *line != header).skip(2);
    let row = |line: &'static str| {
        Some(line.trim_start_matches("//! ").strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect())
    };
    lines.map_while(row).collect()
}

#[test]
fn the_table_has_the_rules_and_their_counts() {
    let documented = rows(HERE, "//! | rule | programs | reason |");
    let documented: Vec<_> = documented.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let expected = EXCLUDED.map(|(rule, count)| (format!("`{rule}`"), count.to_string()));
    assert_eq!(documented, expected);
}

#[test]
fn the_docs_have_a_row_for_each_rule() {
    let documented = rows(DOCS, "| case | Python | Rust | programs |");
    let documented: Vec<_> = documented.iter().map(|row| row[3].to_owned()).collect();
    assert_eq!(documented, EXCLUDED.map(|(_, count)| count.to_string()));
}

#[test]
fn the_docs_have_the_total() {
    let sum: u32 = EXCLUDED.iter().map(|(_, count)| count).sum();
    assert!(DOCS.contains(&format!("{sum} programs in all")), "the total is {sum}");
}
