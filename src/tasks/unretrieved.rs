use std::fmt::Debug;
use std::panic::Location;

use super::error::Error;
use crate::cleanup::{CleanupEvent, notify_observers};

/// Reports the error of a future whose handle was dropped before the error was retrieved.
///
/// It is created where the type of the error is known to be `'static`, so that the handle needs no bounds.
pub(super) struct Unretrieved<E> {
    /// The call that created the future.
    location: &'static Location<'static>,
    report: Report<E>,
}

type Report<E> = fn(&'static str, &'static Location<'static>, &Error<E>);

impl<E: Debug + 'static> Unretrieved<E> {
    #[track_caller]
    pub(super) fn here() -> Self {
        Self { location: Location::caller(), report }
    }
}

/// Without the bounds that a derive would add.
impl<E> Clone for Unretrieved<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Unretrieved<E> {}

impl<E> Unretrieved<E> {
    /// Returns the same report for an error that a call at `location` has retrieved, but not returned.
    pub(super) fn at(self, location: &'static Location<'static>) -> Self {
        Self { location, ..self }
    }

    /// Notifies the observers. Never panics: it is called in destructors.
    pub(super) fn report(&self, name: &'static str, error: &Error<E>) {
        (self.report)(name, self.location, error);
    }
}

#[cold]
fn report<E: Debug + 'static>(name: &'static str, location: &'static Location<'static>, error: &Error<E>) {
    match error {
        Error::Raised(error) => {
            notify_observers(&CleanupEvent::TaskFailed { name, location, error, debug: Some(error) });
        }
        Error::Panicked(panic) => panic.with_payload(|payload| {
            notify_observers(&CleanupEvent::TaskPanicked { name, location, payload });
        }),
        // The others are not failures of the work.
        _ => {}
    }
}
