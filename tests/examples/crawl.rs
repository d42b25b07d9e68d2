mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use self::server::Server;

/// The items of the server's list: page after page, `ITEMS` in total.
const ITEMS: usize = 103;

fn crawl(url: &str, args: &[&str]) -> Command {
    let mut command = crate::program("crawl");
    command.args(["--url", url]).args(args);
    command
}

fn run(url: &str, args: &[&str]) -> Output {
    crawl(url, args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Returns the path of an output that does not exist yet, for this test.
fn out(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crawl-{name}.jsonl"));
    for file in [&out, &checkpoint(&out)] {
        drop(fs::remove_file(file));
    }
    out
}

fn checkpoint(out: &Path) -> PathBuf {
    out.with_extension("jsonl.checkpoint")
}

fn items(range: std::ops::Range<usize>) -> String {
    range.flat_map(|id| ["{\"id\":".to_owned(), id.to_string(), "}\n".to_owned()]).collect()
}

#[track_caller]
fn assert_success(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// Waits until a child that runs concurrently has done something. The limit only bounds a test that fails.
fn wait_until(mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < Duration::from_secs(120), "the program does nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_three_times_and_resumed_writes_each_item_once() {
    for (name, options) in [
        ("next-url", &["--paginate", "next-url:/next", "--items", "/items"][..]),
        ("page-number", &["--paginate", "page-number:page,0", "--items", "/items", "--concurrent", "3"]),
        ("offset", &["--paginate", "offset:offset,limit,10", "--items", "/items", "--concurrent", "4"]),
        ("auto", &[]),
    ] {
        let server = Server::start(ITEMS);
        let path = out(name);
        let out = path.to_str().unwrap();
        for run in 1..=3 {
            // The server holds the requests for all later pages, so that the program cannot end.
            server.hold_items_from(30 * run);
            let resume = if run == 1 { &["--out", out][..] } else { &["--out", out, "--resume"] };
            let mut child = crawl(&server.url, options).args(resume).stderr(Stdio::null()).spawn().unwrap();
            let target = items(0..30 * run - 10).len() as u64;
            wait_until(|| fs::metadata(&path).is_ok_and(|file| file.len() >= target));
            // SIGKILL, between any two instructions of a commit.
            child.kill().unwrap();
            assert!(!child.wait().unwrap().success());
        }
        server.hold_items_from(usize::MAX);
        assert_success(&crawl(&server.url, options).args(["--out", out, "--resume"]).output().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), items(0..ITEMS), "{name}");

        // The checkpoint records that the list is complete.
        let requests = server.requests();
        let again = crawl(&server.url, options).args(["--out", out, "--resume"]).output().unwrap();
        assert_success(&again);
        assert!(text(&again.stderr).starts_with("0 items written, 103 in total"), "{again:?}");
        assert_eq!(server.requests(), requests, "{name}");
    }
}

#[test]
fn what_was_written_after_the_checkpoint_is_removed() {
    let server = Server::start(ITEMS);
    for torn in ["{\"id", "{\"id\":20}\n", "{\"id\":20}\n{\"id\":21}\n{"] {
        let path = out("torn");
        let out = path.to_str().unwrap();
        assert_success(&run(&server.url, &["--max-items", "20", "--out", out]));
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, items(0..20));
        // As if the program had been killed between the two halves of a commit.
        fs::write(&path, written + torn).unwrap();
        assert_success(&run(&server.url, &["--out", out, "--resume"]));
        assert_eq!(fs::read_to_string(&path).unwrap(), items(0..ITEMS), "{torn}");
    }
}

#[test]
fn max_items_counts_the_items_of_all_runs() {
    let server = Server::start(ITEMS);
    let path = out("max-items");
    let out = path.to_str().unwrap();
    for (max, resume) in [("7", None), ("25", Some("--resume")), ("1000", Some("--resume"))] {
        let mut command = crawl(&server.url, &["--max-items", max, "--out", out]);
        assert_success(&command.args(resume).output().unwrap());
        let max = max.parse::<usize>().unwrap().min(ITEMS);
        assert_eq!(fs::read_to_string(&path).unwrap(), items(0..max));
    }
}

#[test]
fn the_first_response_selects_the_paginator() {
    let server = Server::start(ITEMS);
    for (path, proposal) in [
        ("/", ".items_at(\"/items\").by_next_url::<T>(\"/next\")"),
        ("/cursor", ".items_at(\"/items\").by_cursor::<T>(\"/next_cursor\", \"cursor\")"),
        (
            "/number",
            ".items_at(\"/items\").total_pages_at(\"/total_pages\").by_page_number::<T>(\"page\", 0)",
        ),
        ("/offset", ".items_at(\"/items\").total_at(\"/total\").by_offset::<T>(\"offset\", \"limit\", 10)"),
        ("/link", ".by_link::<T>()"),
    ] {
        let output = run(&format!("{}{path}", server.url), &["--concurrent", "2"]);
        assert_success(&output);
        assert_eq!(text(&output.stdout), items(0..ITEMS), "{path}");
        let want = format!("paginator: {proposal}, because of ");
        assert!(text(&output.stderr).starts_with(&want), "{}", text(&output.stderr));
    }
    for (path, message) in [
        (
            "/body",
            "error: .items_at(\"/Items\").by_body_cursor::<T>(\"/LastEvaluatedKey\", \"/ExclusiveStartKey\") is not supported by this program: ",
        ),
        ("/unknown", "error: no paginator is known for the first response: choose one with --paginate\n"),
    ] {
        let output = run(&format!("{}{path}", server.url), &[]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(4), ""));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

#[test]
fn an_item_is_written_on_one_line_as_the_api_sent_it() {
    let server = Server::start(0);
    let output = run(&format!("{}/pretty", server.url), &["--paginate", "link"]);
    assert_success(&output);
    let want = "{\"id\": 12345678901234567890123,\"price\": 1.10,\"name\": \" a\\n b\"}\n[]\n\"x\"\nnull\n";
    assert_eq!(text(&output.stdout), want);
}

#[test]
fn credentials_are_sent_and_not_shown() {
    let server = Server::start(13);
    for (value, header) in [("s3cret", "Bearer s3cret"), ("Basic bWU6cHc=", "Basic bWU6cHc=")] {
        let path = out("auth");
        let args = ["--auth-env", "CRAWL_TOKEN", "--out", path.to_str().unwrap()];
        let output = crawl(&server.url, &args).env("CRAWL_TOKEN", value).output().unwrap();
        assert_success(&output);
        assert_eq!(server.last_authorization(), header);
        assert!(!fs::read_to_string(checkpoint(&path)).unwrap().contains(value));

        let output =
            crawl(&format!("{}/refused", server.url), &args[..2]).env("CRAWL_TOKEN", value).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert!(text(&output.stderr).contains("401 Unauthorized"), "{output:?}");
        assert!(!text(&output.stderr).contains(value), "{output:?}");
    }
    for value in ["", "a\nb"] {
        let output =
            crawl(&server.url, &["--auth-env", "CRAWL_TOKEN"]).env("CRAWL_TOKEN", value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn requests_wait_for_the_rate() {
    let server = Server::start(ITEMS);
    let start = Instant::now();
    let options =
        ["--paginate", "page-number:page,0", "--items", "/items", "--concurrent", "8", "--rate", "100"];
    let output = run(&server.url, &options);
    let elapsed = start.elapsed();
    assert_eq!(text(&output.stdout), items(0..ITEMS));
    // The minimum: a slow machine only takes longer.
    let pauses = u32::try_from(server.requests() - 1).unwrap();
    assert!(pauses >= 10 && elapsed >= Duration::from_millis(10) * pauses, "{pauses} pauses in {elapsed:?}");
}

#[test]
fn an_invalid_option_is_code_2() {
    let url = "http://127.0.0.1:9/";
    for (args, want) in [
        (&["--frobnicate"][..], "unexpected argument '--frobnicate'"),
        (&["docs.jsonl"], "unexpected argument 'docs.jsonl'"),
        (&["--url", "docs"], "relative URL without a base"),
        (&["--url", "ftp://a/"], "not a URL of http or https"),
        (&["--url"], "a value is required for '--url <URL>'"),
        (&["--url", url, "--paginate", "pages"], "not one of the paginators that --help lists"),
        (&["--url", url, "--paginate", "cursor"], "the form is cursor:POINTER,PARAMETER"),
        (&["--url", url, "--paginate", "link:/next"], "the form is link"),
        (&["--url", url, "--paginate", "cursor:next,cursor"], "\"next\" is not a valid POINTER"),
        (&["--url", url, "--paginate", "cursor-header:a b,cursor"], "\"a b\" is not a valid HEADER"),
        (&["--url", url, "--paginate", "page-number:page,one"], "\"one\" is not a valid FIRST"),
        (&["--url", url, "--paginate", "offset:offset,limit,0"], "\"0\" is not a valid LIMIT"),
        (&["--url", url, "--items", "docs"], "a JSON pointer begins with a slash"),
        (&["--url", url, "--max-items", "many"], "invalid digit"),
        (&["--url", url, "--concurrent", "0"], "0 is not in 1..=64"),
        (&["--url", url, "--rate", "0"], "not between 0.001 and 1000000"),
        (&["--url", url, "--rate", "NaN"], "not between 0.001 and 1000000"),
        (&["--url", url, "--auth-env", "CRAWL_NOT_SET"], "--auth-env CRAWL_NOT_SET: the variable is not set"),
        (&["--url", url, "--resume"], "--out <FILE.jsonl>"),
    ] {
        let output = crate::program("crawl").args(args).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{args:?}: {output:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(want), "{args:?}: {stderr}");
    }
    let help = crate::program("crawl").arg("--help").output().unwrap();
    assert_success(&help);
    assert!(text(&help.stdout).contains("Exit codes:\n  0 "));
}

#[test]
fn a_file_that_cannot_be_used_is_code_3_and_costs_no_request() {
    let server = Server::start(13);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (path, other) = (out("files"), out("files-other"));
    let [path, other] = [&path, &other].map(|path| path.to_str().unwrap());
    assert_success(&run(&server.url, &["--out", path]));
    let items_url = format!("{}/cursor", server.url);
    let requests = server.requests();
    fs::write(other, "{\"id\":0}\n").unwrap();
    let missing = out("missing").join("docs.jsonl");
    for (url, args, want) in [
        (&*server.url, &["--out", missing.to_str().unwrap()][..], "docs.jsonl: "),
        (&server.url, &["--out", folder.to_str().unwrap()], ": "),
        (&server.url, &["--out", path], "the file exists; continue it with --resume, or delete it"),
        (&server.url, &["--out", other, "--resume"], "there is no checkpoint: start without --resume"),
        (&items_url, &["--out", path, "--resume"], "it was started with other values of --url"),
        (
            &server.url,
            &["--out", path, "--resume", "--items", "/x"],
            "it was started with other values of --url",
        ),
        (
            &server.url,
            &["--out", path, "--resume", "--paginate", "link"],
            "it was started with other values of --url",
        ),
    ] {
        let output = run(url, args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), ""), "{args:?}: {output:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(want), "{args:?}: {stderr}");
    }
    for content in ["", "my notes", "{\"url\":\"x\"}"] {
        let checkpoint = checkpoint(Path::new(other));
        fs::write(&checkpoint, content).unwrap();
        let output = run(&server.url, &["--out", other, "--resume"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(text(&output.stderr).contains(": not a checkpoint of crawl: "), "{output:?}");
        assert_eq!(fs::read_to_string(checkpoint).unwrap(), content);
    }
    // Items are missing that the checkpoint counts.
    fs::write(path, "{\"id\":0}\n").unwrap();
    let output = run(&server.url, &["--out", path, "--resume"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stderr).contains("9 bytes, fewer than the 120 of the checkpoint"), "{output:?}");
    assert_eq!(server.requests(), requests);
}

#[test]
fn an_api_that_does_not_fit_is_code_4_and_a_temporary_failure_code_1() {
    let server = Server::start(ITEMS);
    let path = out("codes");
    let out = path.to_str().unwrap();
    for (path, args, code, want) in [
        ("/missing", &["--paginate", "link"][..], 4, "404 Not Found"),
        ("/", &["--paginate", "link", "--items", "/docs"], 4, "/docs"),
        ("/busy", &["--paginate", "link"], 1, "503 Service Unavailable"),
    ] {
        let output = run(&format!("{}{path}", server.url), &[args, &["--out", out]].concat());
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.contains("error: page 1") && stderr.contains(want), "{stderr}");
        assert_eq!(stderr.ends_with("continue later with --resume\n"), code == 1, "{stderr}");
    }
    // Without items, the file may be started again with other options.
    assert_success(&run(&server.url, &["--out", out]));
}

#[test]
#[cfg(unix)]
fn ctrl_c_is_code_130() {
    let server = Server::start(ITEMS);
    server.hold_items_from(50);
    let path = out("ctrl-c");
    let out = path.to_str().unwrap();
    let child = crawl(&server.url, &["--out", out]).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| fs::metadata(&path).is_ok_and(|file| file.len() > 0));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(text(&output.stderr).ends_with("stopped: continue with --resume\n"), "{output:?}");
    server.hold_items_from(usize::MAX);
    assert_success(&run(&server.url, &["--out", out, "--resume"]));
    assert_eq!(fs::read_to_string(&path).unwrap(), items(0..ITEMS));
}
