//! Chaos for fleets: a driver that sends signals to the processes of a fleet while they work.
//!
//! A test starts its workers as processes, for example its own binary with an environment variable. A worker reports its
//! progress on its stdout, with [`claimed`], [`finished`] and [`fenced`]. It exits with success when no partition is left, and
//! with another status after SIGTERM.
//!
//! ```no_run
//! # use std::process::Command;
//! # use withal_test_support::chaos::{Chaos, Mode};
//! let report = Chaos::new(Mode::Kill).run(|number| {
//!     let mut worker = Command::new(std::env::current_exe().unwrap());
//!     worker.args(["--exact", "chaos::worker", "--nocapture"]).env("WORKER", number.to_string());
//!     worker
//! });
//! println!("{report}");
//! assert_eq!(report.failures, Vec::<String>::new());
//! ```

use std::collections::HashMap;
use std::env;
use std::fmt::{self, Display};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use withal::fleet::{ClaimedOf, Engine, FleetProgress, Outcome, Ownership};
use withal::pages::Checkpoint;

use crate::random::Random;

/// The prefix of the lines that workers print for the driver. The test harness prints other lines.
const PREFIX: &str = "fleet: ";

/// The environment variable that sets the time of a run in seconds.
const SECONDS: &str = "CHAOS_SECONDS";

/// The signals that the workers receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// None.
    Calm,
    /// SIGKILL.
    Kill,
    /// SIGSTOP, with SIGCONT later, and SIGKILL, in turn. A worker that was stopped for longer than its lease is a *zombie*:
    /// another worker has claimed its partition.
    StopAndWake,
    /// SIGTERM.
    Terminate,
}

/// The driver of the processes of a fleet.
#[derive(Clone, Debug)]
pub struct Chaos {
    mode: Mode,
    workers: usize,
    every: Duration,
    stop_time: Duration,
    limit: Duration,
}

/// The events of a run.
#[derive(Debug)]
pub struct Report {
    /// The signals that were sent.
    pub mode: Mode,
    /// The number of workers at any time.
    pub workers: usize,
    /// The time from the first start to the last end.
    pub elapsed: Duration,
    /// The number of processes that were started.
    pub started: usize,
    /// The number of SIGKILLs.
    pub kills: usize,
    /// The number of SIGSTOPs.
    pub stops: usize,
    /// The times from a SIGTERM to the end of the process.
    pub terminations: Vec<Duration>,
    /// The number of leases that workers have reported as lost.
    pub fenced: usize,
    /// The number of commits that the engine has refused.
    pub refused: usize,
    /// The times from a signal to the next claim of the partition that the worker owned, sorted.
    pub recoveries: Vec<Duration>,
    /// The number, the status and the stderr of each worker that failed.
    pub failures: Vec<String>,
}

/// Reports on stdout that this worker has claimed a partition.
pub fn claimed(partition: &str) {
    println!("{PREFIX}claimed {partition}");
}

/// Reports on stdout that this worker has read a partition to its end.
pub fn finished(partition: &str) {
    println!("{PREFIX}finished {partition}");
}

/// Reports on stdout that this worker has lost the lease of a partition.
pub fn fenced(partition: &str) {
    println!("{PREFIX}fenced {partition}");
}

/// Reports on stdout that the engine has refused a commit of this worker.
pub fn refused() {
    println!("{PREFIX}refused -");
}

