//! Lines that are no program.

use super::{HEADER, error, error_of, program, read, with_statements};

#[test]
fn what_is_whole_is_read() {
    let first = with_statements(r#"["y",1]"#);
    let second =
        first.replace(r#""id":1"#, r#""id":2,"z":"small","tags":[],"differs":[],"chain_differs":[]"#);
    let cases = read(&[HEADER, &first, &second]).unwrap();
    assert_eq!(cases.iter().map(|case| case.id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_line_that_is_cut_off_is_told_with_its_number() {
    let (first, second) = (with_statements(r#"["y",1]"#), &with_statements(r#"["y",1]"#)[..40]);
    assert_eq!(error(&[HEADER, &first, second]), "line 3: column 40: EOF while parsing a string");
}

#[test]
fn a_line_with_nothing_in_it_is_told() {
    assert_eq!(error_of(""), "it is empty");
    assert_eq!(error(&[HEADER, &with_statements(""), "", "{}"]), "line 3: it is empty");
}

#[test]
fn an_id_that_is_there_twice_is_told() {
    let line = with_statements("");
    assert_eq!(error(&[HEADER, &line, &line]), "line 3: the id 1 is that of line 2 already");
}

#[test]
fn a_key_that_is_unknown_or_missing_or_there_twice_is_told() {
    let keys = "`id`, `f`, `p`, `d`, `t`, `z`, `tags`, `differs`, `chain_differs`";
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
        let told = error_of(&line.replacen(key, instead, 1));
        assert!(told.starts_with("column ") && told.ends_with(&what), "{told}");
    }
}

#[test]
fn a_line_that_is_no_object_is_told() {
    assert_eq!(error_of("[]"), "column 0: invalid type: sequence, expected an object");
}

#[test]
fn lists_that_are_nested_too_deep_to_be_read_are_told() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for line in [with_statements(&nested), program(1, "coro", "", &nested)] {
        let told = error_of(&line);
        assert!(told.ends_with("recursion limit exceeded"), "{told}");
    }
}
