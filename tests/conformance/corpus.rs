//! Reading the corpus: a file of programs and their traces.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Lines, Read};
use std::path::{self, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::format_error::FormatError;
use super::json::{Object, parse};
use super::parse::{RawFunction, action, function};
use super::program::{Action, Function};
use super::validate;

const SCHEMA: u64 = 1;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A program, the actions on it, and the trace of `CPython`.
pub(super) struct Case {
    pub(super) id: u64,
    pub(super) is_generator: bool,
    functions: Vec<Function>,
    /// Each action with its text in the trace.
    pub(super) actions: Vec<(Action, String)>,
    pub(super) trace: Vec<String>,
    /// A reference cycle keeps Python from finalizing one of the generators.
    pub(super) is_in_a_circle: bool,
}

impl Case {
    pub(super) fn functions(&self) -> Vec<Function> {
        self.functions.clone()
    }

    pub(super) fn program(&self) -> &[Function] {
        &self.functions
    }
}

#[derive(Deserialize)]
struct Header {
    schema: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u64,
    f: Family,
    p: Vec<Object<RawFunction>>,
    d: Vec<Json>,
    t: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    // The following are for the oracle, which generates and selects programs.
    #[serde(rename = "z", default)]
    _size: IgnoredAny,
    #[serde(rename = "differs", default)]
    _differs: IgnoredAny,
    #[serde(rename = "chain_differs", default)]
    _chain_differs: IgnoredAny,
}

#[derive(Deserialize)]
enum Family {
    #[serde(rename = "agen")]
    Generator,
    #[serde(rename = "coro")]
    Coroutine,
}

/// The error of a line.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {what}")]
pub(super) struct LineError {
    number: usize,
    what: String,
}

/// The path in `WITHAL_CORPUS`, or that of the crate's corpus.
pub(super) fn path() -> io::Result<PathBuf> {
    env::var_os("WITHAL_CORPUS").map_or_else(
        || Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/public.jsonl.gz")),
        |named| named_path(&named),
    )
}

/// Returns an absolute path, so that an error shows the directory.
pub(super) fn named_path(named: &OsStr) -> io::Result<PathBuf> {
    if named.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "WITHAL_CORPUS is set, but empty"));
    }
    path::absolute(named)
}

pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    text(BufReader::new(File::open(path)?))
}

/// Returns the text of a file, which is decompressed if its content is compressed, whatever its name.
pub(super) fn text(mut file: impl BufRead + 'static) -> io::Result<Box<dyn Read>> {
    let is_compressed = file.fill_buf()?.starts_with(&GZIP);
    Ok(if is_compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

pub(super) fn cases(file: impl Read) -> impl Iterator<Item = Result<Case, LineError>> {
    Cases { lines: BufReader::new(file).lines(), number: 0, ids: HashMap::new(), is_done: false }
}

struct Cases<R> {
    lines: Lines<BufReader<R>>,
    /// The number of the last line that was read.
    number: usize,
    /// Each id with the number of its line.
    ids: HashMap<u64, usize>,
    is_done: bool,
}

impl<R: Read> Cases<R> {
    fn next_case(&mut self) -> Result<Option<Case>, String> {
        if self.number == 0 {
            let header = self.next_line()?.ok_or("the file is empty")?;
            check(&header)?;
        }
        let Some(line) = self.next_line()? else {
            return if self.ids.is_empty() {
                Err("no program follows the header".to_owned())
            } else {
                Ok(None)
            };
        };
        let case = case(&line)?;
        match self.ids.entry(case.id) {
            Entry::Occupied(first) => Err(format!("duplicate id {}, also in line {}", case.id, first.get())),
            Entry::Vacant(entry) => {
                entry.insert(self.number);
                Ok(Some(case))
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let line = self.lines.next().transpose();
        // A missing line is reported with the number of the last one.
        self.number += usize::from(!matches!(line, Ok(None)));
        line.map_err(|error| error.to_string())
    }
}

impl<R: Read> Iterator for Cases<R> {
    type Item = Result<Case, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let case = self.next_case().map_err(|what| LineError { number: self.number.max(1), what });
        self.is_done = !matches!(case, Ok(Some(_)));
        case.transpose()
    }
}

fn check(line: &str) -> Result<(), String> {
    let Header { schema } = parse(line)?;
    if schema == SCHEMA { Ok(()) } else { Err(format!("unsupported schema {schema}, expected {SCHEMA}")) }
}

fn case(line: &str) -> Result<Case, String> {
    let Line { id, f, p, d, t, tags, .. } = parse(line)?;
    let is_generator = matches!(f, Family::Generator);
    let read_function =
        |(at, Object(raw)): (_, &_)| function(raw).map_err(|error| error.at_index(at).at_path("p"));
    let read_action = |(at, json)| action(json).map_err(|error| error.at_index(at).at_path("d"));
    let read = || {
        let functions = p.iter().enumerate().map(read_function).collect::<Result<Vec<_>, _>>()?;
        validate::functions(&functions, is_generator)?;
        let actions = d.iter().enumerate().map(read_action).collect::<Result<Vec<_>, _>>()?;
        validate::actions(&actions, is_generator)?;
        Ok((functions, actions))
    };
    let (functions, actions) = read().map_err(|error: FormatError| error.to_string())?;
    let actions = actions.into_iter().zip(d.iter().map(word)).collect();
    let is_in_a_circle = tags.iter().any(|tag| tag == "circle");
    Ok(Case { id, is_generator, functions, actions, trace: t, is_in_a_circle })
}

/// Returns an action as it appears in the traces.
fn word(json: &Json) -> String {
    match json {
        Json::Null => "None".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(words) => words.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
