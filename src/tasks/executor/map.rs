use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::{FusedStream, Stream};

use crate::tasks::error::TaskResult;
use crate::tasks::task_handle::TaskHandle;

/// A blocking iterator over results in the order of the items, returned by
/// [`ThreadPoolExecutor::map`](super::ThreadPoolExecutor::map).
///
/// After an error, the iterator cancels the jobs that have not started, and ends. Dropping the iterator also cancels
/// these jobs, but only if a result was requested before. Both are Python's behavior.
pub struct Map<T, E> {
    is_started: bool,
    remaining: VecDeque<TaskHandle<T, E>>,
    deadline: Option<Instant>,
}

impl<T, E> Map<T, E> {
    pub(super) fn new(remaining: VecDeque<TaskHandle<T, E>>) -> Self {
        Self { remaining, deadline: None, is_started: false }
    }

    /// Limits the time for all results together to `timeout` from now, by the wall clock: Python's `timeout` argument.
    ///
    /// If the next result is not available in time, the iterator returns
    /// [`Error::TimedOut`](crate::tasks::Error::TimedOut), and ends.
    #[must_use = "the timeout applies to the returned iterator"]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// Returns a stream of the same results. The stream has no timeout: apply tokio's
    /// [`timeout`](tokio::time::timeout()) to each `next`.
    pub fn into_stream(mut self) -> MapStream<T, E> {
        self.deadline = None;
        MapStream { map: self }
    }

    fn cancel_after_error(&mut self, result: TaskResult<T, E>) -> TaskResult<T, E> {
        if result.is_err() {
            self.cancel();
        }
        result
    }

    fn cancel(&mut self) {
        for task in self.remaining.drain(..) {
            task.cancel();
        }
    }
}

impl<T, E> Iterator for Map<T, E> {
    type Item = TaskResult<T, E>;

    fn next(&mut self) -> Option<TaskResult<T, E>> {
        self.is_started = true;
        let next = self.remaining.pop_front()?;
        let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let result = next.into_result_timeout(timeout);
        Some(self.cancel_after_error(result))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // After an error, there are no more results.
        (usize::from(!self.remaining.is_empty()), Some(self.remaining.len()))
    }
}

impl<T, E> std::iter::FusedIterator for Map<T, E> {}

/// A stream over results in the order of the items, returned by [`Map::into_stream`].
///
/// # Cancel safety
///
/// Cancel safe: if the future of `next` is dropped, no result is lost.
#[must_use = "streams do nothing unless polled"]
pub struct MapStream<T, E> {
    map: Map<T, E>,
}

impl<T, E> Stream for MapStream<T, E> {
    type Item = TaskResult<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TaskResult<T, E>>> {
        let map = &mut self.map;
        map.is_started = true;
        // The handle stays in the queue until its result is ready, so that a pending poll loses nothing.
        let Some(next) = map.remaining.front_mut() else { return Poll::Ready(None) };
        let result = ready!(Pin::new(next).poll(cx));
        drop(map.remaining.pop_front());
        Poll::Ready(Some(map.cancel_after_error(result)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.map.size_hint()
    }
}

impl<T, E> FusedStream for MapStream<T, E> {
    fn is_terminated(&self) -> bool {
        self.map.remaining.is_empty()
    }
}

impl<T, E> Drop for Map<T, E> {
    fn drop(&mut self) {
        if self.is_started {
            self.cancel();
        }
    }
}

impl<T, E> fmt::Debug for Map<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("remaining", &self.remaining.len()).finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for MapStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("remaining", &self.map.remaining.len()).finish_non_exhaustive()
    }
}
