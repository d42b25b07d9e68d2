//! Malformed files.

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

/// Returns the ids of the programs in a file, and the error at its end.
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
fn compression_is_detected_from_the_content() {
    let text = two_programs();
    assert_eq!(ids(text.clone().into_bytes()), (vec![1, 2], None));
    assert_eq!(ids(compressed(&text)), (vec![1, 2], None));
}

#[test]
fn an_empty_file_is_reported() {
    assert_eq!(error(&[]), "line 1: the file is empty");
    assert_eq!(ids(compressed("")), (vec![], Some("line 1: the file is empty".to_owned())));
}

#[test]
fn a_file_without_programs_is_reported() {
    assert_eq!(error(&[HEADER]), "line 1: no program follows the header");
}

#[test]
fn an_unsupported_schema_is_reported() {
    assert_eq!(error(&[r#"{"schema":2}"#, "{}"]), "line 1: unsupported schema 2, expected 1");
}

#[test]
fn a_file_without_a_header_is_reported() {
    let line = with_statements(r#"["y",1]"#);
    let what = format!("line 1: column {}: missing field `schema`", line.len());
    assert_eq!(error(&[&line, HEADER]), what);
    assert_eq!(error(&["[1]"]), "line 1: column 0: invalid type: sequence, expected an object");
}

#[test]
fn a_truncated_compressed_file_is_reported() {
    let mut file = compressed(&two_programs());
    file.truncate(file.len() - 20);
    let (_, error) = ids(file);
    assert!(error.is_some_and(|error| error.starts_with("line ")));
}

#[test]
fn a_wrong_checksum_is_reported_after_the_last_line() {
    let mut file = compressed(&two_programs());
    let checksum = file.len() - 8;
    file[checksum] ^= 1;
    let error = "line 4: corrupt gzip stream does not have a matching checksum".to_owned();
    assert_eq!(ids(file), (vec![1, 2], Some(error)));
}

#[test]
fn invalid_utf8_is_reported() {
    let mut file = two_programs().into_bytes();
    file.extend([0xff, b'\n']);
    let error = "line 4: stream did not contain valid UTF-8".to_owned();
    assert_eq!(ids(file), (vec![1, 2], Some(error)));
}

#[test]
fn reading_ends_at_the_first_error() {
    let file = format!("{HEADER}\nbroken\nbroken\n");
    let mut read = cases(file.as_bytes());
    assert!(matches!(read.next(), Some(Err(_))));
    assert!(read.next().is_none());
}

#[test]
fn a_relative_path_becomes_absolute() {
    let path = named_path(OsStr::new("programs.jsonl")).unwrap();
    assert_eq!(path, std::env::current_dir().unwrap().join("programs.jsonl"));
}

#[test]
fn an_empty_path_is_reported() {
    let error = named_path(OsStr::new("")).unwrap_err();
    assert_eq!(error.to_string(), "WITHAL_CORPUS is set, but empty");
}
