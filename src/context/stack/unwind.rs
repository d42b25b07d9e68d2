use std::any::type_name;
use std::mem;
use std::sync::Arc;

use super::entry::{BegunExit, Entries};
use super::errors::{BoxExitError, ExitErrors, InterruptedByMoved};
use super::stack_interrupts::EntryInterrupt;
use crate::cleanup::{
    AbandonReason, CleanupEvent, Name, notify_observers, timeout_in_cleanup, with_children,
};
use crate::context::exit_reason::ExitReason;
use crate::context::report::{has_reported_reason, mark_reported};
use crate::panic::{KeptPayload, Payload, catch_unwind, drop_all};

/// Runs the exits, the last one first. Returns `true` if the error of `exit` was suppressed.
///
/// `interrupted_by` is the interrupt that has ended the block, if any. If its manager has moved to another stack, none
/// of the exits here can answer it, and the result is an error.
///
/// If an exit panics, the errors of the others are reported under the name of `G`.
pub(super) async fn unwind<G>(
    mut entries: Entries,
    exit: ExitReason<'_>,
    interrupted_by: Option<Arc<EntryInterrupt>>,
) -> Result<bool, ExitErrors> {
    let has_moved = interrupted_by.is_some_and(|by| !entries.interrupts().any(|ours| Arc::ptr_eq(ours, &by)));
    let mut state = UnwindState {
        is_suppressible: has_moved || matches!(exit, ExitReason::Error(_)),
        exit,
        is_suppressed: false,
        errors: Vec::new(),
        // The interrupts are destroyed here.
        panic: entries.leave_block(),
        is_reported: false,
        name: type_name::<G>(),
    };
    if has_moved {
        state.errors.push(Box::new(InterruptedByMoved));
    }
    while let Some((entry, interrupt)) = entries.0.pop() {
        let has_interrupted = interrupt.is_some_and(|interrupt| interrupt.has_interrupted());
        let BegunExit { name, grace_period, future } = entry.begin(state.current());
        let exit = timeout_in_cleanup(future, grace_period);
        // As with nested scopes, the children of this exit finish before the next exit begins.
        match with_children(catch_unwind(exit)).await.transpose() {
            // The usual result needs no record.
            Some(Ok(Ok(false))) => {}
            Some(result) => state.record(result, has_interrupted, name),
            // An abandoned exit does not prevent the remaining ones.
            None => notify_observers(&CleanupEvent::Abandoned {
                name: name.get(),
                reason: AbandonReason::TimedOut,
            }),
        }
    }
    state.finish()
}

/// The errors and the panic of the exits that have run so far.
struct UnwindState<'a> {
    /// The reason for which the block was left; `Ok` after its error was suppressed.
    exit: ExitReason<'a>,
    /// `false` if the block was dropped. An interrupt becomes suppressible when the manager that has interrupted the
    /// block was exited, as it ends the inner scope if the managers are nested.
    is_suppressible: bool,
    is_suppressed: bool,
    /// The errors of exits, the last one last.
    errors: Vec<BoxExitError>,
    panic: Option<KeptPayload>,
    /// `true` if the exit with that panic has reported the reason for which the block was left.
    is_reported: bool,
    /// The name of the stack in reports.
    name: &'static str,
}

impl UnwindState<'_> {
    /// Returns the reason that the next exit receives, as if the managers were nested.
    fn current(&mut self) -> ExitReason<'_> {
        if let Some(payload) = &mut self.panic {
            ExitReason::Panic(&mut **payload)
        } else if let Some(error) = self.errors.last_mut() {
            ExitReason::Error((**error).as_any_mut())
        } else {
            self.exit.reborrow()
        }
    }

    /// Records the result of the exit `name`. `has_interrupted` is `true` for the manager that has interrupted the block.
    fn record(
        &mut self,
        result: Result<Result<bool, BoxExitError>, Payload>,
        has_interrupted: bool,
        name: Name,
    ) {
        match result {
            // An exit that suppresses an error also suppresses the earlier errors, which the error has replaced.
            Ok(Ok(true)) if self.can_suppress(has_interrupted) => {
                // The destructors of errors and payloads are user code. A panic there must not skip the remaining exits.
                drop_all(self.errors.drain(..));
                self.is_suppressible |= has_interrupted;
                self.is_suppressed |= self.is_suppressible;
                if self.is_suppressed {
                    self.exit = ExitReason::Ok;
                }
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                self.is_suppressible |= has_interrupted;
                self.errors.push(error);
            }
            // The exit has reported its reason, because its panic was earlier.
            Err(payload) if has_reported_reason(&*payload) => {
                if self.panic.replace(KeptPayload::new(payload)).is_none() {
                    // Without an error of an exit, the reason was that of the block.
                    self.is_reported |= self.errors.is_empty();
                    drop_all(self.errors.pop());
                }
            }
            Err(payload) if self.panic.is_none() => self.panic = Some(KeptPayload::new(payload)),
            // The first panic continues, and a later one is reported.
            Err(payload) => {
                let payload = KeptPayload::new(payload);
                notify_observers(&CleanupEvent::Panicked { name: name.get(), payload: &*payload });
            }
        }
    }

    fn can_suppress(&mut self, has_interrupted: bool) -> bool {
        match self.current() {
            ExitReason::Error(_) => true,
            ExitReason::Cancelled => has_interrupted,
            ExitReason::Ok | ExitReason::Panic(_) => false,
        }
    }

    fn finish(mut self) -> Result<bool, ExitErrors> {
        if let Some(payload) = self.panic.take() {
            self.report_errors();
            if self.is_reported {
                mark_reported(&*payload);
            }
            payload.resume()
        }
        ExitErrors::new(mem::take(&mut self.errors)).map_or(Ok(self.is_suppressed), Err)
    }

    fn report_errors(&mut self) {
        for error in &self.errors {
            (**error).report(self.name);
        }
        drop_all(self.errors.drain(..));
    }
}

/// If the remaining exits are abandoned, the errors of the first ones are reported.
impl Drop for UnwindState<'_> {
    fn drop(&mut self) {
        self.report_errors();
    }
}
