use std::panic::resume_unwind;

use super::entry::AnyError;
use super::{AsyncExitStackGuard, ExitErrors, Exits};
use crate::cleanup::{AbandonReason, CleanupEvent, notify_observers, timeout_in_cleanup, with_children};
use crate::context::{ExitReason, report};
use crate::panic::{Payload, catch_unwind};

/// Runs the exits, the last one first. Says whether the error that it was given is suppressed.
pub(super) async fn unwind(mut exits: Exits, exit: ExitReason<'_>) -> Result<bool, ExitErrors> {
    let mut course = Course { exit, is_suppressed: false, raised: Vec::new(), panic: None };
    while let Some(entry) = exits.0.pop() {
        let (name, grace) = (entry.name(), entry.grace_period());
        let exit = timeout_in_cleanup(entry.exit(course.under_way()), grace);
        match with_children(catch_unwind(exit)).await.transpose() {
            Some(exited) => course.take(exited),
            // Those after it run all the same.
            None => notify_observers(&CleanupEvent::Abandoned { name, reason: AbandonReason::TimedOut }),
        }
    }
    course.end()
}

/// What is under way while the exits run.
struct Course<'a> {
    /// What the block was left with, until it is suppressed.
    exit: ExitReason<'a>,
    is_suppressed: bool,
    /// By exits, the last one last.
    raised: Vec<AnyError>,
    panic: Option<Payload>,
}

impl Course<'_> {
    fn under_way(&mut self) -> ExitReason<'_> {
        if let Some(payload) = &mut self.panic {
            ExitReason::Panic(&mut **payload)
        } else if let Some(error) = self.raised.last_mut() {
            ExitReason::Error(&mut **error)
        } else {
            self.exit.reborrow()
        }
    }

    fn take(&mut self, exited: Result<Result<bool, AnyError>, Payload>) {
        match exited {
            Ok(Ok(true)) if matches!(self.under_way(), ExitReason::Error(_)) => {
                self.raised.clear();
                self.is_suppressed |= matches!(self.exit, ExitReason::Error(_));
                if self.is_suppressed {
                    self.exit = ExitReason::Ok;
                }
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => self.raised.push(error),
            Err(payload) => self.panic = Some(payload),
        }
    }

    fn end(self) -> Result<bool, ExitErrors> {
        if let Some(payload) = self.panic {
            for error in &self.raised {
                report::<AsyncExitStackGuard>(&**error);
            }
            resume_unwind(payload)
        }
        ExitErrors::new(self.raised).map_or(Ok(self.is_suppressed), Err)
    }
}
