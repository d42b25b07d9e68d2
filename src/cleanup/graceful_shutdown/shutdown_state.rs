use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::phases::{PhaseState, Phases, Stage, Step, Urgency, Work};
use super::shutdown_report::{ShutdownReport, UnfinishedReason};
use super::step_task::{StepId, StepOwner, StepTask, StepWork};
use crate::cleanup::detach::CleanupOptions;
use crate::cleanup::name::Name;
use crate::cleanup::report::report_error;
use crate::panic::drop_all;

/// The name of a late step as a cleanup, whose name is static.
const LATE_STEP: &str = "a late step of a shutdown";

/// The state that a shutdown shares with its phases, its handles and the tasks of its steps.
///
/// A step is `Registered` until its phase begins, and has a task afterwards:
///
/// ```text
/// step  --> Registered --phase begins--> Started --phase ends--> Aborted
/// spawn ---------------------------------^ |                       |
///                                          +-- task completes -----+--> removed
/// ```
///
/// Work is spawned, dropped and aborted while the state is not locked, because that can run user code.
pub(super) struct ShutdownState {
    inner: Mutex<Phases>,
    /// Notifies `run`, which is the only waiter, of every change.
    changed: Notify,
    /// The number of phases that have begun.
    begun: watch::Sender<usize>,
}

impl ShutdownState {
    pub(super) fn new(hurry_budget: Duration) -> Self {
        let inner = Phases::new(hurry_budget);
        Self { inner: Mutex::new(inner), changed: Notify::new(), begun: watch::Sender::new(0) }
    }

