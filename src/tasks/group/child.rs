use std::sync::Arc;
use std::task::Context;

use super::FailedInGroup;
use super::aborting::Failure;
use super::state::Group;
use crate::tasks::task::{Ended, Report};
use crate::tasks::{Error, Promise, TaskResult};

/// A task of a group, as whom its work reports to.
pub(super) struct Child<T: Send + 'static, E> {
    promise: Promise<T, FailedInGroup>,
    group: Arc<Group<E>>,
    place: usize,
}

impl<T: Send + 'static, E> Child<T, E> {
    pub(super) fn new(promise: Promise<T, FailedInGroup>, group: Arc<Group<E>>, place: usize) -> Self {
        Self { promise, group, place }
    }

    fn failed(&self, failure: Failure<E>) -> TaskResult<T, FailedInGroup> {
        self.group.failed(self.place, failure);
        Err(Error::Raised(FailedInGroup))
    }
}

impl<T: Send + 'static, E> Report<Result<T, E>> for Child<T, E> {
    fn is_asked(&self) -> bool {
        self.promise.is_asked()
    }

    fn suspend(&self, cx: &Context<'_>) -> bool {
        self.promise.suspend(cx)
    }

    /// As asyncio's, which calls back in the next turn: of tasks that fail in one turn, none is cancelled by another.
    fn lingers(&self, returned: Option<&Result<T, E>>) -> bool {
        returned.is_some_and(Result::is_err)
    }

    fn report(&mut self, ended: Ended<Result<T, E>>) {
        let Some(mut promise) = self.promise.take() else { return };
        // Dropped last, and a value with it that nobody wants: not by the group, which it may use.
        let mut _kept = None;
        // The group may be over when it has left, and its handle has to know by then; also if telling it panics.
        let _leaving = Leaving { group: &self.group, place: self.place };
        let outcome = match ended {
            Some(Ok(Ok(value))) => Ok(value),
            None => Err(Error::Cancelled),
            Some(Ok(Err(error))) => self.failed(Failure::Error(error)),
            Some(Err(payload)) => self.failed(Failure::Panic(payload)),
        };
        if self.group.is_aborting() {
            self.group.say_late(move || drop(promise.settle(outcome)));
        } else {
            _kept = promise.settle_and_keep(outcome);
        }
    }
}

struct Leaving<'a, E> {
    group: &'a Group<E>,
    place: usize,
}

impl<E> Drop for Leaving<'_, E> {
    #[inline]
    fn drop(&mut self) {
        self.group.leave(self.place);
    }
}

/// Its runtime is gone.
impl<T: Send + 'static, E> Drop for Child<T, E> {
    fn drop(&mut self) {
        self.report(None);
    }
}
