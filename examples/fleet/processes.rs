//! The worker processes, one of which is killed every second.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const KILL_EVERY: Duration = Duration::from_secs(1);

/// A line of stdout, which is the name of a partition that a process has claimed, or the end of a process.
enum Event {
    Claimed { pid: u32, partition: String, at: Instant },
    Ended { pid: u32 },
}

/// The running processes, and the partitions that they have claimed.
pub(crate) struct Processes {
    command: Command,
    alive: Vec<Child>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    owners: HashMap<String, u32>,
    killed: HashMap<u32, Instant>,
    /// The times from a kill to the next claim of a partition that the killed process had.
    recoveries: Vec<Duration>,
}

impl Processes {
    pub(crate) fn new(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let (sender, events) = channel();
        let (owners, killed) = (HashMap::new(), HashMap::new());
        Self { command, alive: Vec::new(), sender, events, owners, killed, recoveries: Vec::new() }
    }

    /// Runs `count` processes until one of them has nothing left to do, then waits for the others. Returns the number of
    /// kills and the median of the recovery times.
    pub(crate) fn run(mut self, count: usize) -> io::Result<(usize, Duration)> {
        for _ in 0..count {
            self.start()?;
        }
        let mut next_kill = Instant::now() + KILL_EVERY;
        let mut is_ending = false;
        while !self.alive.is_empty() {
            match self.events.recv_timeout(next_kill.saturating_duration_since(Instant::now())) {
                Ok(Event::Claimed { pid, partition, at }) => {
                    let killed = self.owners.insert(partition, pid).and_then(|owner| self.killed.get(&owner));
                    self.recoveries.extend(killed.map(|killed| at - *killed));
                }
                Ok(Event::Ended { pid }) => is_ending |= self.ended(pid)?,
                // The process that has run for the longest time.
                Err(_) => {
                    next_kill += KILL_EVERY;
                    if !is_ending {
                        self.killed.insert(self.alive[0].id(), Instant::now());
                        self.alive[0].kill()?;
                    }
                }
            }
        }
        self.recoveries.sort();
        let median = self.recoveries.get(self.recoveries.len() / 2).copied();
        Ok((self.killed.len(), median.unwrap_or_default()))
    }

    fn start(&mut self) -> io::Result<()> {
        let mut child = self.command.spawn()?;
        let (pid, sender, stdout) = (child.id(), self.sender.clone(), child.stdout.take());
        self.alive.push(child);
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
                let Ok(partition) = line else { break };
                drop(sender.send(Event::Claimed { pid, partition, at: Instant::now() }));
            }
            drop(sender.send(Event::Ended { pid }));
        });
        Ok(())
    }

    /// Starts another process, unless this one has ended because no partition was left.
    fn ended(&mut self, pid: u32) -> io::Result<bool> {
        let at = self.alive.iter().position(|child| child.id() == pid);
        let mut child = self.alive.remove(at.expect("a process ends once"));
        let status = child.wait()?;
        if status.success() {
            return Ok(true);
        }
        if !self.killed.contains_key(&pid) {
            return Err(io::Error::other(format!("a worker has failed: {status}")));
        }
        self.start()?;
        Ok(false)
    }
}

/// Kills the processes, also after an error.
impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.alive {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
