use std::sync::Arc;
use std::task::Context;

use super::Grouped;
use super::aborting::Failure;
use super::state::Group;
use crate::tasks::task::{Ended, Report};
use crate::tasks::{Error, Promise};

/// A task of a group, as whom its work reports to.
pub(super) struct Child<T: Send + 'static, E> {
    promise: Promise<T, Grouped>,
    group: Arc<Group<E>>,
    place: usize,
}

impl<T: Send + 'static, E> Child<T, E> {
    pub(super) fn new(promise: Promise<T, Grouped>, group: Arc<Group<E>>, place: usize) -> Self {
        Self { promise, group, place }
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
        let (outcome, is_late) = match ended {
            Some(Ok(Ok(value))) => (Ok(value), self.group.over(self.place)),
            None => (Err(Error::Cancelled), self.group.over(self.place)),
            Some(Ok(Err(error))) => {
                (Err(Error::Raised(Grouped)), self.group.failed(self.place, Failure::Error(error)))
            }
            Some(Err(payload)) => {
                (Err(Error::Raised(Grouped)), self.group.failed(self.place, Failure::Panic(payload)))
            }
        };
        if is_late {
            self.group.say_late(move || drop(promise.settle(outcome)));
        } else {
            drop(promise.settle(outcome));
        }
    }
}

/// Its runtime is gone.
impl<T: Send + 'static, E> Drop for Child<T, E> {
    fn drop(&mut self) {
        self.report(None);
    }
}
