//! Real servers, each read by a program of a user: whole, from checkpoints, and killed by SIGKILL.
//!
//! `setup/start.sh` starts the servers; without them, the tests print that they are skipped. See `README.md`.

mod commit;
mod kill;
mod programs;
mod readme;
mod table;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use withal::pages::http::{Client, Error};
use withal::pages::{AsyncGetDocs, Checkpoint, Cursor};

use self::table::{PROGRAMS, Program};

/// The work of a test on the stream of a program, for any type of items and cursors.
trait Job {
    async fn run<T, C>(&mut self, items: AsyncGetDocs<T, C, Error>)
    where
        T: Serialize + Send + 'static,
        C: Cursor + Serialize + DeserializeOwned;
}

fn client() -> Client {
    // This reqwest is built without a default TLS provider. All but the first call fail.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::new(reqwest::Client::builder()).unwrap()
}

/// Returns the directory of `setup/start.sh`.
fn servers() -> Option<PathBuf> {
    env::var_os("WITHAL_SERVERS").map(PathBuf::from)
}

/// Returns the URL of a server, if it has been started and filled.
fn url(server: &str) -> Option<String> {
    let url = fs::read_to_string(servers()?.join("ready").join(server)).ok()?;
    Some(url.trim().to_owned())
}

/// Returns the id of the user pool, which the server chooses.
fn pool() -> String {
    fs::read_to_string(servers().unwrap().join("pool")).unwrap().trim().to_owned()
}

/// Returns the programs whose servers are running, and prints the others.
fn running(test: &str) -> Vec<(&'static Program, String)> {
    let mut running = Vec::new();
    let mut skipped = Vec::new();
    for program in PROGRAMS {
        match url(program.server) {
            Some(url) => running.push((program, url)),
            None if skipped.contains(&program.server) => {}
            None => skipped.push(program.server),
        }
    }
    if !skipped.is_empty() {
        let line =
            format!("{test}: skipped, not running (tests/servers/README.md): {}\n", skipped.join(", "));
        // Not by `eprint!`, which the test harness captures.
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    running
}

/// Returns the text that identifies an item.
fn key<T: Serialize>(program: &Program, item: &T) -> String {
    let item = serde_json::to_value(item).unwrap();
    match item.pointer(program.key) {
        // The last part of the URL of a queue.
        Some(Value::String(text)) => text.rsplit('/').next().unwrap_or_default().to_owned(),
        Some(other) => other.to_string(),
        None => panic!("{item} has no {}", program.key),
    }
}

/// Reads the items to the end, or at most `max`.
async fn keys<T, C>(program: &Program, items: &mut AsyncGetDocs<T, C, Error>, max: usize) -> Vec<String>
where
    T: Serialize + Send + 'static,
    C: Cursor,
{
    let mut keys = Vec::new();
    while keys.len() < max {
        match items.try_next().await.unwrap_or_else(|error| panic!("{}: {error:?}", program.name)) {
            Some(item) => keys.push(key(program, &item)),
            None => break,
        }
    }
    keys
}

/// Reads all items.
struct ReadAll(&'static Program, Vec<String>);

impl Job for ReadAll {
    async fn run<T, C>(&mut self, mut items: AsyncGetDocs<T, C, Error>)
    where
        T: Serialize + Send + 'static,
        C: Cursor + Serialize + DeserializeOwned,
    {
        self.1 = keys(self.0, &mut items, usize::MAX).await;
    }
}

/// Reads some items, drops the stream, and reads the others from its checkpoint, as JSON.
struct Resume {
    program: &'static Program,
    checkpoint: Option<String>,
    max: usize,
    keys: Vec<String>,
}

impl Job for Resume {
    async fn run<T, C>(&mut self, mut items: AsyncGetDocs<T, C, Error>)
    where
        T: Serialize + Send + 'static,
        C: Cursor + Serialize + DeserializeOwned,
    {
        if let Some(checkpoint) = &self.checkpoint {
            let checkpoint: Checkpoint<C> = serde_json::from_str(checkpoint).unwrap();
            items = items.resume(checkpoint);
        }
        self.keys.extend(keys(self.program, &mut items, self.max).await);
        self.checkpoint = Some(serde_json::to_string(&items.checkpoint()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_is_read_once() {
    for (program, url) in running("every_item_is_read_once") {
        let mut all = ReadAll(program, Vec::new());
        program.start(&url, &mut all).await;
        let (mut keys, mut want) = (all.1, program.want());
        keys.sort_unstable();
        want.sort_unstable();
        assert!(keys == want, "{}: {} items instead of {}", program.name, keys.len(), want.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_resumes_at_every_kind_of_position() {
    for (program, url) in running("a_checkpoint_resumes_at_every_kind_of_position") {
        let mut all = ReadAll(program, Vec::new());
        program.start(&url, &mut all).await;
        let len = all.1.len();
        // Within a page, at its end, in a later page, and at the end.
        for at in [1, program.page, len / 2 + 1, len] {
            let mut job = Resume { program, checkpoint: None, max: at, keys: Vec::new() };
            program.start(&url, &mut job).await;
            job.max = usize::MAX;
            program.start(&url, &mut job).await;
            assert!(job.keys == all.1, "{} after {at} items: {} of {len}", program.name, job.keys.len());
        }
    }
}
