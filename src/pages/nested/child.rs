use std::task::{Context, Poll, ready};

use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// A parent whose items have not all been yielded, and the stream of its items.
pub(super) struct Child<P, T, D, E> {
    pub(super) parent: P,
    pub(super) items: AsyncGetDocs<T, D, E>,
    /// The error that ended the stream of items before its turn came to be reported.
    failed: Option<Error<E>>,
}

impl<P, T, D, E> Child<P, T, D, E>
where
    T: Send + 'static,
    D: Cursor,
    E: Send + 'static,
{
    pub(super) fn new(parent: P, items: AsyncGetDocs<T, D, E>) -> Self {
        Self { parent, items, failed: None }
    }

    /// Returns the number of items that are available without a request.
    pub(super) fn buffered_len(&self) -> usize {
        self.items.buffered_len()
    }

    /// Polls for the next item.
    pub(super) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error<E>>>> {
        match self.failed.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => self.items.poll_item(cx),
        }
    }

    /// Polls for the next page, and keeps its items, or the error, until `poll_item` is called.
    pub(super) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.failed.is_none() {
            self.failed = ready!(self.items.poll_buffer(cx)).err();
        }
        Poll::Ready(())
    }
}