    /// Neither user code nor code that may panic runs while the state is locked.
    fn lock(&self) -> MutexGuard<'_, Phases> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next change. A change since the last call completes it at once.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<usize> {
        self.begun.subscribe()
    }

    /// Adds a phase and returns its index, or the name if there is a phase with this name.
    pub(super) fn add_phase(
        &self,
        name: Cow<'static, str>,
        budget: Duration,
    ) -> Result<usize, Cow<'static, str>> {
        let mut inner = self.lock();
        if inner.list.iter().any(|phase| phase.name == name) {
            return Err(name);
        }
        inner.list.push(PhaseState { name, budget, stage: Stage::Waiting, steps: BTreeMap::new() });
        Ok(inner.list.len() - 1)
    }

    pub(super) fn phases(&self) -> usize {
        self.lock().list.len()
    }

    pub(super) fn name_of(&self, phase: usize) -> Cow<'static, str> {
        self.lock().list[phase].name.clone()
    }

    pub(super) fn set_hurry_budget(&self, hurry_budget: Duration) {
        self.lock().hurry_budget = hurry_budget;
    }

    pub(super) fn urgency(&self) -> Urgency {
        self.lock().urgency
    }

    pub(super) fn raise(&self, urgency: Urgency) {
        self.lock().raise(urgency);
        self.changed.notify_one();
    }

    /// Counts a signal.
    pub(super) fn escalate(&self) {
        self.lock().escalate();
        self.changed.notify_one();
    }

    /// Registers a step, which starts when its phase begins.
    pub(super) fn register(
        self: &Arc<Self>,
        phase: usize,
        name: Cow<'static, str>,
        work: StepWork,
    ) -> Option<StepId> {
        let mut inner = self.lock();
        let runtime = inner.runtime.clone();
        match (inner.list[phase].stage, runtime) {
            (Stage::Running, Some(runtime)) => {
                let id = inner.insert(phase, name, Work::Started(None));
                drop(inner);
                self.start(id, work, &runtime);
                Some(id)
            }
            (Stage::Ended, runtime) => {
                let grace_period = inner.list[phase].budget;
                drop(inner);
                let name = if let Cow::Borrowed(name) = name { name } else { LATE_STEP };
                detach_late(name, grace_period, runtime, work);
                None
            }
            _ => Some(inner.insert(phase, name, Work::Registered(work))),
        }
    }

    /// Starts a step now. Its phase waits for it.
    pub(super) fn spawn(
        self: &Arc<Self>,
        phase: usize,
        name: Cow<'static, str>,
        work: StepWork,
        runtime: &Handle,
    ) -> Option<StepId> {
        let mut inner = self.lock();
        if inner.list[phase].stage == Stage::Ended {
            let grace_period = inner.list[phase].budget;
            drop(inner);
            let name = if let Cow::Borrowed(name) = name { name } else { LATE_STEP };
            detach_late(name, grace_period, Some(runtime.clone()), work);
            return None;
        }
        let id = inner.insert(phase, name, Work::Started(None));
        drop(inner);
        self.start(id, work, runtime);
        Some(id)
    }

    fn start(self: &Arc<Self>, id: StepId, work: StepWork, runtime: &Handle) {
        let task = runtime.spawn(StepTask::new(work, Arc::clone(self) as _, id)).abort_handle();
        let mut inner = self.lock();
        if let Some(Step { work: Work::Started(slot), .. }) = inner.list[id.phase].steps.get_mut(&id.number) {
            *slot = Some(task);
        } else {
            // It was aborted or withdrawn meanwhile, or it has completed, which makes the abort a no-op.
            drop(inner);
            task.abort();
        }
    }

    /// Removes a step. Returns `false` if it has ended.
    pub(super) fn withdraw(&self, id: StepId) -> bool {
        let removed = self.lock().list[id.phase].steps.remove(&id.number);
        self.changed.notify_one();
        match removed.map(|step| step.work) {
            Some(Work::Registered(work)) => drop(work),
            Some(Work::Started(task)) => {
                if let Some(task) = task {
                    task.abort();
                }
            }
            Some(Work::Aborted) => {}
            None => return false,
        }
        true
    }

    pub(super) fn set_runtime(&self, runtime: Handle) {
        self.lock().runtime = Some(runtime);
    }

    /// Returns the rest of the budget of a phase that began at `started`.
    pub(super) fn rest(&self, phase: usize, started: Instant) -> Duration {
        self.lock().rest(phase, started)
    }

    /// Begins a phase: starts its steps, or if it `has_time` for none, drops and records them.
    pub(super) fn begin(self: &Arc<Self>, phase: usize, has_time: bool) {
        let mut inner = self.lock();
        let Phases { list, runtime, .. } = &mut *inner;
        let runtime = runtime.clone();
        let state = &mut list[phase];
        let mut works = Vec::new();
        let mut skipped = Vec::new();
        if has_time {
            state.stage = Stage::Running;
            for (&number, step) in &mut state.steps {
                match mem::replace(&mut step.work, Work::Started(None)) {
                    Work::Registered(work) => works.push((StepId { phase, number }, work)),
                    started => step.work = started,
                }
            }
        } else {
            // The tasks are aborted when the phase ends.
            let (registered, tasks): (BTreeMap<_, _>, _) = mem::take(&mut state.steps)
                .into_iter()
                .partition(|(_, step)| matches!(step.work, Work::Registered(_)));
            state.steps = tasks;
            state.stage = Stage::Ended;
            for step in registered.into_values() {
                inner.record(phase, step.name, UnfinishedReason::NotStarted);
                skipped.push(step.work);
            }
        }
        drop(inner);
        // Waiters of the phase are notified before its steps start: a step may wait for them.
        self.begun.send_replace(phase + 1);
        for (id, work) in works {
            if let Some(runtime) = &runtime {
                self.start(id, work, runtime);
            }
        }
        drop_all(skipped);
    }

    pub(super) fn has_steps(&self, phase: usize) -> bool {
        !self.lock().list[phase].steps.is_empty()
    }

    /// Ends a phase if it has no steps.
    pub(super) fn end_if_idle(&self, phase: usize) -> bool {
        let mut inner = self.lock();
        let state = &mut inner.list[phase];
        let is_idle = state.steps.is_empty();
        if is_idle {
            state.stage = Stage::Ended;
        }
        is_idle
    }

    /// Ends a phase whose budget is used up: its tasks are aborted.
    pub(super) fn end(&self, phase: usize) {
        let mut inner = self.lock();
        let state = &mut inner.list[phase];
        state.stage = Stage::Ended;
        let mut tasks = Vec::new();
        for step in state.steps.values_mut() {
            if let Work::Started(Some(task)) = mem::replace(&mut step.work, Work::Aborted) {
                tasks.push(task);
            }
        }
        drop(inner);
        for task in tasks {
            task.abort();
        }
    }

    /// Records the steps of an ended phase whose tasks cannot be dropped.
    pub(super) fn give_up(&self, phase: usize) {
        let mut inner = self.lock();
        for step in mem::take(&mut inner.list[phase].steps).into_values() {
            inner.record(phase, step.name, UnfinishedReason::StillRunning);
        }
    }

    pub(super) fn record_pending_cleanups(&self, phase: usize, pending: usize) {
        let reason = UnfinishedReason::CleanupsPending(pending);
        self.lock().record(phase, Cow::Borrowed("cleanups"), reason);
    }

    pub(super) fn take_report(&self) -> ShutdownReport {
        let mut inner = self.lock();
        let mut unfinished = mem::take(&mut inner.unfinished);
        // The steps of a phase remain in the order in which they ended.
        unfinished.sort_by_key(|(phase, _)| *phase);
        ShutdownReport {
            unfinished: unfinished.into_iter().map(|(_, step)| step).collect(),
            was_hurried: inner.urgency >= Urgency::Hurried,
        }
    }

    /// Ends all phases of a shutdown that is dropped before it has finished: drops its steps, aborts its tasks, and
    /// reports them.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        let mut lost = Vec::new();
        for phase in &mut inner.list {
            phase.stage = Stage::Ended;
            for step in mem::take(&mut phase.steps).into_values() {
                lost.push((format!("{} / {}", phase.name, step.name), step.work));
            }
        }
        inner.raise(Urgency::Cut);
        drop(inner);
        // Waiters of a phase must not wait for ever.
        self.begun.send_replace(usize::MAX);
        let (names, works): (Vec<_>, Vec<_>) = lost.into_iter().unzip();
        if !names.is_empty() {
            let names = names.join(", ");
            report_error(&format_args!("a shutdown was dropped before these steps had finished: {names}"));
        }
        for work in &works {
            if let Work::Started(Some(task)) = work {
                task.abort();
            }
        }
        drop_all(works);
    }
}

impl StepOwner for ShutdownState {
    fn complete(&self, id: StepId, outcome: Option<Result<(), UnfinishedReason>>) {
        let mut inner = self.lock();
        // A step that is not in the list was withdrawn, or reported as running.
        let Some(step) = inner.list[id.phase].steps.remove(&id.number) else { return };
        let reason = match outcome {
            Some(outcome) => outcome.err(),
            None if matches!(step.work, Work::Aborted) => Some(UnfinishedReason::TimedOut),
            None => Some(UnfinishedReason::RuntimeShutdown),
        };
        if let Some(reason) = reason {
            inner.record(id.phase, step.name, reason);
            // A task that fails ends the program.
            inner.raise(Urgency::Begun);
        }
        drop(inner);
        self.changed.notify_one();
    }
}

/// Runs a step that was registered after its phase had ended: as a cleanup, which `run exits` and `run_main` wait for.
fn detach_late(name: &'static str, grace_period: Duration, runtime: Option<Handle>, work: StepWork) {
    CleanupOptions::new(Name::chosen(name)).grace_period(grace_period).fallback_runtime(runtime).detach(work);
}
