//! Files that cannot be read.

use super::corpus::cases;

const HEADER: &str = r#"{"schema":1}"#;

/// What is wrong with a file of these lines.
fn error(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let error = cases(text.as_bytes()).find_map(Result::err);
    error.expect("it is damaged").to_string()
}

fn with_statement(statement: &str) -> String {
    format!(r#"{{"id":1,"f":"agen","p":[{{"t":"g","b":[{statement}]}}],"d":[["anext",0]],"t":[]}}"#)
}

#[test]
fn what_is_whole_is_read() {
    let line = with_statement(r#"["y",1]"#);
    let cases = cases([HEADER, &line, &line].join("\n").as_bytes()).collect::<Result<Vec<_>, _>>();
    assert_eq!(cases.unwrap().len(), 2);
}

#[test]
fn a_damaged_line_is_told_with_its_number() {
    let whole = with_statement(r#"["y",1]"#);
    let error = error(&[HEADER, &whole, &whole[..40]]);
    assert!(error.starts_with("line 3: EOF while parsing"), "{error}");
}

#[test]
fn an_unknown_statement_is_told_with_its_number() {
    assert_eq!(error(&[HEADER, &with_statement(r#"["goto",1]"#)]), r#"line 2: "goto" is no statement"#);
}

#[test]
fn an_unknown_statement_inside_of_another_is_told() {
    let inside = with_statement(r#"["loop",1,[["goto",1]],[]]"#);
    assert_eq!(error(&[HEADER, &inside]), r#"line 2: "goto" is no statement"#);
}

#[test]
fn a_statement_that_is_too_short_is_told() {
    assert_eq!(error(&[HEADER, &with_statement(r#"["aw",1]"#)]), r#"line 2: ["aw",1] ends too soon"#);
}

#[test]
fn an_unknown_action_is_told() {
    let line = with_statement(r#"["y",1]"#).replace("anext", "next");
    assert_eq!(error(&[HEADER, &line]), r#"line 2: "next" is no action"#);
}

#[test]
fn another_schema_is_told() {
    assert_eq!(error(&[r#"{"schema":2}"#, "{}"]), "line 1: its schema is 2, not 1");
}

#[test]
fn a_file_with_nothing_in_it_is_told() {
    assert_eq!(error(&[]), "line 1: it is empty");
}