/// Returns the time for which a run should have work: `CHAOS_SECONDS`, or 3 seconds by default.
pub fn run_time() -> Duration {
    let seconds = env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// Returns the lease time that suits [`run_time`].
pub fn lease_time() -> Duration {
    (run_time() / 6).clamp(Duration::from_millis(400), Duration::from_secs(2))
}

/// Returns the time that a page takes, which is longer in long runs: all of their modes run at once.
pub fn page_time() -> Duration {
    (run_time() / 240).clamp(Duration::from_millis(25), Duration::from_millis(150))
}

/// Asserts that this process has at most `before` open files, which is [`open_files`] at its start. Files that are closed by
/// other threads have some time.
///
/// # Panics
///
/// Panics if there are more after ten seconds.
pub fn assert_no_open_files(before: usize) {
    let start = Instant::now();
    while open_files() > before {
        assert!(start.elapsed() < Duration::from_secs(10), "{} open files, {before} before", open_files());
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the number of open files of this process, with its connections.
pub fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// An engine whose worker does not know when its lease expires, and does not renew it other than by commits: only the fence of
/// the storage protects the partition. It [reports](refused) the commits that are refused.
pub struct Credulous<E>(pub E);

impl<E: Engine> Engine for Credulous<E> {
    type Item = E::Item;
    type Cursor = E::Cursor;
    type Token = E::Token;
    type Error = E::Error;

    fn lease_time(&self) -> Duration {
        Duration::from_secs(3600)
    }

    async fn add_partitions(&self, partitions: Vec<String>) -> Result<(), E::Error> {
        self.0.add_partitions(partitions).await
    }

    async fn retry_set_aside(&self) -> Result<u64, E::Error> {
        self.0.retry_set_aside().await
    }

    async fn claim(&self) -> Result<ClaimedOf<E>, E::Error> {
        self.0.claim().await
    }

    async fn commit(
        &self,
        token: &mut E::Token,
        items: Arc<[E::Item]>,
        checkpoint: &Checkpoint<E::Cursor>,
    ) -> Result<Ownership, E::Error> {
        let ownership = self.0.commit(token, items, checkpoint).await;
        if matches!(ownership, Ok(Ownership::Fenced)) && self.0.read(&mut token.clone()).await?.is_none() {
            refused();
        }
        ownership
    }

    async fn read(&self, token: &mut E::Token) -> Result<Option<Checkpoint<E::Cursor>>, E::Error> {
        self.0.read(token).await
    }

    async fn renew(&self, token: &E::Token) -> Result<Ownership, E::Error> {
        self.0.renew(token).await
    }

    async fn release(&self, token: &E::Token, outcome: Outcome) -> Result<Ownership, E::Error> {
        self.0.release(token, outcome).await
    }

    async fn progress(&self) -> Result<FleetProgress, E::Error> {
        self.0.progress().await
    }
}

/// Sends a signal such as `TERM` to a process.
pub fn send_signal(signal: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{signal} {pid}: {status}");
}

impl Chaos {
    /// Creates a driver of four workers, one of which receives a signal after each eighth of the time of the run, but at least
    /// once a second.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            workers: 4,
            every: (run_time() / 8).min(Duration::from_secs(1)),
            stop_time: (lease_time() * 4).min(Duration::from_secs(4)),
            limit: Duration::from_secs(120) + run_time() * 10,
        }
    }

    /// Sets the number of workers.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets the time between two signals.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Runs the workers until all have exited with success. A worker that is killed or fails is replaced. No signals are sent
    /// after the first worker has exited with success.
    ///
    /// `command` returns the command of the worker with a number.
    ///
    /// # Panics
    ///
    /// Panics if the workers take ten times as long as intended, or if more than 20 of them fail.
    pub fn run(&self, command: impl FnMut(usize) -> Command) -> Report {
        let (sender, events) = channel();
        let mut run = Run {
            chaos: self,
            command,
            sender,
            alive: Vec::new(),
            pids: Vec::new(),
            holders: HashMap::new(),
            signals: 0,
            random: Random(7),
            report: Report::new(self),
        };
        let start = Instant::now();
        for _ in 0..self.workers {
            run.start();
        }
        run.until_all_have_ended(&events);
        let left: Vec<_> = run.pids.iter().filter(|pid| is_child(**pid)).collect();
        assert!(left.is_empty(), "child processes are left: {left:?}");
        let mut report = mem::replace(&mut run.report, Report::new(self));
        report.elapsed = start.elapsed();
        report.recoveries.sort();
        report
    }
}

/// Returns `true` if a process exists that is a child of this one.
fn is_child(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program is in parentheses. The state and the parent follow.
    let parent = stat.rsplit_once(')').and_then(|(_, fields)| fields.split_ascii_whitespace().nth(1));
    parent == Some(&process::id().to_string())
}

/// A process.
struct Worker {
    number: usize,
    child: Child,
    /// The time of the signal that has killed, terminated or stopped it.
    signaled: Option<Instant>,
    is_stopped: bool,
}

/// A line of a worker, or the end of its stdout with the end of its stderr.
enum Event {
    Line(usize, Instant, String),
    End(usize, String),
}

/// A run of the driver.
struct Run<'c, F> {
    chaos: &'c Chaos,
    command: F,
    sender: Sender<Event>,
    alive: Vec<Worker>,
    /// All processes that were started.
    pids: Vec<u32>,
    /// The worker that claimed a partition last, and the time of the signal that it has received since.
    holders: HashMap<String, (usize, Option<Instant>)>,
    signals: usize,
    random: Random,
    report: Report,
}

