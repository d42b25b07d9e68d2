use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::shutdown_report::{UnfinishedReason, UnfinishedStep};
use super::step_task::{StepId, StepWork};

/// The urgency of a shutdown, which signals raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    Idle,
    Begun,
    /// The rest of each budget is at most the hurry budget.
    Hurried,
    /// All budgets are zero.
    Cut,
}

/// The phases of a shutdown, with their steps, and its urgency.
pub(super) struct Phases {
    pub(super) urgency: Urgency,
    /// The number of signals.
    pub(super) escalations: u32,
    /// Set when the urgency becomes `Hurried`.
    pub(super) hurried: Option<Instant>,
    pub(super) hurry_budget: Duration,
    /// The runtime of `run`, on which steps are spawned.
    pub(super) runtime: Option<Handle>,
    pub(super) list: Vec<PhaseState>,
    pub(super) next_number: u64,
    /// The unfinished steps, each with the index of its phase, by which the report is sorted.
    pub(super) unfinished: Vec<(usize, UnfinishedStep)>,
}

pub(super) struct PhaseState {
    pub(super) name: Cow<'static, str>,
    pub(super) budget: Duration,
    pub(super) stage: Stage,
    /// The steps by number, and therefore in the order of registration.
    pub(super) steps: BTreeMap<u64, Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Running,
    Ended,
}

pub(super) struct Step {
    pub(super) name: Cow<'static, str>,
    pub(super) work: Work,
}

pub(super) enum Work {
    Registered(StepWork),
    /// `None` while the task is being spawned.
    Started(Option<AbortHandle>),
    /// The task of a phase that has ended.
    Aborted,
}

impl Phases {
    pub(super) fn new(hurry_budget: Duration) -> Self {
        Self {
            urgency: Urgency::Idle,
            escalations: 0,
            hurried: None,
            hurry_budget,
            runtime: None,
            list: Vec::new(),
            next_number: 0,
            unfinished: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, phase: usize, step: Cow<'static, str>, reason: UnfinishedReason) {
        let phase_name = self.list[phase].name.clone();
        self.unfinished.push((phase, UnfinishedStep { phase: phase_name, step, reason }));
    }

    pub(super) fn insert(&mut self, phase: usize, name: Cow<'static, str>, work: Work) -> StepId {
        let number = self.next_number;
        self.next_number += 1;
        self.list[phase].steps.insert(number, Step { name, work });
        StepId { phase, number }
    }

    pub(super) fn raise(&mut self, urgency: Urgency) {
        self.urgency = self.urgency.max(urgency);
        if self.urgency == Urgency::Hurried && self.hurried.is_none() {
            self.hurried = Some(Instant::now());
        }
    }

    /// Counts a signal. The first one shortens no budget, even if the shutdown has begun for another reason.
    pub(super) fn escalate(&mut self) {
        self.escalations = self.escalations.saturating_add(1);
        self.raise(match self.escalations {
            1 => Urgency::Begun,
            2 => Urgency::Hurried,
            _ => Urgency::Cut,
        });
    }

    /// Returns the rest of the budget of a phase that began at `started`.
    pub(super) fn rest(&self, phase: usize, started: Instant) -> Duration {
        let rest = self.list[phase].budget.saturating_sub(started.elapsed());
        match self.urgency {
            Urgency::Idle | Urgency::Begun => rest,
            Urgency::Hurried => {
                let since = self.hurried.map_or(started, |hurried| hurried.max(started));
                rest.min(self.hurry_budget.saturating_sub(since.elapsed()))
            }
            Urgency::Cut => Duration::ZERO,
        }
    }
}
