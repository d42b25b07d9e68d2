use std::any::Any;
use std::fmt::Debug;

use super::errors::ErrorGroup;
use crate::cleanup::{CleanupEvent, notify_observers};
use crate::context::{ExitReason, report_exit_error, report_reason};
use crate::panic::{KeptPayload, drop_all};

/// The failures of the tasks of a group: at least one error or panic.
pub(super) struct Failures<E> {
    pub(super) errors: Option<ErrorGroup<E>>,
    /// In the order in which the tasks panicked.
    pub(super) panics: Vec<KeptPayload>,
    /// `true` if a task had panicked when the block ended.
    pub(super) panicked_in_block: bool,
}

impl<E: Debug + Send + 'static> Failures<E> {
    /// Returns the errors, or resumes the first panic of the tasks. If the block panicked earlier, its panic continues,
    /// and this function returns.
    ///
    /// Reports the errors and panics that can neither be returned nor resumed, under the `name` of the group.
    #[cold]
    pub(super) fn finish(self, exit: &ExitReason<'_>, name: &'static str) -> Result<(), ErrorGroup<E>> {
        let Self { errors, panics, panicked_in_block } = self;
        let is_block_first = matches!(exit, ExitReason::Panic(_)) && !panicked_in_block;
        let mut panics = panics.into_iter();
        let resumed = if is_block_first { None } else { panics.next() };
        for payload in panics {
            report_panic(name, &*payload);
        }
        let Some(first) = resumed else { return errors.map_or(Ok(()), Err) };
        report_reason(name, exit, &*first);
        if let Some(errors) = errors {
            report_exit_error(name, &errors);
            drop_all(errors);
        }
        first.resume()
    }

    /// Reports the failures of a group that was dropped before its exit.
    #[cold]
    pub(super) fn report(self) {
        self.report_as(NAME);
    }

    /// Reports the failures of the group `name`.
    #[cold]
    pub(super) fn report_as(self, name: &'static str) {
        let Self { errors, panics, .. } = self;
        if let Some(errors) = errors {
            report_exit_error(name, &errors);
            drop_all(errors);
        }
        for payload in panics {
            report_panic(name, &*payload);
        }
    }
}

/// The name of a group that has no scope.
const NAME: &str = "TaskGroup";

fn report_panic(name: &'static str, payload: &(dyn Any + Send)) {
    notify_observers(&CleanupEvent::Panicked { name, payload });
}
