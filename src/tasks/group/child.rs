use std::sync::Arc;
use std::task::Context;

use super::errors::FailedInGroup;
use super::state::GroupState;
use crate::tasks::promise::Promise;
use crate::tasks::task::{Completion, TaskOutput};

/// The completion of a task of a group. `None` once the task has completed, so that its destructor has nothing to do.
pub(super) struct Child<T: Send + 'static, E>(Option<Member<T, E>>);

/// An unfinished task of a group.
pub(super) struct Member<T: Send + 'static, E> {
    pub(super) promise: Promise<T, FailedInGroup>,
    pub(super) group: Arc<GroupState<E>>,
    /// The index of the task in its group.
    pub(super) index: usize,
}

impl<T: Send + 'static, E> Child<T, E> {
    #[inline]
    pub(super) fn new(member: Member<T, E>) -> Self {
        Self(Some(member))
    }
}

impl<T: Send + 'static, E> Member<T, E> {
    #[cold]
    #[inline(never)]
    fn abandon(self) {
        self.group.finish_child(self.index, self.promise, None);
    }
}

impl<T: Send + 'static, E> Completion<Result<T, E>> for Child<T, E> {
    #[inline]
    fn is_cancel_requested(&self) -> bool {
        self.0.as_ref().is_some_and(|member| member.promise.is_cancel_requested())
    }

    #[inline]
    fn register_cancel_waker(&self, cx: &Context<'_>) -> bool {
        self.0.as_ref().is_some_and(|member| member.promise.register_cancel_waker(cx))
    }

    /// Defers a failure to the next step, because asyncio reports it in the next loop iteration: tasks that fail in the
    /// same loop iteration do not cancel each other.
    #[inline]
    fn defers_report(&self, returned: Option<&Result<T, E>>) -> bool {
        returned.is_some_and(Result::is_err)
    }

    #[inline]
    fn complete(&mut self, output: TaskOutput<Result<T, E>>) {
        if let Some(member) = self.0.take() {
            member.group.finish_child(member.index, member.promise, output);
        }
    }
}

/// If the runtime shuts down, the child is dropped before it has completed, and counts as cancelled.
impl<T: Send + 'static, E> Drop for Child<T, E> {
    #[inline]
    fn drop(&mut self) {
        if let Some(member) = self.0.take() {
            member.abandon();
        }
    }
}
