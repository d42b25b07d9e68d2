use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::engine::{Claim, Claimed, Engine};
use super::random::Random;
use super::rules::{Micros, Rules, SECOND, seconds};

/// Simulates a fleet: workers, each with one claim at a time, on a model of an engine.
pub(super) struct Simulation {
    rules: Rules,
    pub(super) engine: Engine,
    workers: Vec<Worker>,
    events: BinaryHeap<Reverse<(Micros, u64, Event)>>,
    /// The number of events so far, which orders the events of one moment.
    sequence: u64,
    now: Micros,
    random: Random,
    broken: Vec<bool>,
    pages: Vec<u32>,
    pub(super) kills: u64,
    pub(super) stops: u64,
}

/// The life of a worker. A new process takes the place of one that was killed.
struct Worker {
    process: u32,
    claim: Option<Claim>,
    stopped_until: Option<Micros>,
    /// The number of pages that it has committed, and the time for which it was neither dead nor stopped.
    pages: u32,
    alive: Micros,
    alive_since: Option<Micros>,
}

/// An event of a worker. Those of a process that was killed do not happen, except for a commit, which was sent before.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Asks for a partition.
    Claim {
        worker: usize,
        process: u32,
    },
    /// Has fetched a page, or failed to.
    Fetched {
        worker: usize,
        process: u32,
    },
    /// The engine serves a commit.
    Commit {
        worker: usize,
        process: u32,
        claim: Claim,
    },
    Renew {
        worker: usize,
        process: u32,
        claim: Claim,
    },
    Kill {
        worker: usize,
    },
    Stop {
        worker: usize,
    },
    Wake {
        worker: usize,
    },
}

impl Simulation {
    pub(super) fn new(rules: Rules) -> Self {
        let mut random = Random::new(rules.seed);
        let pages: Vec<_> = (0..rules.partitions).map(|_| random.size()).collect();
        let broken = pages.iter().map(|_| random.chance(rules.broken)).collect();
        let worker = |_| Worker {
            process: 0,
            claim: None,
            stopped_until: None,
            pages: 0,
            alive: 0,
            alive_since: Some(0),
        };
        Self {
            rules,
            engine: Engine::new(rules, pages.iter().copied()),
            workers: (0..rules.workers).map(worker).collect(),
            events: BinaryHeap::new(),
            sequence: 0,
            now: 0,
            random,
            broken,
            pages,
            kills: 0,
            stops: 0,
        }
    }

    /// Runs until no partition is left, and returns the time that it took.
    pub(super) fn run(&mut self) -> Micros {
        for worker in 0..self.workers.len() {
            self.after(0, Event::Claim { worker, process: 0 });
            self.schedule_failures(worker);
        }
        while !self.engine.is_finished() {
            let Reverse((now, _, event)) = self.events.pop().expect("a worker has an event");
            self.now = now;
            self.handle(event);
        }
        for worker in &mut self.workers {
            worker.alive += worker.alive_since.map_or(0, |since| self.now.saturating_sub(since));
        }
        self.now
    }

    /// Returns the number of partitions that always fail.
    pub(super) fn broken(&self) -> u64 {
        self.broken.iter().map(|is_broken| u64::from(*is_broken)).sum()
    }

    /// Returns the pages per second of each worker while it ran, sorted.
    pub(super) fn rates(&self) -> Vec<f64> {
        let rate = |worker: &Worker| f64::from(worker.pages) / seconds(worker.alive.max(1));
        let mut rates: Vec<_> = self.workers.iter().map(rate).collect();
        rates.sort_by(f64::total_cmp);
        rates
    }

    fn after(&mut self, time: Micros, event: Event) {
        self.at(self.now + time, event);
    }

