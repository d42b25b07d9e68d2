//! The file of the programs.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value as Json;

use super::program::{Action, Function};
use super::reading::{action, function};
use super::source::word;

const SCHEMA: u64 = 1;

/// Those of the crate's own file, which has no tag for it.
const IN_A_CIRCLE: [u64; 1] = [3921];

/// A program, what is done with it, and what `CPython` said.
pub(super) struct Case {
    pub(super) id: u64,
    pub(super) is_generator: bool,
    program: Vec<Json>,
    /// And as the traces tell it.
    pub(super) actions: Vec<(Action, String)>,
    pub(super) trace: Vec<String>,
    /// A circle of references keeps Python from finalizing one of its generators.
    pub(super) is_in_a_circle: bool,
}

impl Case {
    pub(super) fn functions(&self) -> Vec<Function> {
        self.program.iter().map(|json| function(json).expect("it was read before")).collect()
    }

    pub(super) fn program(&self) -> &[Json] {
        &self.program
    }
}

#[derive(Deserialize)]
struct Header {
    schema: u64,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
    f: String,
    p: Vec<Json>,
    d: Vec<Json>,
    t: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// What is wrong with which line.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {what}")]
pub(super) struct Damaged {
    number: usize,
    what: String,
}

/// The file that is asked for, or else that of the crate.
pub(super) fn path() -> PathBuf {
    env::var_os("WITHAL_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/public.jsonl.gz"),
        PathBuf::from,
    )
}

pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    Ok(if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

pub(super) fn cases(file: impl Read) -> impl Iterator<Item = Result<Case, Damaged>> {
    let mut lines = BufReader::new(file).lines().enumerate().map(|(at, line)| (at + 1, line));
    let header = match lines.next() {
        Some((_, line)) => line.map_err(|error| error.to_string()).and_then(|line| check(&line)),
        None => Err("it is empty".to_owned()),
    };
    let header = header.err().map(|what| Err(Damaged { number: 1, what }));
    let is_good = header.is_none();
    let cases = lines.take_while(move |_| is_good).map(|(number, line)| {
        let case = line.map_err(|error| error.to_string()).and_then(|line| case(&line));
        case.map_err(|what| Damaged { number, what })
    });
    header.into_iter().chain(cases)
}

fn check(line: &str) -> Result<(), String> {
    let Header { schema } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if schema == SCHEMA { Ok(()) } else { Err(format!("its schema is {schema}, not {SCHEMA}")) }
}

fn case(line: &str) -> Result<Case, String> {
    let Line { id, f, p, d, t, tags } = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let is_generator = match &*f {
        "agen" => true,
        "coro" => false,
        other => return Err(format!("{other:?} is no family")),
    };
    p.iter().try_for_each(|json| function(json).map(drop))?;
    let actions = d.iter().map(|json| Ok((action(json)?, word(json)))).collect::<Result<_, String>>()?;
    let is_in_a_circle = IN_A_CIRCLE.contains(&id) || tags.iter().any(|tag| tag == "circle");
    Ok(Case { id, is_generator, program: p, actions, trace: t, is_in_a_circle })
}
