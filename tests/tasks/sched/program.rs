//! The recorded programs.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

pub(super) type Block = Arc<[Statement]>;

/// A program, and its trace on `CPython`.
pub(super) struct Case {
    pub(super) id: u64,
    pub(super) tasks: Vec<Block>,
    pub(super) trace: Vec<String>,
}

pub(super) enum Statement {
    Log(u64),
    Sleep(u32),
    Raise(Kind, u64),
    Soon(u64),
    Later(u32, u64),
    Cancel(usize),
    Set(usize),
    Wait(usize),
    Put(usize),
    Get(usize),
    Notify(usize),
    Spawn(Block),
    Group(Vec<Block>, Block),
    Timeout(Option<u32>, Block),
    WaitFor(u32, Block),
    Shield(Block),
    Gather(Vec<Block>, bool),
    Lock(usize, Block),
    Semaphore(usize, Block),
    Condition(Block, bool),
    Try { body: Block, catches: Catches, handler: Block, finally: Block },
    Loop(u32, Block),
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    A,
    B,
    Base,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Catches {
    A,
    Exception,
    Cancelled,
    Timeout,
    Group,
    Base,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
    p: Vec<Value>,
    t: Vec<String>,
}

pub(super) fn cases() -> impl Iterator<Item = Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sched.jsonl.gz");
    let lines = BufReader::new(GzDecoder::new(File::open(file).unwrap())).lines();
    // The first line describes the format.
    lines.skip(1).map(|line| {
        let Line { id, p, t } = serde_json::from_str(&line.unwrap()).unwrap();
        Case { id, tasks: p.iter().map(block).collect(), trace: t }
    })
}

fn block(value: &Value) -> Block {
    list(value).iter().map(statement).collect()
}

fn blocks(value: &Value) -> Vec<Block> {
    list(value).iter().map(block).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number<N: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> N {
    value.as_u64().unwrap().try_into().unwrap()
}

fn statement(value: &Value) -> Statement {
    let s = list(value);
    match s[0].as_str().unwrap() {
        "log" => Statement::Log(number(&s[1])),
        "sleep" => Statement::Sleep(number(&s[1])),
        "raise" => Statement::Raise(kind(&s[1]), number(&s[2])),
        "soon" => Statement::Soon(number(&s[1])),
        "later" => Statement::Later(number(&s[1]), number(&s[2])),
        "cancel" => Statement::Cancel(number(&s[1])),
        "set" => Statement::Set(number(&s[1])),
        "wait" => Statement::Wait(number(&s[1])),
        "put" => Statement::Put(number(&s[1])),
        "get" => Statement::Get(number(&s[1])),
        "notify" => Statement::Notify(number(&s[2])),
        "spawn" => Statement::Spawn(block(&s[1])),
        "tg" => Statement::Group(blocks(&s[1]), block(&s[2])),
        "timeout" => Statement::Timeout((!s[1].is_null()).then(|| number(&s[1])), block(&s[2])),
        "waitfor" => Statement::WaitFor(number(&s[1]), block(&s[2])),
        "shield" => Statement::Shield(block(&s[1])),
        "gather" => Statement::Gather(blocks(&s[1]), s[2].as_bool().unwrap()),
        "lock" => Statement::Lock(number(&s[1]), block(&s[2])),
        "sem" => Statement::Semaphore(number(&s[1]), block(&s[2])),
        "cond" => Statement::Condition(block(&s[2]), s[3].as_bool().unwrap()),
        "try" => Statement::Try {
            body: block(&s[1]),
            catches: catches(&s[2]),
            handler: block(&s[3]),
            finally: block(&s[4]),
        },
        "loop" => Statement::Loop(number(&s[1]), block(&s[2])),
        other => panic!("unknown statement {other}"),
    }
}

fn kind(value: &Value) -> Kind {
    match value.as_str().unwrap() {
        "A" => Kind::A,
        "B" => Kind::B,
        "Base" => Kind::Base,
        "CE" => Kind::Cancelled,
        other => panic!("unknown exception {other}"),
    }
}

fn catches(value: &Value) -> Catches {
    match value.as_str().unwrap() {
        "A" => Catches::A,
        "Exc" => Catches::Exception,
        "CE" => Catches::Cancelled,
        "TO" => Catches::Timeout,
        "EG" => Catches::Group,
        "Base" => Catches::Base,
        other => panic!("unknown handler {other}"),
    }
}
