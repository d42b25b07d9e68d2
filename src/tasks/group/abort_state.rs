use super::errors::ErrorGroup;
use super::failures::Failures;
use crate::as_error::ErrorView;
use crate::panic::KeptPayload;

/// The failure of a task.
pub(super) enum Failure<E> {
    Error(E),
    Panic(KeptPayload),
}

/// The additional state of a group that cancels its tasks.
pub(super) struct AbortState<E> {
    pub(super) errors: Vec<E>,
    pub(super) panics: Vec<KeptPayload>,
    /// `true` if a task had panicked when the block ended.
    pub(super) panicked_in_block: bool,
    /// The completions of handles that wait for the end of the block: see `GroupState::defer`.
    pub(super) deferred: Vec<Deferred>,
}

type Deferred = Box<dyn FnOnce() + Send>;

impl<E> AbortState<E> {
    pub(super) fn add(&mut self, failure: Failure<E>) {
        match failure {
            Failure::Error(error) => self.errors.push(error),
            Failure::Panic(payload) => self.panics.push(payload),
        }
    }

    /// Returns `true` if a task has failed. Otherwise the group was cancelled, or its block has failed.
    pub(super) fn has_failed(&self) -> bool {
        !(self.errors.is_empty() && self.panics.is_empty())
    }

    /// Returns the number of tasks that have failed.
    pub(super) fn failed(&self) -> usize {
        self.errors.len() + self.panics.len()
    }

    /// Returns `None` if no task has failed.
    pub(super) fn into_failures(self, tasks: u32, view: ErrorView<E>) -> Option<Failures<E>> {
        let Self { errors, panics, panicked_in_block, .. } = self;
        let failures = Failures { errors: ErrorGroup::new(errors, tasks, view), panics, panicked_in_block };
        (failures.errors.is_some() || !failures.panics.is_empty()).then_some(failures)
    }
}

impl<E> Default for AbortState<E> {
    fn default() -> Self {
        Self { errors: Vec::new(), panics: Vec::new(), panicked_in_block: false, deferred: Vec::new() }
    }
}
