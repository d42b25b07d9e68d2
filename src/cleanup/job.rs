use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use tokio::runtime::Id;

use super::child_cleanups::ChildCleanups;
use super::drain::PendingGuard;
use super::event::{AbandonReason, CleanupEvent};
use super::metrics::{Counter, increment};
use super::name::Name;
use super::observe::notify_observers;
use super::span::{CleanupSpan, InSpan, work_in_span};
use super::timeout::{MarkCleanup, Timeout, mark_cleanup, timeout};
use super::tracked_cleanup::InPlaceJob;
use super::with_children::WithChildren;
use crate::panic::{CatchUnwind, catch_unwind, ignore_panic};

/// The output of the work of a cleanup.
pub(crate) trait CleanupOutput {
    /// Returns the error that is reported to the observers, and its `Debug`.
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)>;

    /// Drops the output, after its error was reported.
    fn dispose(self)
    where
        Self: Sized,
    {
    }
}

impl<E: Debug + Send + 'static> CleanupOutput for Result<(), E> {
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)> {
        self.as_ref().copied().map_err(|error| (peel_box(error), error as _))
    }
}

/// Returns the error in the box if `E` is a `Box<dyn Any + Send>`, so that observers can downcast to its type.
pub(crate) fn peel_box<E: Send + 'static>(error: &E) -> &(dyn Any + Send) {
    let any: &(dyn Any + Send) = error;
    any.downcast_ref::<Box<dyn Any + Send>>().map_or(any, |boxed| &**boxed)
}

/// The task of a cleanup. The fields are declared in the order in which they have to be dropped if the runtime drops the
/// task: the work before the completion guard, which notifies the observers.
#[pin_project]
pub(super) struct Job<F: Future> {
    /// `catch_unwind` drops the work before the outcome is recorded, and catches a panic of its destructor as well.
    #[pin]
    work: WithChildren<CatchUnwind<Timeout<MarkCleanup<F>>>>,
    /// The cleanups that finish before the work starts.
    children: ChildCleanups,
    /// `None` once the outcome is recorded.
    completion: Option<CompletionGuard>,
}

impl<F: Future> Job<F> {
    /// Creates a job that waits for `children`, and then runs `work`, with its `nested` cleanups.
    pub(super) fn new(
        work: F,
        grace_period: Duration,
        children: ChildCleanups,
        nested: ChildCleanups,
        completion: CompletionGuard,
    ) -> Self {
        let work = catch_unwind(timeout(mark_cleanup(work), grace_period));
        Self { work: WithChildren::new(work, nested), children, completion: Some(completion) }
    }
}

impl<F: Future<Output: CleanupOutput>> Future for Job<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // The grace period starts after this wait.
        ready!(this.children.poll_wait(cx));
        let outcome = ready!(this.work.poll(cx));
        let Some(mut completion) = this.completion.take() else { return Poll::Ready(()) };
        let name = completion.name;
        match &outcome {
            Ok(Some(output)) => match output.result() {
                Ok(()) => completion.finish(None),
                Err((error, debug)) => {
                    completion.finish(Some(&CleanupEvent::Failed {
                        name: name.get(),
                        error,
                        debug: Some(debug),
                    }));
                }
            },
            // The timeout has dropped the work.
            Ok(None) => {
                let reason = AbandonReason::TimedOut;
                completion.finish(Some(&CleanupEvent::Abandoned { name: name.get(), reason }));
            }
            Err(payload) => {
                completion.finish(Some(&CleanupEvent::Panicked { name: name.get(), payload: &**payload }));
            }
        }
        // The output is user code, too, and is dropped before `drain` may return.
        ignore_panic(|| match outcome {
            Ok(Some(output)) => output.dispose(),
            Ok(None) => {}
            Err(payload) => drop(payload),
        });
        drop(completion);
        Poll::Ready(())
    }
}

impl<F> InPlaceJob for InSpan<Job<F>>
where
    F: Future<Output: CleanupOutput + Send> + Send,
{
    fn move_to(self: Pin<&mut Self>, runtime: Id) {
        if let Some(completion) = work_in_span(self).project().completion {
            completion.move_to(runtime);
        }
    }

    fn set_not_send(self: Pin<&mut Self>) {
        if let Some(completion) = work_in_span(self).project().completion {
            completion.set_not_send();
        }
    }

    fn drop_local_children(self: Pin<&mut Self>) {
        let job = work_in_span(self).project();
        job.children.drop_local();
        job.work.drop_local_children();
    }
}

/// Records the outcome of a cleanup exactly once: on drop as abandoned, unless it has [finished](Self::finish).
pub(super) struct CompletionGuard {
    name: Name,
    /// The reason if it is dropped early: `None` once the cleanup has finished.
    abandoned: Option<AbandonReason>,
    /// Receives the outcome. `None` before the cleanup has a job.
    span: Option<CleanupSpan>,
    /// Dropped after the observers were notified, so that `drain` does not return before.
    pending: Option<PendingGuard>,
}

impl CompletionGuard {
    /// Counts a cleanup as pending on its runtime, if it has one.
    #[inline]
    pub(super) fn new(name: Name, runtime: Option<Id>) -> Self {
        let abandoned =
            if runtime.is_some() { AbandonReason::RuntimeShutdown } else { AbandonReason::NoRuntime };
        Self { name, abandoned: Some(abandoned), span: None, pending: runtime.map(PendingGuard::new) }
    }

    /// Opens the span of the cleanup, for its job.
    #[inline]
    pub(super) fn open_span(&mut self) -> CleanupSpan {
        self.span.insert(CleanupSpan::open(self.name)).clone()
    }

    fn move_to(&mut self, runtime: Id) {
        // Counted there first, so that the cleanup is never missed by both runtimes.
        drop(self.pending.replace(PendingGuard::new(runtime)));
        self.abandoned = self.abandoned.map(|_| AbandonReason::RuntimeShutdown);
    }

    /// Sets the reason to report if the guard is dropped early: its work is not `Send`, and must not become a task.
    pub(super) fn set_not_send(&mut self) {
        self.abandoned = self.abandoned.map(|_| AbandonReason::NotSend);
    }

    /// Records the outcome: `None` is success. `drain` still waits until the guard is dropped.
    #[inline]
    fn finish(&mut self, event: Option<&CleanupEvent<'_>>) {
        self.abandoned = None;
        self.record(event);
    }

    #[inline]
    fn record(&self, event: Option<&CleanupEvent<'_>>) {
        if let Some(span) = &self.span {
            span.record(event);
        }
        record(event);
    }
}

impl Drop for CompletionGuard {
    fn drop(&mut self) {
        if let Some(reason) = self.abandoned {
            self.record(Some(&CleanupEvent::Abandoned { name: self.name.get(), reason }));
        }
    }
}

/// Counts the outcome of a cleanup, and notifies the observers of an event. `None` is success.
#[inline]
fn record(event: Option<&CleanupEvent<'_>>) {
    match event {
        None => increment(Counter::Completed),
        Some(event) => record_event(event),
    }
}

#[cold]
fn record_event(event: &CleanupEvent<'_>) {
    increment(match event {
        CleanupEvent::Failed { .. } => Counter::Failed,
        CleanupEvent::Panicked { .. } => Counter::Panicked,
        CleanupEvent::Abandoned { .. } => Counter::Abandoned,
        // The other events are not outcomes of cleanups.
        _ => Counter::Completed,
    });
    notify_observers(event);
}
