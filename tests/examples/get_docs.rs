use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

fn program() -> Command {
    crate::program("get_docs")
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Returns the path of a file for this test, which does not exist yet.
fn file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("get_docs-{name}.json"));
    if file.exists() {
        fs::remove_file(&file).unwrap();
    }
    file
}

/// A run that is slow enough to be stopped before its end.
struct Slow {
    child: Child,
    stdout: BufReader<ChildStdout>,
    lines: Vec<String>,
}

impl Slow {
    fn start(file: &Path) -> Self {
        let mut command = program();
        command.args(["--slow", "1", "--resume"]).arg(file).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout, lines: Vec::new() }
    }

    fn read(mut self, lines: usize) -> Self {
        let more = self.stdout.by_ref().lines().take(lines).map(Result::unwrap);
        self.lines.extend(more);
        assert_eq!(self.lines.len(), lines);
        self
    }

    /// Returns all printed lines, and the exit code if there is one.
    fn finish(mut self) -> (Vec<String>, Option<i32>) {
        self.lines.extend(self.stdout.lines().map(Result::unwrap));
        (self.lines, self.child.wait().unwrap().code())
    }
}

/// Returns the items that a successful run printed, without the summary.
fn docs(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let mut lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    let summary = lines.pop().unwrap();
    assert!(summary.starts_with(&format!("{} items in ", lines.len())), "{summary}");
    lines
}

