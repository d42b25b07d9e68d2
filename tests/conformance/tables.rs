//! The tables that tell of the rules, against the rules.

use super::rules::EXCLUDED;

const HERE: &str = include_str!("main.rs");

const DOCS: &str = include_str!("../../src/from_python.md");

/// The cells of the table under this header, row by row.
fn rows(text: &'static str, header: &str) -> Vec<Vec<&'static str>> {
    let lines = text.lines().skip_while(|line| *line != header).skip(2);
    let row = |line: &'static str| {
        Some(line.trim_start_matches("//! ").strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect())
    };
    lines.map_while(row).collect()
}

#[test]
fn the_rules_stand_in_the_table_with_their_counts() {
    let told = rows(HERE, "//! | rule | how many | why |");
    let told: Vec<_> = told.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let pinned = EXCLUDED.map(|(rule, count)| (format!("`{rule}`"), count.to_string()));
    assert_eq!(told, pinned);
}

#[test]
fn the_docs_have_a_row_for_each_rule() {
    let told = rows(DOCS, "| case | Python | Rust | programs |");
    let told: Vec<_> = told.iter().map(|row| row[3].to_owned()).collect();
    assert_eq!(told, EXCLUDED.map(|(_, count)| count.to_string()));
}

#[test]
fn the_docs_have_the_sum() {
    let sum: u32 = EXCLUDED.iter().map(|(_, count)| count).sum();
    assert!(DOCS.contains(&format!("{sum} programs in all")), "it is {sum}");
}
