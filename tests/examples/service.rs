//! SIGTERM at random moments under load: `SERVICE_RUNS=20 cargo test --test examples service -- --nocapture` prints the
//! figures of 20 runs.

#![cfg(unix)]

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use rusqlite::Connection;

const CLIENTS: usize = 8;

/// A response, or none: the server has not accepted the request.
type Outcome = Option<u16>;

/// Sends requests until the server no longer accepts connections.
fn client(address: &str, client: usize, answered: &AtomicUsize) -> HashMap<String, Outcome> {
    let mut outcomes = HashMap::new();
    let is_kept_alive = client % 2 == 0;
    let mut kept = None;
    for number in 0.. {
        let stream = kept.take().map_or_else(|| TcpStream::connect(address), Ok);
        let Ok(mut stream) = stream else { break };
        let is_impatient = number % 5 == 4;
        let kind = if is_impatient { "impatient" } else { "patient" };
        let id = format!("{kind}-{client}-{number}");
        let connection = if is_kept_alive { "keep-alive" } else { "close" };
        let request =
            format!("POST /orders/{id} HTTP/1.1\r\nhost: localhost\r\nconnection: {connection}\r\n\r\n");
        let is_sent = stream.write_all(request.as_bytes()).is_ok();
        if is_impatient {
            // Left by its client, in any state.
            thread::sleep(Duration::from_micros(500));
            continue;
        }
        let head = if is_sent { head(&mut stream) } else { String::new() };
        let outcome = head.split(' ').nth(1).map(|status| status.parse().unwrap());
        if outcome.is_some() {
            answered.fetch_add(1, Ordering::Relaxed);
        }
        if outcome.is_some() && is_kept_alive && !head.to_lowercase().contains("connection: close") {
            kept = Some(stream);
        }
        outcomes.insert(id, outcome);
    }
    outcomes
}

/// Sends a request and leaves it, after the server has accepted it if it is not too slow.
fn leave(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"POST /orders/impatient HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    thread::sleep(Duration::from_millis(1));
}

/// Reads a response, whose body is empty. It is empty itself if the connection is closed before.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ if head.is_empty() => break,
            other => panic!("a response was cut off: {other:?}, {}", String::from_utf8_lossy(&head)),
        }
    }
    String::from_utf8(head).unwrap()
}

struct Run {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    address: String,
    data: PathBuf,
}

impl Run {
    fn start(name: &str) -> Self {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{name}"));
        drop(fs::remove_dir_all(&data));
        fs::create_dir_all(&data).unwrap();
        let mut command = crate::program("service");
        command.args(["--port", "0", "--data"]).arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, lines, address, data }
    }

    fn signal(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Returns the lines of the program after it has ended with success, and without a report.
    fn end(self) -> (Vec<String>, PathBuf) {
        let lines: Vec<_> = self.lines.map(Result::unwrap).collect();
        let output = self.child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.is_empty(), "{:?}: {stderr}{lines:?}", output.status);
        (lines, self.data)
    }
}

/// Returns the numbers of a line of the ledger.
fn numbers<const N: usize>(lines: &[String], name: &str) -> [u64; N] {
    let line = lines.iter().find(|line| line.starts_with(&format!("{name}  "))).unwrap();
    let numbers: Vec<_> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap()
}

/// Checks that the steps have ended in the order of their phases.
fn check_order(lines: &[String]) {
    let (requests, later) = lines[..6].split_at(4);
    // The tasks end after the requests that create them, and the renderer after the tasks.
    let in_order: Vec<_> = requests.iter().filter(|step| *step != "crawl ended").collect();
    assert_eq!(in_order, ["server ended", "tasks ended", "renderer ended"], "{lines:?}");
    assert_eq!(later, ["database closed", "telemetry flushed"], "{lines:?}");
}

