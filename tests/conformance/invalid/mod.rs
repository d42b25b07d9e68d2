//! Tests that invalid input is reported, and never run.

use super::corpus::{Case, cases};

mod actions;
mod depth;
mod files;
mod lines;
mod programs;
mod statements;

const HEADER: &str = r#"{"schema":1}"#;

/// The functions that the first one may use.
const OTHERS: &str = r#"{"t":"g","b":[["y",1]]},{"t":"c","b":[]}"#;

fn read(lines: &[&str]) -> Result<Vec<Case>, String> {
    let text = [lines, &[""]].concat().join("\n");
    cases(text.as_bytes()).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Returns the error of a file of these lines.
fn error(lines: &[&str]) -> String {
    read(lines).err().unwrap_or_else(|| format!("this is read as if nothing were wrong: {lines:?}"))
}

/// Returns the error of a program on the second line.
fn error_of(line: &str) -> String {
    let error = error(&[HEADER, line]);
    error.strip_prefix("line 2: ").unwrap_or(&error).to_owned()
}

fn program(id: u32, family: &str, functions: &str, actions: &str) -> String {
    format!(r#"{{"id":{id},"f":"{family}","p":[{functions}],"d":[{actions}],"t":[]}}"#)
}

/// A generator of these statements, and the functions that it may use: 1 is a generator, and 2 a coroutine.
fn with_statements(statements: &str) -> String {
    program(1, "agen", &format!(r#"{{"t":"g","b":[{statements}]}},{OTHERS}"#), r#"["anext",0]"#)
}
