//! Files that are not what they should be.

use std::ffi::OsStr;
use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::corpus::{cases, named_path, text};
use super::{HEADER, error, program, with_statements};

fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The numbers of what is read, and what is wrong in the end.
fn ids(file: Vec<u8>) -> (Vec<u64>, Option<String>) {
    let (mut ids, mut error) = (Vec::new(), None);
    for case in cases(text(Cursor::new(file)).unwrap()).take(5) {
        match case {
            Ok(case) => ids.push(case.id),
            Err(damaged) => error = Some(damaged.to_string()),
        }
    }
    (ids, error)
}

fn two_programs() -> String {
    let line = |id| program(id, "coro", r#"{"t":"c","b":[]}"#, "");
    format!("{HEADER}\n{}\n{}\n", line(1), line(2))
}

#[test]
fn a_file_may_be_compressed_whatever_its_name() {
    let text = two_programs();
    assert_eq!(ids(text.clone().into_bytes()), (vec![1, 2], None));
    assert_eq!(ids(compressed(&text)), (vec![1, 2], None));
}

#[test]
fn a_file_with_nothing_in_it_is_told() {
    assert_eq!(error(&[]), "line 1: the file is empty");
    assert_eq!(ids(compressed("")), (vec![], Some("line 1: the file is empty".to_owned())));
}

#[test]
fn a_file_of_no_program_is_told() {
    assert_eq!(error(&[HEADER]), "line 1: no program comes after it");
}

#[test]
fn another_schema_is_told() {
    assert_eq!(error(&[r#"{"schema":2}"#, "{}"]), "line 1: its schema is 2, not 1");
}

#[test]
fn a_file_without_a_header_is_told() {
    let line = with_statements(r#"["y",1]"#);
    let what = format!("line 1: column {}: missing field `schema`", line.len());
    assert_eq!(error(&[&line, HEADER]), what);
    assert_eq!(error(&["[1]"]), "line 1: column 0: invalid type: sequence, expected an object");
}

#[test]
fn a_compressed_file_that_is_cut_off_is_told() {
    let mut file = compressed(&two_programs());
    file.truncate(file.len() - 20);
    let (_, error) = ids(file);
    assert!(error.is_some_and(|error| error.starts_with("line ")));
}

#[test]
fn a_compressed_file_whose_checksum_is_another_is_told_after_its_last_line() {
    let mut file = compressed(&two_programs());
    let checksum = file.len() - 8;
    file[checksum] ^= 1;
    let error = "line 4: corrupt gzip stream does not have a matching checksum".to_owned();
    assert_eq!(ids(file), (vec![1, 2], Some(error)));
}

#[test]
fn what_is_no_text_is_told() {
    let mut file = two_programs().into_bytes();
    file.extend([0xff, b'\n']);
    let error = "line 4: stream did not contain valid UTF-8".to_owned();
    assert_eq!(ids(file), (vec![1, 2], Some(error)));
}

#[test]
fn nothing_is_read_after_what_is_damaged() {
    let file = format!("{HEADER}\nbroken\nbroken\n");
    let mut told = cases(file.as_bytes());
    assert!(matches!(told.next(), Some(Err(_))));
    assert!(told.next().is_none());
}

#[test]
fn a_path_is_told_with_what_it_is_relative_to() {
    let path = named_path(OsStr::new("programs.jsonl")).unwrap();
    assert_eq!(path, std::env::current_dir().unwrap().join("programs.jsonl"));
}

#[test]
fn a_path_that_is_empty_is_told() {
    let error = named_path(OsStr::new("")).unwrap_err();
    assert_eq!(error.to_string(), "WITHAL_CORPUS is set, and names no file");
}