#[test]
fn prints_every_item_and_a_summary() {
    let output = run(&[]);
    let docs = docs(&output);
    assert_eq!(docs.len(), 2250);
    assert_eq!(docs[0], r#"{"extensions":[],"type":"application/1d-interleaved-parityfec"}"#);
    assert_eq!(docs[2249], r#"{"extensions":["movie"],"type":"video/x-sgi-movie"}"#);

    let summary = text(&output.stdout).lines().last().unwrap();
    let time = summary.strip_prefix("2250 items in 23 pages, 1 retries, ").unwrap();
    assert!(time.strip_suffix(" ms").unwrap().parse::<u64>().is_ok(), "{summary}");

    let stderr = text(&output.stderr);
    assert!(stderr.contains("page 23: 2250 of 2250 items\n"), "{stderr}");
    assert!(
        stderr.contains("returned 503 Service Unavailable: busy, come back; retrying in 1s\n"),
        "{stderr}"
    );
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains('\r'),
        "escape codes are for terminals: {stderr:?}"
    );
}

#[test]
#[cfg(unix)]
fn stopped_by_ctrl_c_and_restarted_prints_every_item_once() {
    let file = file("ctrl-c");
    let mut printed = Vec::new();
    for lines in [1, 120, 250] {
        let run = Slow::start(&file).read(lines);
        let pid = run.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let (lines, code) = run.finish();
        assert_eq!(code, Some(130));
        printed.extend(lines);
    }
    assert!(printed.len() < 2250, "the last run was stopped before its end");
    let resume = file.to_str().unwrap();
    printed.extend(docs(&run(&["--resume", resume])));
    assert_eq!(printed, docs(&run(&[])));

    // The checkpoint records that all items have been read.
    let again = run(&["--resume", resume]);
    assert_eq!(docs(&again), [""; 0]);
    assert!(
        text(&again.stderr).ends_with(": all items have been read; delete the file to start again\n"),
        "{again:?}"
    );
}

#[test]
fn killed_and_restarted_prints_every_item() {
    let file = file("kill");
    let mut printed = Vec::new();
    for lines in [0, 1, 100, 101, 300] {
        let mut run = Slow::start(&file).read(lines);
        run.child.kill().unwrap();
        printed.extend(run.finish().0);
    }
    printed.extend(docs(&run(&["--resume", file.to_str().unwrap()])));
    let mut seen = std::collections::HashSet::new();
    let first: Vec<_> = printed.into_iter().filter(|doc| seen.insert(doc.clone())).collect();
    assert_eq!(first, docs(&run(&[])));
}

#[test]
fn a_file_that_is_not_a_checkpoint_is_an_error_and_is_not_modified() {
    let resumable = r#"{"source":"http://127.0.0.1/media-types?per_page=30","checkpoint":{"format":"withal/pages/1",
        "cursor":null,"skip":0,"items":0,"pages":0,"done":false}}"#;
    for (content, want) in [
        ("", "not a checkpoint of get_docs: EOF while parsing"),
        ("{\"sour", "not a checkpoint of get_docs: EOF while parsing"),
        ("my notes", "not a checkpoint of get_docs: expected value"),
        (
            "{\"source\":\"x\",\"checkpoint\":{\"cursor\":null}}",
            "not a checkpoint of get_docs: missing field",
        ),
        (resumable, "the checkpoint belongs to http://127.0.0.1/media-types?per_page=30, not to http"),
    ] {
        let file = file("foreign");
        fs::write(&file, content).unwrap();
        let output = run(&["--resume", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let want = format!("error: {}: {want}", file.display());
        assert!(text(&output.stderr).starts_with(&want), "{}", text(&output.stderr));
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_anything_is_printed() {
    let file = file("missing").join("state.json");
    let output = run(&["--resume", file.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let want = format!("error: {}: ", file.display());
    assert!(text(&output.stderr).starts_with(&want), "{}", text(&output.stderr));
}

#[test]
fn an_invalid_option_is_an_error_followed_by_the_help() {
    for (args, want) in [
        (&["--frobnicate"][..], "unknown option: --frobnicate\n"),
        (&["state.json"], "unknown option: state.json\n"),
        (&["--resume"], "--resume needs a value\n"),
        (&["--per-page", "many"], "--per-page needs a number, not \"many\"\n"),
        (&["--url", "http://a", "--per-page", "5"], "--per-page is for the built-in server"),
        (&["--items", "docs"], "--items needs a JSON pointer, which starts with a slash: \"docs\"\n"),
    ] {
        let output = run(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        assert!(text(&output.stderr).starts_with(want), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("\nusage: "));
    }
    assert!(text(&run(&["--help"]).stdout).contains("\nusage: "));
}

#[test]
fn an_error_names_the_page() {
    let output = run(&["--per-page", "0"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    let stderr = text(&output.stderr);
    let want =
        "error: page 1 (cursor \"/media-types?per_page=0\"): fetch failed after 1 attempt: http://127.0.0.1:";
    assert!(stderr.starts_with(want), "{stderr}");
    assert!(
        stderr
            .ends_with("returned 422 Unprocessable Entity: {\"message\":\"per_page must be at least 1\"}\n")
    );
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let mut child = program().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("parityfec"));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!text(&output.stderr).contains("panicked"), "{output:?}");
}

#[test]
fn reads_any_api_with_links() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        for (link, body) in
            [("<?p=2>; rel=next", r#"{"docs":[1,"a"]}"#), ("<?p=1>; rel=prev", r#"{"docs":[null]}"#)]
        {
            let (mut socket, _) = listener.accept().unwrap();
            let request: Vec<_> = BufReader::new(&socket)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            assert!(request.contains(&"user-agent: withal-get-docs".to_owned()), "{request:?}");
            assert!(request.contains(&"authorization: Basic bWU6cHc=".to_owned()), "{request:?}");
            let head = format!("connection: close\r\nlink: {link}\r\ncontent-length: {}", body.len());
            write!(socket, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").unwrap();
        }
    });
    let file = file("any");
    let url = format!("http://me:pw@{host}/x");
    let output = run(&["--url", &url, "--items", "/docs", "--resume", file.to_str().unwrap()]);
    server.join().unwrap();
    assert_eq!(docs(&output), ["1", "\"a\"", "null"]);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.starts_with(&format!(r#"{{"source":"http://{host}/x#/docs","#)), "{kept}");
    assert!(kept.contains(r#""cursor":"/x?p=2""#), "{kept}");
}

#[test]
fn https_works_without_setup() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut hello = [0; 5];
        socket.read_exact(&mut hello).unwrap();
        hello[0]
    });
    let mut child = program().args(["--url", &url]).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(server.join().unwrap(), 22, "a TLS handshake");
    assert!(first.starts_with(&format!("page 1: request to {url} failed; retrying in ")), "{first}");
}
