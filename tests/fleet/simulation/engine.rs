use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::random::Random;
use super::rules::{Micros, Rules, backoff};

/// The number of a partition.
pub(super) type Id = u32;

/// A model of an engine: the partitions, their leases and checkpoints, and the pages that were stored.
pub(super) struct Engine {
    rules: Rules,
    partitions: Vec<Partition>,
    /// The partitions that can be claimed, in the order of claims.
    ready: BTreeSet<Id>,
    /// The partitions that wait for a retry, by the end of the delay.
    waiting: BinaryHeap<Reverse<(Micros, Id)>>,
    /// The ends of leases. When an end is reached, it is compared with that of the partition, which may have been renewed.
    leased: BinaryHeap<Reverse<(Micros, Id, u64)>>,
    /// The number of partitions that are neither done nor set aside.
    open: usize,
    /// The time at which the engine has served all calls so far: it serves one after the other.
    free_at: Micros,
    random: Random,
    pub(super) counts: Counts,
}

/// A claim: the partition, the token, and the checkpoint, which is the number of the next page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) id: Id,
    pub(super) token: u64,
    pub(super) page: u32,
}

/// The answer to a request for a partition.
pub(super) enum Claimed {
    Partition(Claim),
    NotYet(Micros),
    Finished,
}

/// The events that the engine has counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) stored: u64,
    pub(super) duplicates: u64,
    /// The commits, renewals and releases that were fenced.
    pub(super) refused: u64,
    pub(super) set_aside: u64,
    /// The times without a running owner, from the kill or stop of a partition's owner to the next claim.
    pub(super) lost: Vec<Micros>,
    /// The times from the end of a lease or a delay to the next claim.
    pub(super) delays: Vec<Micros>,
}

struct Partition {
    pages: u32,
    checkpoint: u32,
    /// The pages that were stored, as one bit each.
    stored: u64,
    token: u64,
    /// The claims since the last commit.
    attempts: u32,
    /// The end of the lease or the delay.
    until: Micros,
    is_closed: bool,
    /// The time at which its owner was killed or stopped.
    lost_at: Option<Micros>,
}

impl Engine {
    pub(super) fn new(rules: Rules, pages: impl IntoIterator<Item = u32>) -> Self {
        let partition = |pages| Partition {
            pages,
            checkpoint: 0,
            stored: 0,
            token: 0,
            attempts: 0,
            until: 0,
            is_closed: false,
            lost_at: None,
        };
        let partitions: Vec<_> = pages.into_iter().map(partition).collect();
        Self {
            rules,
            ready: (0..).take(partitions.len()).collect(),
            open: partitions.len(),
            partitions,
            waiting: BinaryHeap::new(),
            leased: BinaryHeap::new(),
            free_at: 0,
            random: Random::new(rules.seed ^ 1),
            counts: Counts::default(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.open == 0
    }

    /// Returns the number of pages that are missing, and that of all pages before the checkpoints.
    pub(super) fn missing(&self) -> (u64, u64) {
        self.partitions.iter().fold((0, 0), |(missing, pages), partition| {
            let before = (1_u64 << partition.checkpoint) - 1;
            let stored = partition.stored & before;
            (missing + u64::from((before & !stored).count_ones()), pages + u64::from(partition.checkpoint))
        })
    }

    /// Returns the time at which the engine has served a call that arrives `now`.
    pub(super) fn serve(&mut self, now: Micros) -> Micros {
        self.free_at = self.free_at.max(now) + self.rules.call;
        self.free_at
    }

    pub(super) fn claim(&mut self, now: Micros) -> Claimed {
        while let Some(&Reverse((_, id))) = self.waiting.peek().filter(|next| next.0.0 <= now) {
            self.waiting.pop();
            self.ready.insert(id);
        }
        while let Some(&Reverse((_, id, token))) = self.leased.peek().filter(|next| next.0.0 <= now) {
            self.leased.pop();
            let partition = &self.partitions[id as usize];
            if partition.token != token || partition.is_closed || self.ready.contains(&id) {
                continue;
            }
            if partition.until > now {
                self.leased.push(Reverse((partition.until, id, token)));
            } else {
                self.ready.insert(id);
            }
        }
        // Without fences, another worker may have finished it meanwhile.
        while self.ready.first().is_some_and(|id| self.partitions[*id as usize].is_closed) {
            self.ready.pop_first();
        }
        let Some(id) = self.ready.pop_first() else {
            return if self.open == 0 { Claimed::Finished } else { Claimed::NotYet(self.rules.poll) };
        };
        let partition = &mut self.partitions[id as usize];
        if let Some(lost_at) = partition.lost_at.take() {
            self.counts.lost.push(now - lost_at);
        }
        if partition.token > 0 {
            self.counts.delays.push(now.saturating_sub(partition.until));
        }
        partition.token += 1;
        partition.attempts += 1;
        partition.until = now + self.rules.lease;
        self.leased.push(Reverse((partition.until, id, partition.token)));
        Claimed::Partition(Claim { id, token: partition.token, page: partition.checkpoint })
    }

    /// Stores a page and the checkpoint after it, both or neither. Returns `false` if the commit is fenced.
    pub(super) fn commit(&mut self, now: Micros, claim: &mut Claim) -> bool {
        let lease = self.rules.lease;
        let Some(partition) = self.owned(claim) else { return false };
        let page = 1 << claim.page;
        let is_duplicate = partition.stored & page != 0;
        partition.stored |= page;
        claim.page += 1;
        partition.checkpoint = partition.checkpoint.max(claim.page);
        partition.until = now + lease;
        partition.attempts = 1;
        if claim.page == partition.pages && !partition.is_closed {
            partition.is_closed = true;
            self.open -= 1;
        }
        self.counts.stored += 1;
        self.counts.duplicates += u64::from(is_duplicate);
        true
    }

    pub(super) fn renew(&mut self, now: Micros, claim: Claim) -> bool {
        let lease = self.rules.lease;
        self.owned(&claim).map(|partition| partition.until = now + lease).is_some()
    }

    /// Ends a claim whose block has failed: the partition waits for a retry, or is set aside.
    pub(super) fn fail(&mut self, now: Micros, claim: Claim) -> bool {
        let rules = self.rules;
        let jitter = self.random.fraction();
        let Some(partition) = self.owned(&claim) else { return false };
        // The tokens of earlier claims are fenced from now on.
        partition.token += 1;
        if partition.attempts >= rules.attempts {
            partition.is_closed = true;
            self.open -= 1;
            self.counts.set_aside += 1;
        } else {
            let until = now + backoff(partition.attempts, jitter);
            partition.until = until;
            self.waiting.push(Reverse((until, claim.id)));
        }
        true
    }

    /// Records that the owner of a partition was killed or stopped.
    pub(super) fn owner_lost(&mut self, now: Micros, claim: Claim) {
        let partition = &mut self.partitions[claim.id as usize];
        if partition.token == claim.token && !partition.is_closed {
            partition.lost_at.get_or_insert(now);
        }
    }

    /// Records that a stopped owner was resumed.
    pub(super) fn owner_woken(&mut self, claim: Claim) {
        let partition = &mut self.partitions[claim.id as usize];
        if partition.token == claim.token {
            partition.lost_at = None;
        }
    }

    /// Returns the partition of a claim that is still valid. Without fences, every claim is.
    fn owned(&mut self, claim: &Claim) -> Option<&mut Partition> {
        let partition = &mut self.partitions[claim.id as usize];
        if partition.token == claim.token || !self.rules.is_fenced {
            return Some(partition);
        }
        self.counts.refused += 1;
        None
    }
}