impl<F: FnMut(usize) -> Command> Run<'_, F> {
    fn start(&mut self) {
        // The numbers start at 1, and are not reused.
        self.report.started += 1;
        let number = self.report.started;
        let mut child = (self.command)(number)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command of a worker starts");
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = thread::spawn(move || {
            let mut errors = Vec::new();
            // The pipe closes with the process.
            drop(stderr.read_to_end(&mut errors));
            String::from_utf8_lossy(&errors).into_owned()
        });
        let sender = self.sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The test harness prints the beginning of a line before the test.
                if let Some((_, line)) = line.split_once(PREFIX) {
                    drop(sender.send(Event::Line(number, Instant::now(), line.to_owned())));
                }
            }
            drop(sender.send(Event::End(number, errors.join().unwrap_or_default())));
        });
        self.pids.push(child.id());
        self.alive.push(Worker { number, child, signaled: None, is_stopped: false });
    }

    fn until_all_have_ended(&mut self, events: &Receiver<Event>) {
        let (start, mut last_signal, mut has_ended) = (Instant::now(), Instant::now(), false);
        while !self.alive.is_empty() {
            match events.recv_timeout(Duration::from_millis(10)) {
                Ok(Event::Line(number, at, line)) => self.line(number, at, &line),
                Ok(Event::End(number, errors)) => has_ended |= self.end(number, &errors),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("the run has a sender"),
            }
            self.wake();
            if self.chaos.mode != Mode::Calm && !has_ended && last_signal.elapsed() >= self.chaos.every {
                last_signal = Instant::now();
                self.send_next_signal();
            }
            assert!(start.elapsed() < self.chaos.limit, "the workers have not finished: {}", self.report);
        }
    }

    fn line(&mut self, number: usize, at: Instant, line: &str) {
        let (event, partition) = line.split_once(' ').expect("an event and a partition");
        match event {
            "claimed" => {
                if let Some((_, Some(signaled))) = self.holders.insert(partition.to_owned(), (number, None)) {
                    self.report.recoveries.push(at - signaled);
                }
            }
            "finished" => {
                self.holders.remove(partition);
            }
            "fenced" => self.report.fenced += 1,
            "refused" => self.report.refused += 1,
            _ => panic!("worker {number} reported {line:?}"),
        }
    }

    /// Handles the end of a process. Returns `true` if it has succeeded.
    fn end(&mut self, number: usize, errors: &str) -> bool {
        let at = self.alive.iter().position(|worker| worker.number == number).expect("a worker ends once");
        let mut worker = self.alive.swap_remove(at);
        let status = worker.child.wait().unwrap();
        if status.success() {
            return true;
        }
        if let Some(signaled) = worker.signaled {
            if self.chaos.mode == Mode::Terminate {
                self.report.terminations.push(signaled.elapsed());
            }
            self.start();
            return false;
        }
        assert!(self.report.failures.len() < 20, "too many workers fail: {status} {errors}");
        self.report.failures.push(format!("worker {number}: {status} {errors}"));
        self.start();
        false
    }

    /// Resumes the workers that were stopped for long enough.
    fn wake(&mut self) {
        for worker in self.alive.iter_mut().filter(|worker| worker.is_stopped) {
            if worker.signaled.is_some_and(|stopped| stopped.elapsed() >= self.chaos.stop_time) {
                send_signal("CONT", worker.child.id());
                (worker.signaled, worker.is_stopped) = (None, false);
                // It still owns its partitions if no other worker has claimed them.
                for (number, signaled) in self.holders.values_mut() {
                    if *number == worker.number {
                        *signaled = None;
                    }
                }
            }
        }
    }

    fn send_next_signal(&mut self) {
        let awake: Vec<_> = self.alive.iter_mut().filter(|worker| worker.signaled.is_none()).collect();
        if awake.is_empty() {
            return;
        }
        let at = self.random.below(awake.len());
        let worker = awake.into_iter().nth(at).unwrap();
        self.signals += 1;
        let signaled = Instant::now();
        worker.signaled = Some(signaled);
        match self.chaos.mode {
            Mode::Terminate => send_signal("TERM", worker.child.id()),
            Mode::StopAndWake if self.signals % 2 == 1 => {
                worker.is_stopped = true;
                self.report.stops += 1;
                send_signal("STOP", worker.child.id());
            }
            _ => {
                self.report.kills += 1;
                worker.child.kill().unwrap();
            }
        }
        for (number, lost) in self.holders.values_mut() {
            if *number == worker.number {
                *lost = Some(signaled);
            }
        }
    }
}

/// Kills the processes, also if the test fails.
impl<F> Drop for Run<'_, F> {
    fn drop(&mut self) {
        for worker in &mut self.alive {
            // It may have ended already.
            drop(worker.child.kill());
            drop(worker.child.wait());
        }
    }
}

impl Report {
    fn new(chaos: &Chaos) -> Self {
        Self {
            mode: chaos.mode,
            workers: chaos.workers,
            elapsed: Duration::ZERO,
            started: 0,
            kills: 0,
            stops: 0,
            terminations: Vec::new(),
            fenced: 0,
            refused: 0,
            recoveries: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Returns the median of the recovery times, if there are any.
    pub fn median_recovery(&self) -> Option<Duration> {
        self.recoveries.get(self.recoveries.len() / 2).copied()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mode,
            workers,
            elapsed,
            started,
            kills,
            stops,
            terminations,
            fenced,
            refused,
            recoveries,
            failures,
        } = self;
        write!(f, "{mode:?}: {workers} workers, {started} processes, {:.1} s, ", elapsed.as_secs_f64())?;
        write!(
            f,
            "kills {kills}, stops {stops}, terminations {}, failures {}; ",
            terminations.len(),
            failures.len()
        )?;
        write!(
            f,
            "claims lost to others {fenced}, commits refused {refused}, partitions recovered {}",
            recoveries.len()
        )?;
        if let (Some(median), Some(longest)) = (self.median_recovery(), recoveries.last()) {
            write!(f, ": median {} ms, longest {} ms", median.as_millis(), longest.as_millis())?;
        }
        Ok(())
    }
}
