use std::task::{Context, Poll, ready};

use super::child::Child;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;

/// The number of consecutive items of one child after which an unordered stream continues with another child.
const BURST: usize = 128;

/// The result of a poll of the children: an item with its parent, or the index of a child that has failed, with its
/// error; `None` if a child has ended.
type PollItem<P, T, E> = Poll<Option<Result<(P, T), (usize, Error<E>)>>>;

/// The open children, in the order of their parents, and the one whose turn it is.
pub(super) struct Children<P, T, D, E> {
    open: Vec<Child<P, T, D, E>>,
    is_ordered: bool,
    /// The index of the child whose turn it is, and the number of its consecutive items. Unless the order is free, 0.
    turn: usize,
    burst: usize,
}

impl<P, T, D, E> Children<P, T, D, E> {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), is_ordered: true, turn: 0, burst: 0 }
    }

    pub(super) fn set_unordered(&mut self) {
        self.is_ordered = false;
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Child<P, T, D, E>> {
        self.open.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> &mut Child<P, T, D, E> {
        &mut self.open[index]
    }

    pub(super) fn push(&mut self, child: Child<P, T, D, E>) {
        self.open.push(child);
    }

    pub(super) fn remove(&mut self, index: usize) -> Child<P, T, D, E> {
        let child = self.open.remove(index);
        // The turn stays with the same child, or passes to the one that takes the place of this one.
        if index < self.turn {
            self.turn -= 1;
        } else if index == self.turn {
            self.burst = 0;
        }
        if self.turn >= self.open.len() {
            self.turn = 0;
        }
        child
    }

    /// Counts an item of the child, and ends its turn after `BURST` of them or the last of its page.
    fn count_turn(&mut self, index: usize, has_buffered: bool) {
        if self.is_ordered {
            return;
        }
        if self.turn != index {
            (self.turn, self.burst) = (index, 0);
        }
        self.burst += 1;
        if self.burst >= BURST || !has_buffered {
            self.end_turn();
        }
    }

    fn end_turn(&mut self) {
        if !self.is_ordered {
            (self.turn, self.burst) = ((self.turn + 1) % self.open.len().max(1), 0);
        }
    }
}

impl<P, T, D, E> Children<P, T, D, E>
where
    P: Clone,
    T: Send + 'static,
    D: Cursor,
    E: Send + 'static,
{
    /// Returns the number of items that are available from the child whose turn it is, without a request.
    pub(super) fn buffered_len(&self) -> usize {
        self.open.get(self.turn).map_or(0, Child::buffered_len)
    }

    /// Polls the child whose turn it is. If it is pending, its turn ends.
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> PollItem<P, T, E> {
        let polled = self.poll_child(cx, self.turn);
        if polled.is_pending() {
            self.end_turn();
        }
        polled
    }

    /// Polls every child, until one has an item.
    pub(super) fn poll_all(&mut self, cx: &mut Context<'_>) -> PollItem<P, T, E> {
        if self.is_ordered {
            // The others fetch their next page, which waits until it is their turn.
            for child in &mut self.open[1..] {
                let _: Poll<()> = child.poll_ahead(cx);
            }
            return self.poll_child(cx, 0);
        }
        let count = self.open.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            if let Poll::Ready(polled) = self.poll_child(cx, index) {
                return Poll::Ready(polled);
            }
        }
        Poll::Pending
    }

    /// Polls one child, and removes it if it has ended.
    fn poll_child(&mut self, cx: &mut Context<'_>, index: usize) -> PollItem<P, T, E> {
        let child = &mut self.open[index];
        Poll::Ready(match ready!(child.poll_item(cx)) {
            Some(Ok(item)) => {
                let (parent, has_buffered) = (child.parent.clone(), child.buffered_len() > 0);
                self.count_turn(index, has_buffered);
                Some(Ok((parent, item)))
            }
            Some(Err(error)) => Some(Err((index, error))),
            None => {
                self.remove(index);
                None
            }
        })
    }
}