/// Checks the database and the telemetry against the ledger and the responses, and returns the lines of the figures.
fn check(lines: &[String], data: &Path, outcomes: &HashMap<String, Outcome>) -> String {
    check_order(lines);
    let [accepted, answered, left, failed] = numbers(lines, "requests");
    assert_eq!((accepted, failed), (answered + left, 0), "{lines:?}");
    assert_eq!(numbers(lines, "reservations"), [left, left]);
    let [begun, committed, rolled_back, open] = numbers(lines, "transactions");
    assert_eq!((begun, open), (committed + rolled_back, 0), "{lines:?}");
    let [created, ended] = numbers(lines, "tasks");
    assert_eq!(created, ended);
    // The child has inherited stderr, which is at its end: it is gone.
    assert_eq!(numbers(lines, "children"), [1, 1, created]);
    let [pages, stored] = numbers(lines, "pages");
    assert_eq!(pages, stored);
    let [recorded, flushed] = numbers(lines, "events");
    let events = fs::read_to_string(data.join("telemetry.log")).unwrap();
    assert_eq!((recorded, events.lines().count() as u64), (flushed, flushed));

    assert!(!data.join("orders.db-journal").exists(), "a transaction was interrupted");
    let database = Connection::open(data.join("orders.db")).unwrap();
    let count =
        |query: &str| database.query_row(query, [], |row| row.get::<_, u32>(0)).map(u64::from).unwrap();
    assert_eq!(count("SELECT count(*) FROM documents"), 10 * pages);
    let torn = "SELECT count(*) FROM orders WHERE (SELECT count(*) FROM items WHERE order_id = id) != 2";
    assert_eq!(count(torn), 0);
    assert_eq!(count("SELECT count(*) FROM items") % 2, 0);
    let mut orders =
        database.prepare("SELECT id, is_confirmed FROM orders WHERE id LIKE 'patient%'").unwrap();
    let orders: HashMap<String, bool> =
        orders.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (id, outcome) in outcomes {
        match outcome {
            // Accepted: committed, confirmed, and answered.
            Some(status) => assert_eq!((*status, orders.get(id)), (201, Some(&true)), "{id}"),
            // Not accepted: no trace of it.
            None => assert!(!orders.contains_key(id), "{id} was accepted, and got no response"),
        }
    }
    let patient = outcomes.values().flatten().count();
    assert_eq!(orders.len(), patient);
    let refused = outcomes.len() - patient;
    format!(
        "{accepted} accepted, {patient} with a waiting client, {left} left, {refused} not accepted, {begun} transactions, {created} tasks, {flushed} events"
    )
}

#[test]
fn nothing_is_lost_under_sigterm_at_random_moments() {
    let runs = env::var("SERVICE_RUNS").map_or(5, |runs| runs.parse().unwrap());
    for number in 0..runs {
        let run = Run::start("load");
        let random = RandomState::new().hash_one(number);
        let answered = AtomicUsize::new(0);
        let (outcomes, delay, time) = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    scope.spawn({
                        let run = &run;
                        let answered = &answered;
                        move || client(&run.address, number, answered)
                    })
                })
                .collect();
            // Under load: the first requests are answered. The limit only bounds a test that fails.
            let start = Instant::now();
            while answered.load(Ordering::Relaxed) < CLIENTS && start.elapsed() < Duration::from_secs(60) {
                thread::sleep(Duration::from_millis(1));
            }
            let delay = Duration::from_micros(random % 400_000);
            thread::sleep(delay);
            // What its exit records has to be flushed.
            leave(&run.address);
            run.signal();
            let signalled = Instant::now();
            let outcomes: HashMap<_, _> =
                clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
            (outcomes, delay, signalled.elapsed())
        });
        let (lines, data) = run.end();
        let figures = check(&lines, &data, &outcomes);
        println!("run {number}: SIGTERM after {delay:.0?}, refused after {time:.0?}: {figures}");
    }
}

/// A signal while nothing is requested.
#[test]
fn an_idle_service_ends() {
    let run = Run::start("idle");
    run.signal();
    let (lines, data) = run.end();
    check(&lines, &data, &HashMap::new());
}

/// The service without arguments ends without a signal.
#[test]
fn it_loads_itself() {
    let lines = crate::lines("service");
    check_order(&lines[1..]);
    let [accepted, _, _, failed] = numbers(&lines, "requests");
    assert!(accepted > 0 && failed == 0, "{lines:?}");
}
