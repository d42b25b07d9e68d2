use std::fmt::Debug;

use super::errors::ErrorGroup;
use super::failures::Failures;
use crate::cleanup::{CleanupEvent, notify_observers, peel_box};
use crate::context::{Error, ExitReason, report_exit_error};
use crate::panic::{KeptPayload, ignore_panic};

/// The end of the body of a group that is polled in place.
pub(super) enum BodyEnd<T, E> {
    Completed(T),
    Failed(E),
    Panicked(KeptPayload),
    /// A child has failed.
    Interrupted,
}

/// The end of a group. If it is dropped, because the future is dropped while it waits for exits, the failures are
/// reported.
pub(super) struct GroupEnd<T, E: Debug + Send + 'static> {
    /// `None` after it was moved out.
    body: Option<BodyEnd<T, E>>,
    failures: Option<Failures<E>>,
}

/// The name in reports.
const NAME: &str = "InPlaceGroup";

impl<T, E: Debug + Send + 'static> GroupEnd<T, E> {
    pub(super) fn new(body: BodyEnd<T, E>, failures: Option<Failures<E>>) -> Self {
        Self { body: Some(body), failures }
    }

    /// Returns the result of the group, or resumes its first panic.
    pub(super) fn into_result(mut self) -> Result<T, Error<E, ErrorGroup<E>>> {
        let mut body = self.body.take().expect("the end of the body is moved out once");
        let failed = self.failures.take().map_or(Ok(()), |failures| {
            let exit = match &mut body {
                BodyEnd::Completed(_) => ExitReason::Ok,
                BodyEnd::Failed(error) => ExitReason::Error(error),
                BodyEnd::Panicked(payload) => ExitReason::Panic(&mut **payload),
                BodyEnd::Interrupted => ExitReason::Cancelled,
            };
            failures.finish(&exit, NAME)
        });
        match (failed, body) {
            (Ok(()), BodyEnd::Completed(value)) => Ok(value),
            (Ok(()), BodyEnd::Failed(error)) => Err(Error::Block(error)),
            (Err(error), BodyEnd::Failed(context)) => Err(Error::Exit { error, context: Some(context) }),
            (Err(error), BodyEnd::Completed(_) | BodyEnd::Interrupted) => {
                Err(Error::Exit { error, context: None })
            }
            (Err(errors), BodyEnd::Panicked(payload)) => {
                report_exit_error(NAME, &errors);
                payload.resume()
            }
            (Ok(()), BodyEnd::Panicked(payload)) => payload.resume(),
            (Ok(()), BodyEnd::Interrupted) => unreachable!("only the failure of a child interrupts the body"),
        }
    }
}

impl<T, E: Debug + Send + 'static> Drop for GroupEnd<T, E> {
    fn drop(&mut self) {
        if let Some(BodyEnd::Failed(error)) = self.body.take() {
            notify_observers(&CleanupEvent::BlockFailed { name: NAME, error: peel_box(&error) });
            ignore_panic(|| drop(error));
        }
        if let Some(failures) = self.failures.take() {
            failures.report_as(NAME);
        }
    }
}
