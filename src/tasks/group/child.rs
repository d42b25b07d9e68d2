use std::sync::Arc;
use std::task::Context;

use super::Grouped;
use super::state::{Failure, Group};
use crate::tasks::Promise;
use crate::tasks::task::{Ended, Report};

/// A task of a group, as whom its work reports to.
pub(super) struct Child<T: Send + 'static, E> {
    /// None when it has reported.
    promise: Option<Promise<T, Grouped>>,
    group: Arc<Group<E>>,
    place: usize,
}

impl<T: Send + 'static, E> Child<T, E> {
    pub(super) fn new(promise: Promise<T, Grouped>, group: Arc<Group<E>>, place: usize) -> Self {
        Self { promise: Some(promise), group, place }
    }

    fn over(&mut self, ended: Ended<Result<T, E>>) {
        let Some(promise) = self.promise.take() else { return };
        let (said, failure) = match ended {
            Some(Ok(Ok(value))) => (Some(Ok(value)), None),
            Some(Ok(Err(error))) => (Some(Err(Grouped)), Some(Failure::Error(error))),
            Some(Err(payload)) => (Some(Err(Grouped)), Some(Failure::Panic(payload))),
            None => (None, None),
        };
        let is_late = self.group.over(self.place, failure);
        let say = move || {
            // Dropped without, it is cancelled.
            if let Some(said) = said {
                promise.complete(Ok(said));
            }
        };
        if is_late {
            self.group.say_late(say);
        } else {
            say();
        }
    }
}

impl<T: Send + 'static, E> Report<Result<T, E>> for Child<T, E> {
    fn begin(&self, cx: &Context<'_>) {
        if let Some(promise) = &self.promise {
            promise.begin(cx);
        }
    }

    fn is_asked(&self) -> bool {
        self.promise.as_ref().is_some_and(Promise::is_asked)
    }

    /// As asyncio's, which calls back in the next turn: of tasks that fail in one turn, none is cancelled by another.
    fn lingers(&self, returned: Option<&Result<T, E>>) -> bool {
        returned.is_some_and(Result::is_err)
    }

    fn report(mut self, ended: Ended<Result<T, E>>) {
        self.over(ended);
    }
}

/// Its runtime is gone.
impl<T: Send + 'static, E> Drop for Child<T, E> {
    fn drop(&mut self) {
        self.over(None);
    }
}
