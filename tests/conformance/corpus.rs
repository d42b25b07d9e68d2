//! The file of the programs.

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

use super::damage::Damage;
use super::json::{Object, parse};
use super::program::{Action, Function};
use super::reading::{Written, action, function};
use super::validate;

const SCHEMA: u64 = 1;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A program, what is done with it, and what `CPython` said.
pub(super) struct Case {
    pub(super) id: u64,
    pub(super) is_generator: bool,
    functions: Vec<Function>,
    /// And as the traces tell it.
    pub(super) actions: Vec<(Action, String)>,
    pub(super) trace: Vec<String>,
    /// A circle of references keeps Python from finalizing one of its generators.
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
    p: Vec<Object<Written>>,
    d: Vec<Json>,
    t: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    // For whoever makes the programs, and chooses among them.
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

/// What is wrong with which line.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {what}")]
pub(super) struct Damaged {
    number: usize,
    what: String,
}

/// The file that is asked for, or else that of the crate.
pub(super) fn path() -> io::Result<PathBuf> {
    env::var_os("WITHAL_CORPUS").map_or_else(
        || Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/public.jsonl.gz")),
        |named| named_path(&named),
    )
}

/// Absolute, so that an error shows what the path is relative to.
pub(super) fn named_path(named: &OsStr) -> io::Result<PathBuf> {
    if named.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "WITHAL_CORPUS is set, and names no file"));
    }
    path::absolute(named)
}

pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    text(BufReader::new(File::open(path)?))
}

/// What a file says, which may be compressed whatever it is called.
pub(super) fn text(mut file: impl BufRead + 'static) -> io::Result<Box<dyn Read>> {
    let is_compressed = file.fill_buf()?.starts_with(&GZIP);
    Ok(if is_compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

pub(super) fn cases(file: impl Read) -> impl Iterator<Item = Result<Case, Damaged>> {
    Cases { lines: BufReader::new(file).lines(), number: 0, ids: HashMap::new(), is_over: false }
}

struct Cases<R> {
    lines: Lines<BufReader<R>>,
    /// Of the line that was read last.
    number: usize,
    /// And the lines that they stand in.
    ids: HashMap<u64, usize>,
    is_over: bool,
}

impl<R: Read> Cases<R> {
    fn next_case(&mut self) -> Result<Option<Case>, String> {
        if self.number == 0 {
            let header = self.next_line()?.ok_or("the file is empty")?;
            check(&header)?;
        }
        let Some(line) = self.next_line()? else {
            return if self.ids.is_empty() { Err("no program comes after it".to_owned()) } else { Ok(None) };
        };
        let case = case(&line)?;
        match self.ids.entry(case.id) {
            Entry::Occupied(first) => {
                Err(format!("the id {} is that of line {} already", case.id, first.get()))
            }
            Entry::Vacant(entry) => {
                entry.insert(self.number);
                Ok(Some(case))
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let line = self.lines.next().transpose();
        // That nothing comes after the last line is said of that line.
        self.number += usize::from(!matches!(line, Ok(None)));
        line.map_err(|error| error.to_string())
    }
}

impl<R: Read> Iterator for Cases<R> {
    type Item = Result<Case, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let case = self.next_case().map_err(|what| Damaged { number: self.number.max(1), what });
        self.is_over = !matches!(case, Ok(Some(_)));
        case.transpose()
    }
}

fn check(line: &str) -> Result<(), String> {
    let Header { schema } = parse(line)?;
    if schema == SCHEMA { Ok(()) } else { Err(format!("its schema is {schema}, not {SCHEMA}")) }
}

fn case(line: &str) -> Result<Case, String> {
    let Line { id, f, p, d, t, tags, .. } = parse(line)?;
    let is_generator = matches!(f, Family::Generator);
    let read_function =
        |(at, Object(written)): (_, &_)| function(written).map_err(|damage| damage.within(at).under("p"));
    let read_action = |(at, json)| action(json).map_err(|damage| damage.within(at).under("d"));
    let read = || {
        let functions = p.iter().enumerate().map(read_function).collect::<Result<Vec<_>, _>>()?;
        validate::functions(&functions, is_generator)?;
        let actions = d.iter().enumerate().map(read_action).collect::<Result<Vec<_>, _>>()?;
        validate::actions(&actions, is_generator)?;
        Ok((functions, actions))
    };
    let (functions, actions) = read().map_err(|damage: Damage| damage.to_string())?;
    let actions = actions.into_iter().zip(d.iter().map(word)).collect();
    let is_in_a_circle = tags.iter().any(|tag| tag == "circle");
    Ok(Case { id, is_generator, functions, actions, trace: t, is_in_a_circle })
}

/// An action, as the traces tell it.
fn word(json: &Json) -> String {
    match json {
        Json::Null => "None".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(words) => words.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
