use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::{FusedStream, Stream};

use crate::tasks::{TaskHandle, TaskResult};

/// What [`ThreadPoolExecutor::map`](super::ThreadPoolExecutor::map) returns: an iterator of results, in the order of the
/// items. It blocks.
///
/// After an error, and when it is dropped in the middle, it cancels the jobs that no thread has begun. Dropped before its
/// first result was asked for, it cancels nothing. Both are Python's.
pub struct Map<T, E> {
    has_begun: bool,
    left: VecDeque<TaskHandle<T, E>>,
    deadline: Option<Instant>,
}

impl<T, E> Map<T, E> {
    pub(super) fn new(left: VecDeque<TaskHandle<T, E>>) -> Self {
        Self { left, deadline: None, has_begun: false }
    }

    /// What is not there within `most`, from now, is [`Error::TimedOut`](crate::tasks::Error::TimedOut): Python's `timeout`. By the wall clock.
    #[must_use = "it is the map with a timeout"]
    pub fn timeout(mut self, most: Duration) -> Self {
        self.deadline = Instant::now().checked_add(most);
        self
    }

    /// The same to be awaited. A timeout counts no more: put tokio's around what awaits it.
    pub fn into_stream(mut self) -> MapStream<T, E> {
        self.deadline = None;
        MapStream { map: self }
    }

    /// The end, at an error.
    fn checked(&mut self, outcome: TaskResult<T, E>) -> TaskResult<T, E> {
        if outcome.is_err() {
            self.cancel();
        }
        outcome
    }

    fn cancel(&mut self) {
        for future in self.left.drain(..) {
            future.cancel();
        }
    }
}

impl<T, E> Iterator for Map<T, E> {
    type Item = TaskResult<T, E>;

    fn next(&mut self) -> Option<TaskResult<T, E>> {
        self.has_begun = true;
        let next = self.left.pop_front()?;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let outcome = next.into_result_timeout(left);
        Some(self.checked(outcome))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Fewer, if one fails.
        (usize::from(!self.left.is_empty()), Some(self.left.len()))
    }
}

impl<T, E> std::iter::FusedIterator for Map<T, E> {}

/// What [`Map::into_stream`] returns.
///
/// # Cancel safety
///
/// Cancel safe: a result that is not taken is not lost.
#[must_use = "streams do nothing unless polled"]
pub struct MapStream<T, E> {
    map: Map<T, E>,
}

impl<T, E> Stream for MapStream<T, E> {
    type Item = TaskResult<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TaskResult<T, E>>> {
        let map = &mut self.map;
        map.has_begun = true;
        let Some(next) = map.left.front_mut() else { return Poll::Ready(None) };
        let outcome = ready!(std::future::Future::poll(Pin::new(next), cx));
        drop(map.left.pop_front());
        Poll::Ready(Some(map.checked(outcome)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.map.size_hint()
    }
}

impl<T, E> FusedStream for MapStream<T, E> {
    fn is_terminated(&self) -> bool {
        self.map.left.is_empty()
    }
}

impl<T, E> Drop for Map<T, E> {
    fn drop(&mut self) {
        if self.has_begun {
            self.cancel();
        }
    }
}

impl<T, E> fmt::Debug for Map<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("left", &self.left.len()).finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for MapStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapStream").field("left", &self.map.left.len()).finish_non_exhaustive()
    }
}
