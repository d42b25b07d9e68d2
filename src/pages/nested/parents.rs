use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use super::child::Child;
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// The function that creates the stream of a parent.
type Open<P, T, D, E> = Box<dyn FnMut(&P) -> AsyncGetDocs<T, D, E> + Send>;

/// The parents that are not open yet: those of the checkpoint, and then those of a stream.
pub(super) struct Parents<P, C, T, D, E> {
    stream: AsyncGetDocs<P, C, E>,
    open: Open<P, T, D, E>,
    /// The error of the stream, until the items of the parents before it have been yielded.
    failed: Option<Error<E>>,
    /// The parents of the checkpoint that are to be opened again, before any other.
    resumed: VecDeque<(P, Checkpoint<D>)>,
    /// A parent that is being opened, with the checkpoint to resume from. If `open` panics, it stays here, as part of the
    /// checkpoint.
    opening: Option<(P, Option<Checkpoint<D>>)>,
}

impl<P, C: Cursor, T, D, E> Parents<P, C, T, D, E> {
    pub(super) fn new(stream: AsyncGetDocs<P, C, E>, open: Open<P, T, D, E>) -> Self {
        Self { stream, open, failed: None, resumed: VecDeque::new(), opening: None }
    }

    #[track_caller]
    pub(super) fn resume(&mut self, stream: Checkpoint<C>, open: Vec<(P, Checkpoint<D>)>) {
        self.stream.pager().resume(stream);
        self.resumed = open.into();
    }

    /// Returns the position of the stream, after the last parent that was taken from it.
    pub(super) fn checkpoint(&self) -> Checkpoint<C> {
        self.stream.checkpoint()
    }

    pub(super) fn progress(&self) -> Progress {
        self.stream.progress()
    }

    /// Returns the number of parents that are to be opened again.
    pub(super) fn resumed_len(&self) -> usize {
        self.resumed.len()
    }

    /// Takes the error of the stream.
    pub(super) fn take_error(&mut self) -> Option<Error<E>> {
        self.failed.take()
    }
}

impl<P: Clone, C, T, D: Cursor, E> Parents<P, C, T, D, E> {
    /// Returns the parents that were taken from the stream, or from a checkpoint, but are not open.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (P, Checkpoint<D>)> {
        let opening =
            self.opening.iter().map(|(parent, at)| (parent.clone(), at.clone().unwrap_or_default()));
        opening.chain(self.resumed.iter().cloned())
    }
}

impl<P, C, T, D, E> Parents<P, C, T, D, E>
where
    P: Send + 'static,
    C: Cursor,
    T: Send + 'static,
    D: Cursor,
    E: Send + 'static,
{
    pub(super) fn retry_failed(&mut self) -> bool {
        self.stream.retry_failed()
    }

    /// Opens the next parent; returns `None` if there is none, or the stream has failed.
    pub(super) fn poll_child(&mut self, cx: &mut Context<'_>) -> Poll<Option<Child<P, T, D, E>>> {
        if let Some((parent, checkpoint)) = self.resumed.pop_front() {
            self.opening = Some((parent, Some(checkpoint)));
        } else if self.failed.is_some() {
            return Poll::Ready(None);
        } else {
            match ready!(self.stream.poll_item(cx)) {
                Some(Ok(parent)) => self.opening = Some((parent, None)),
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            }
        }
        // The parent stays in `opening` until `open` has returned.
        let Some((parent, _)) = &self.opening else { return Poll::Ready(None) };
        let items = (self.open)(parent);
        let opened = self.opening.take().map(|(parent, checkpoint)| {
            let items = match checkpoint {
                Some(checkpoint) => items.resume(checkpoint),
                None => items,
            };
            Child::new(parent, items)
        });
        Poll::Ready(opened)
    }
}
