use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};

use super::child_cleanups::ChildCleanups;
use super::tracking_scope::{TrackingScope, drop_tracked};

/// Awaits `work`, and then all cleanups that were detached inside of it.
///
/// If the future is dropped early, or the work panics, the cleanups are moved to the enclosing scope.
pub(crate) fn with_children<F: Future>(work: F) -> WithChildren<F> {
    WithChildren::new(work, ChildCleanups::default())
}

/// A future and the cleanups that are detached while it is polled or dropped.
#[pin_project(PinnedDrop)]
pub(crate) struct WithChildren<F: Future> {
    #[pin]
    stage: Stage<F>,
    children: ChildCleanups,
}

/// The output takes the place of the work, so that the future is not larger than the larger of the two.
#[pin_project(project = StageProj, project_replace = StageOwned)]
enum Stage<F: Future> {
    Running(#[pin] F),
    /// The work has completed, and its children are waited for.
    Waiting(F::Output),
    Ended,
}

impl<F: Future> WithChildren<F> {
    /// `children` are those of work that was polled elsewhere before.
    pub(super) fn new(work: F, children: ChildCleanups) -> Self {
        Self { stage: Stage::Running(work), children }
    }

    /// Drops the children that must stay on this thread.
    pub(super) fn drop_local_children(self: Pin<&mut Self>) {
        self.project().children.drop_local();
    }
}

impl<F: Future> Future for WithChildren<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let StageProj::Running(work) = this.stage.as_mut().project() {
            let scope = TrackingScope::open(this.children);
            let output = ready!(work.poll(cx));
            // Dropped while the scope is open: a destructor may detach a cleanup as well.
            this.stage.set(Stage::Ended);
            // Closing the scope moves the cleanups into `children`, which is checked below.
            drop(scope);
            if this.children.is_empty() {
                return Poll::Ready(output);
            }
            this.stage.set(Stage::Waiting(output));
        }
        ready!(this.children.poll_wait(cx));
        match this.stage.project_replace(Stage::Ended) {
            StageOwned::Waiting(output) => Poll::Ready(output),
            StageOwned::Running(..) | StageOwned::Ended => panic!("work polled after completion"),
        }
    }
}

#[pinned_drop]
impl<F: Future> PinnedDrop for WithChildren<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        // Moved also if the destructor of the work panics.
        let reparent = Reparent(this.children);
        if matches!(*this.stage, Stage::Running(_)) {
            drop_tracked(reparent.0, || this.stage.set(Stage::Ended));
        }
    }
}

struct Reparent<'a>(&'a mut ChildCleanups);

impl Drop for Reparent<'_> {
    fn drop(&mut self) {
        mem::take(self.0).reparent();
    }
}
