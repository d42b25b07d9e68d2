//! Malformed lines.

use super::{HEADER, error, error_of, program, read, with_statements};

#[test]
fn valid_lines_are_read() {
    let first = with_statements(r#"["y",1]"#);
    let second =
        first.replace(r#""id":1"#, r#""id":2,"z":"small","tags":[],"differs":[],"chain_differs":[]"#);
    let cases = read(&[HEADER, &first, &second]).unwrap();
    assert_eq!(cases.iter().map(|case| case.id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_truncated_line_is_reported_with_its_number() {
    let (first, second) = (with_statements(r#"["y",1]"#), &with_statements(r#"["y",1]"#)[..40]);
    assert_eq!(error(&[HEADER, &first, second]), "line 3: column 40: EOF while parsing a string");
}

#[test]
fn an_empty_line_is_reported() {
    assert_eq!(error_of(""), "the line is empty");
    assert_eq!(error(&[HEADER, &with_statements(""), "", "{}"]), "line 3: the line is empty");
}

#[test]
fn a_duplicate_id_is_reported() {
    let line = with_statements("");
    assert_eq!(error(&[HEADER, &line, &line]), "line 3: duplicate id 1, also in line 2");
}

#[test]
fn an_unknown_missing_or_duplicate_key_is_reported() {
    let keys = "`id`, `f`, `p`, `d`, `t`, `tags`, `z`, `differs`, `chain_differs`";
    let line = with_statements("");
    for (key, instead, what) in [
        (r#""id":1"#, r#""id":1,"schema":1"#, format!("unknown field `schema`, expected one of {keys}")),
        (r#""id":1"#, r#""id":1,"id":1"#, "duplicate field `id`".to_owned()),
        (r#""id":1,"#, "", "missing field `id`".to_owned()),
        (r#""id":1"#, r#""id":-1"#, "invalid value: integer `-1`, expected u64".to_owned()),
        (r#""f":"agen""#, r#""f":"gen""#, "unknown variant `gen`, expected `agen` or `coro`".to_owned()),
        (r#""t":[]"#, r#""t":[1]"#, "invalid type: integer `1`, expected a string".to_owned()),
        (r#"{"t":"g","b":[]}"#, r#"["g",[]]"#, "invalid type: sequence, expected an object".to_owned()),
        (r#""t":"g""#, r#""t":"f""#, "unknown variant `f`, expected `g` or `c`".to_owned()),
        (r#""t":"g""#, r#""t":"g","c":1"#, "unknown field `c`, expected `t` or `b`".to_owned()),
        (r#""t":"g""#, r#""t":"g","b":[]"#, "duplicate field `b`".to_owned()),
    ] {
        let error = error_of(&line.replacen(key, instead, 1));
        assert!(error.starts_with("column ") && error.ends_with(&what), "{error}");
    }
}

#[test]
fn a_line_without_an_object_is_reported() {
    assert_eq!(error_of("[]"), "column 0: invalid type: sequence, expected an object");
}

#[test]
fn lists_nested_beyond_the_recursion_limit_are_reported() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for line in [with_statements(&nested), program(1, "coro", "", &nested)] {
        let error = error_of(&line);
        assert!(error.ends_with("recursion limit exceeded"), "{error}");
    }
}