    fn at(&mut self, time: Micros, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((time, self.sequence, event)));
    }

    fn schedule_failures(&mut self, worker: usize) {
        if let Some(every) = self.rules.kill_every {
            let time = self.random.exponential(every);
            self.after(time, Event::Kill { worker });
        }
        if let Some((every, _)) = self.rules.stop_every {
            let time = self.random.exponential(every);
            self.after(time, Event::Stop { worker });
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Kill { worker } => return self.kill(worker),
            Event::Stop { worker } => return self.stop(worker),
            Event::Wake { worker } => return self.wake(worker),
            // The engine has received it, even if the worker was killed or stopped meanwhile.
            Event::Commit { worker, process, mut claim } => {
                let is_stored = self.engine.commit(self.now, &mut claim);
                if self.workers[worker].process == process {
                    self.committed(worker, process, claim, is_stored);
                }
                return;
            }
            Event::Claim { worker, process }
            | Event::Fetched { worker, process }
            | Event::Renew { worker, process, .. }
                if self.workers[worker].process != process =>
            {
                return;
            }
            Event::Claim { worker, .. } | Event::Fetched { worker, .. } | Event::Renew { worker, .. } => {
                // A stopped process handles this when it is resumed.
                if let Some(until) = self.workers[worker].stopped_until {
                    return self.at(until, event);
                }
            }
        }
        match event {
            Event::Claim { worker, process } => self.claim(worker, process),
            Event::Fetched { worker, process } => self.fetched(worker, process),
            Event::Renew { worker, process, claim } => self.renew(worker, process, claim),
            _ => unreachable!("handled above"),
        }
    }

    fn claim(&mut self, worker: usize, process: u32) {
        let served = self.engine.serve(self.now);
        match self.engine.claim(served) {
            Claimed::Partition(claim) => {
                self.workers[worker].claim = Some(claim);
                self.at(served + self.rules.lease / 3, Event::Renew { worker, process, claim });
                self.fetch(served, worker, process);
            }
            Claimed::NotYet(wait) => self.at(served + wait, Event::Claim { worker, process }),
            Claimed::Finished => {}
        }
    }

    fn fetch(&mut self, now: Micros, worker: usize, process: u32) {
        let time = if self.random.chance(self.rules.slow) {
            60 * SECOND
        } else {
            self.rules.page / 4 + self.random.exponential(self.rules.page * 3 / 4)
        };
        self.at(now + time, Event::Fetched { worker, process });
    }

    fn fetched(&mut self, worker: usize, process: u32) {
        let Some(claim) = self.workers[worker].claim else { return };
        let served = self.engine.serve(self.now);
        let is_last = claim.page + 1 == self.pages[claim.id as usize];
        if is_last && self.broken[claim.id as usize] || self.random.chance(self.rules.fails) {
            self.engine.fail(served, claim);
            self.workers[worker].claim = None;
            return self.at(served, Event::Claim { worker, process });
        }
        self.at(served, Event::Commit { worker, process, claim });
    }

    fn committed(&mut self, worker: usize, process: u32, claim: Claim, is_stored: bool) {
        let this = &mut self.workers[worker];
        this.pages += u32::from(is_stored);
        if !is_stored || claim.page == self.pages[claim.id as usize] {
            this.claim = None;
            return self.after(0, Event::Claim { worker, process });
        }
        this.claim = Some(claim);
        // A stopped process handles this when it is resumed.
        let from = this.stopped_until.unwrap_or(self.now);
        self.fetch(from, worker, process);
    }

    fn renew(&mut self, worker: usize, process: u32, claim: Claim) {
        // The claim has ended.
        if self.workers[worker].claim.is_none_or(|now| (now.id, now.token) != (claim.id, claim.token)) {
            return;
        }
        let served = self.engine.serve(self.now);
        if self.engine.renew(served, claim) {
            self.at(served + self.rules.lease / 3, Event::Renew { worker, process, claim });
        } else {
            // The block is interrupted, and its request is dropped: a new process number stands for the next block.
            self.workers[worker].claim = None;
            self.workers[worker].process += 1;
            self.at(served, Event::Claim { worker, process: process + 1 });
        }
    }

    fn kill(&mut self, worker: usize) {
        self.kills += 1;
        self.pause(worker);
        let this = &mut self.workers[worker];
        this.process += 1;
        this.claim = None;
        this.stopped_until = None;
        this.alive_since = Some(self.now + SECOND);
        let process = this.process;
        self.after(SECOND, Event::Claim { worker, process });
        let every = self.rules.kill_every.expect("workers are killed");
        let time = self.random.exponential(every);
        self.after(time, Event::Kill { worker });
    }

    fn stop(&mut self, worker: usize) {
        let (every, mean) = self.rules.stop_every.expect("workers are stopped");
        let (time, next) = (self.random.exponential(mean), self.random.exponential(every));
        if self.workers[worker].stopped_until.is_none() {
            self.stops += 1;
            self.pause(worker);
            self.workers[worker].stopped_until = Some(self.now + time);
            self.after(time, Event::Wake { worker });
        }
        self.after(time + next, Event::Stop { worker });
    }

    fn pause(&mut self, worker: usize) {
        let this = &mut self.workers[worker];
        this.alive += this.alive_since.take().map_or(0, |since| self.now.saturating_sub(since));
        if let Some(claim) = this.claim {
            self.engine.owner_lost(self.now, claim);
        }
    }

    fn wake(&mut self, worker: usize) {
        let this = &mut self.workers[worker];
        // It may have been killed and replaced meanwhile.
        if this.stopped_until.is_some_and(|until| until <= self.now) {
            this.stopped_until = None;
            this.alive_since = Some(self.now);
            if let Some(claim) = this.claim {
                self.engine.owner_woken(claim);
            }
        }
    }
}
