use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::shutdown_report::UnfinishedReason;
use super::step_output::StepOutput;
use crate::known_error::describe_panic;
use crate::panic::{CatchUnwind, catch_unwind, drop_payload};

/// The work of a step, whose error is a text.
pub(super) type StepWork = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Boxes the work of a step.
pub(super) fn step_work<F>(work: F) -> StepWork
where
    F: Future<Output: StepOutput> + Send + 'static,
{
    // Boxed first, because an async block stores what it captures twice.
    let work = Box::pin(work);
    Box::pin(async move { work.await.into_failure() })
}

/// Identifies a step: the index of its phase, and a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepId {
    pub(super) phase: usize,
    pub(super) number: u64,
}

/// The shutdown that a step belongs to.
pub(super) trait StepOwner: Send + Sync {
    /// Ends a step whose task has been dropped: with its outcome, or without one before it completed.
    fn complete(&self, id: StepId, outcome: Option<Result<(), UnfinishedReason>>);
}

/// The task of a step. The work is dropped before the completion, which removes the step from the shutdown.
#[pin_project]
pub(super) struct StepTask {
    #[pin]
    work: CatchUnwind<StepWork>,
    completion: StepCompletion,
}

impl StepTask {
    pub(super) fn new(work: StepWork, owner: Arc<dyn StepOwner>, id: StepId) -> Self {
        Self { work: catch_unwind(work), completion: StepCompletion { owner, id, outcome: None } }
    }
}

impl Future for StepTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = match ready!(this.work.poll(cx)) {
            Ok(result) => result.map_err(UnfinishedReason::Failed),
            Err(payload) => {
                let message = describe_panic(&*payload);
                drop_payload(payload);
                Err(UnfinishedReason::Panicked(message))
            }
        };
        this.completion.outcome = Some(outcome);
        Poll::Ready(())
    }
}

/// Records that a step has ended when it is dropped.
struct StepCompletion {
    owner: Arc<dyn StepOwner>,
    id: StepId,
    /// `None` if the task was aborted.
    outcome: Option<Result<(), UnfinishedReason>>,
}

impl Drop for StepCompletion {
    fn drop(&mut self) {
        self.owner.complete(self.id, self.outcome.take());
    }
}
