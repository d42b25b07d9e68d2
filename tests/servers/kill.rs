use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;
use withal::pages::http::Error;
use withal::pages::{AsyncGetDocs, Cursor};

use super::commit::Output;
use super::{Job, PROGRAMS, Program, key, running, url};

/// The line that a child prints when it waits for SIGKILL.
const AT_KILL_POINT: &str = "at the kill point";

/// The point at which a child stops, after the first page of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KillPoint {
    /// Between two commits, while the requests for the next pages are sent.
    BetweenPages,
    /// Half a page is written, and its last line is cut.
    WithinItems,
    /// All items of a page are written, but not the checkpoint after them.
    BeforeCheckpoint,
    /// The child reads everything.
    Never,
}

/// Writes the items of a program to a file, page by page, each with its checkpoint.
struct WriteAll {
    program: &'static Program,
    output: Output,
    kill_point: KillPoint,
}

impl Job for WriteAll {
    async fn run<T, C>(&mut self, items: AsyncGetDocs<T, C, Error>)
    where
        T: Serialize + Send + 'static,
        C: Cursor + Serialize + DeserializeOwned,
    {
        let mut pages = items.resume(self.output.checkpoint()).into_pages().with_checkpoints();
        let mut is_first = true;
        while let Some(page) = pages.try_next().await.unwrap() {
            let lines: String = page.items.iter().map(|item| key(self.program, item) + "\n").collect();
            let kill_point = if is_first { KillPoint::Never } else { self.kill_point };
            is_first = false;
            if kill_point == KillPoint::WithinItems {
                let half = (0..=lines.len() / 2).rfind(|at| lines.is_char_boundary(*at)).unwrap();
                self.output.write(&lines[..half]);
                wait_for_kill();
            }
            if kill_point == KillPoint::BetweenPages {
                wait_for_kill();
            }
            self.output.write(&lines);
            if kill_point == KillPoint::BeforeCheckpoint {
                wait_for_kill();
            }
            self.output.save(&lines, &page.checkpoint);
        }
        self.output.save("", &pages.checkpoint());
    }
}

fn wait_for_kill() {
    println!("{AT_KILL_POINT}");
    loop {
        std::thread::park();
    }
}

/// The child process of the test below. Without that test, it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let [Ok(name), Ok(path), Ok(kill_point)] =
        ["WITHAL_CHILD_PROGRAM", "WITHAL_CHILD_FILE", "WITHAL_CHILD_KILL_POINT"].map(env::var)
    else {
        return;
    };
    let program = PROGRAMS.iter().find(|program| program.name == name).unwrap();
    let kill_point = [KillPoint::BetweenPages, KillPoint::WithinItems, KillPoint::BeforeCheckpoint]
        .into_iter()
        .find(|point| format!("{point:?}") == kill_point);
    let kill_point = kill_point.unwrap_or(KillPoint::Never);
    let mut job = WriteAll { program, output: Output::open(Path::new(&path)), kill_point };
    program.start(&url(program.server).unwrap(), &mut job).await;
}

/// Runs a child to its kill point, or to its end.
fn run(program: &Program, path: &Path, kill_point: KillPoint) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture"])
        .env("WITHAL_CHILD_PROGRAM", program.name)
        .env("WITHAL_CHILD_FILE", path)
        .env("WITHAL_CHILD_KILL_POINT", format!("{kill_point:?}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_at_kill_point = lines.any(|line| line.ends_with(AT_KILL_POINT));
    assert_eq!(is_at_kill_point, kill_point != KillPoint::Never, "{}", program.name);
    if is_at_kill_point {
        // SIGKILL.
        child.kill().unwrap();
    }
    assert_eq!(child.wait().unwrap().success(), !is_at_kill_point, "{}", program.name);
}

fn empty_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("servers-{name}.txt"));
    for file in [&path, &path.with_extension("json")] {
        drop(fs::remove_file(file));
    }
    path
}

#[test]
fn killed_three_times_and_resumed_writes_each_item_once() {
    for (program, _) in running("killed_three_times_and_resumed_writes_each_item_once") {
        let path = empty_file(program.name);
        for kill_point in
            [KillPoint::BeforeCheckpoint, KillPoint::WithinItems, KillPoint::BetweenPages, KillPoint::Never]
        {
            run(program, &path, kill_point);
        }
        let written = fs::read_to_string(&path).unwrap();
        let (mut written, mut want) = (written.lines().collect::<Vec<_>>(), program.want());
        written.sort_unstable();
        want.sort_unstable();
        assert!(written == want, "{}: {} items instead of {}", program.name, written.len(), want.len());
    }
}
