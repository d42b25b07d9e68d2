use std::sync::Arc;
use std::task::Context;

use super::errors::FailedInGroup;
use super::state::GroupState;
use crate::tasks::promise::Promise;
use crate::tasks::task::{Completion, TaskOutput};

/// The completion of a task of a group.
pub(super) struct Child<T: Send + 'static, E> {
    promise: Promise<T, FailedInGroup>,
    group: Arc<GroupState<E>>,
    index: usize,
}

impl<T: Send + 'static, E> Child<T, E> {
    pub(super) fn new(promise: Promise<T, FailedInGroup>, group: Arc<GroupState<E>>, index: usize) -> Self {
        Self { promise, group, index }
    }
}

impl<T: Send + 'static, E> Completion<Result<T, E>> for Child<T, E> {
    fn is_cancel_requested(&self) -> bool {
        self.promise.is_cancel_requested()
    }

    fn register_cancel_waker(&self, cx: &Context<'_>) -> bool {
        self.promise.register_cancel_waker(cx)
    }

    /// Defers a failure to the next step, because asyncio reports it in the next loop iteration: tasks that fail in the
    /// same loop iteration do not cancel each other.
    fn defers_report(&self, returned: Option<&Result<T, E>>) -> bool {
        returned.is_some_and(Result::is_err)
    }

    fn complete(&mut self, output: TaskOutput<Result<T, E>>) {
        // The promise is taken, so that the call in `Drop` has no effect on a task that has completed.
        if let Some(promise) = self.promise.take() {
            self.group.finish_child(self.index, promise, output);
        }
    }
}

/// If the runtime shuts down, the child is dropped before it has completed, and counts as cancelled.
impl<T: Send + 'static, E> Drop for Child<T, E> {
    fn drop(&mut self) {
        self.complete(None);
    }
}
