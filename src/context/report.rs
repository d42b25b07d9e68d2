//! Reports of errors and panics that cannot be returned, because another one takes precedence.

use std::any::Any;
use std::cell::Cell;
use std::fmt::Debug;

use super::exit_reason::ExitReason;
use crate::cleanup::{CleanupEvent, notify_observers};

thread_local! {
    /// The address of the payload with which an exit panics after it has reported the error or panic of its block.
    static REPORTED_BY: Cell<usize> = const { Cell::new(0) };
}

/// Reports the error or panic of a block, for an exit that resumes `earlier` at once: the payload of a panic that was
/// earlier than the end of the block. Whatever surrounds the exit does not report it again.
pub(crate) fn report_reason(name: &'static str, exit: &ExitReason<'_>, earlier: &(dyn Any + Send)) {
    match exit {
        ExitReason::Error(error) => {
            notify_observers(&CleanupEvent::BlockFailed { name, error: &**error });
        }
        ExitReason::Panic(payload) => {
            notify_observers(&CleanupEvent::Panicked { name, payload: &**payload });
        }
        ExitReason::Ok | ExitReason::Cancelled => return,
    }
    mark_reported(earlier);
}

/// Records that the error or panic of the block was reported, for an exit that resumes `earlier` at once.
pub(in crate::context) fn mark_reported(earlier: &(dyn Any + Send)) {
    REPORTED_BY.set(address(earlier));
}

/// Returns `true` if the exit that has just panicked with `payload` has reported its reason.
pub(in crate::context) fn has_reported_reason(payload: &(dyn Any + Send)) -> bool {
    REPORTED_BY.take() == address(payload)
}

fn address(payload: &(dyn Any + Send)) -> usize {
    std::ptr::from_ref(payload).cast::<()>().addr()
}

/// Notifies the observers of an exit's error that cannot be returned, because another error or panic takes precedence.
/// `name` is that of the guard.
pub(crate) fn report_exit_error<E: Any + Debug + Send>(name: &'static str, error: &E) {
    notify_observers(&CleanupEvent::Failed { name, error, debug: Some(error) });
}
