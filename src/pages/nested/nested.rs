use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::checkpoint::NestedCheckpoint;
use super::child::Child;
use super::error::NestedError;
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

/// The number of consecutive items of one child after which an unordered stream continues with another child.
const BURST: usize = 128;

/// The function that creates the stream of a parent.
type Open<P, T, D, E> = Box<dyn FnMut(&P) -> AsyncGetDocs<T, D, E> + Send>;
/// The result of a poll of a stream with errors.
type PollNext<T, E> = Poll<Option<Result<T, E>>>;

/// A stream over the items of all parents: each parent is an item of a paginated API, and has pages of its own.
///
/// It is created by [`AsyncGetDocs::try_flat_map`], and yields pairs of a parent and one of its items.
///
/// # Guarantees
///
/// Those of [the module](crate::pages#guarantees), for both levels:
///
/// - At most [`concurrency`](Self::concurrency) parents are open at a time. Each fetches its pages one after the other, as
///   its own settings require. The next parent is requested when one of them has ended.
/// - By default, the items are in order: all items of the first parent, then those of the second. The other open parents
///   wait with their next page. With [`unordered`](Self::unordered), the items come as they arrive, and a parent with
///   many items does not delay the others: after at most 128 items, it is the turn of another parent that has one.
/// - One [checkpoint](Self::checkpoint) covers both levels.
/// - An error names the parent. After an error, the stream has ended, until [`retry_failed`](Self::retry_failed) or
///   [`skip_failed`](Self::skip_failed) reopens it. An error of the parents is reported after the items of all parents
///   before it.
/// - Dropping the stream cancels all requests.
///
/// # Panics
///
/// If a fetch function, or the function that opens a parent, panics. After the panic, the stream has ended; its
/// checkpoint is valid.
///
/// # Cancel safety
///
/// Dropping the future that `next` or `try_next` returned loses nothing: the stream keeps all pages in progress.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io;
/// use withal::pages::by_page_number;
///
/// // The repositories of an organization, and the issues of each.
/// let repositories = by_page_number(1, |page| async move {
///     Ok::<_, io::Error>(match page { 1 => vec!["a", "b"], 2 => vec!["c"], _ => vec![] })
/// });
/// let mut issues = repositories
///     .try_flat_map(|repository| {
///         let repository = repository.to_owned();
///         by_page_number(1, move |page| {
///             let issue = format!("{repository}#{page}");
///             async move { Ok(if page <= 2 { vec![issue] } else { vec![] }) }
///         })
///     })
///     .concurrency(2);
///
/// let mut all = Vec::new();
/// while let Some((repository, issue)) = issues.try_next().await? {
///     assert!(issue.starts_with(repository));
///     all.push(issue);
/// }
/// assert_eq!(all, ["a#1", "a#2", "b#1", "b#2", "c#1", "c#2"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Nested<P, C, T, D, E> {
    parents: AsyncGetDocs<P, C, E>,
    open: Open<P, T, D, E>,
    /// The error of the parents, until the items of the parents before it have been yielded.
    parents_failed: Option<Error<E>>,
    /// The open parents, in their order.
    children: Vec<Child<P, T, D, E>>,
    /// The parents of the checkpoint that are to be opened again, before any other.
    resumed: VecDeque<(P, Checkpoint<D>)>,
    /// A parent that is being opened, with the checkpoint to resume from. If `open` panics, it stays here, as part of the
    /// checkpoint.
    opening: Option<(P, Option<Checkpoint<D>>)>,
    status: Status,
    concurrency: usize,
    is_ordered: bool,
    /// The index of the child whose turn it is, and the number of its consecutive items. Unless the order is free, 0.
    turn: usize,
    burst: usize,
    items: u64,
    was_polled: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Open,
    /// During a poll. If a poll finds this status, a function of the user panicked in the previous poll.
    Polling,
    /// The error of the parents was reported.
    ParentsFailed,
    /// The error of the child at this index was reported.
    ChildFailed(usize),
    /// The stream yields nothing more.
    Terminated,
}

impl<P, C, E> AsyncGetDocs<P, C, E>
where
    P: Clone + fmt::Debug + Send + 'static,
    C: Cursor,
    E: Send + 'static,
{
    /// Creates a stream over the items of all items: each item of this stream is a parent, for which `open` returns the
    /// stream of its own items.
    ///
    /// See [`Nested`] for the order of the items, for errors, and for the checkpoint, which covers both levels. The
    /// settings of this stream and of the streams that `open` returns apply, except that a checkpoint which was passed to
    /// [`resume`](Self::resume) is replaced by that of [`Nested::resume`].
    ///
    /// A parent is cloned for each of its items, so it should be an id, or another value that is cheap to clone.
    ///
    /// # Examples
    ///
    /// See [`Nested`](Nested#examples).
    #[doc(alias("flat_map", "try_flatten", "children", "nested", "sub_resource", "transformer"))]
    pub fn try_flat_map<T, D, F>(self, open: F) -> Nested<P, C, T, D, E>
    where
        D: Cursor,
        F: FnMut(&P) -> AsyncGetDocs<T, D, E> + Send + 'static,
    {
        Nested {
            parents: self,
            open: Box::new(open),
            parents_failed: None,
            children: Vec::new(),
            resumed: VecDeque::new(),
            opening: None,
            status: Status::Open,
            concurrency: 1,
            is_ordered: true,
            turn: 0,
            burst: 0,
            items: 0,
            was_polled: false,
        }
    }
}

/// # Configuration
///
/// These methods must be called before the stream is first polled. They panic if they are called later.
impl<P, C: Cursor, T, D: Cursor, E> Nested<P, C, T, D, E> {
    /// Opens up to `parents` parents at once. The default is 1, which 0 stands for, too.
    ///
    /// All of them are polled by the task that polls this stream. To fetch pages while that task processes items, set
    /// [`read_ahead`](AsyncGetDocs::read_ahead) on the streams of the children.
    #[doc(alias("buffered", "parallel"))]
    #[track_caller]
    pub fn concurrency(mut self, parents: usize) -> Self {
        self.assert_not_polled("concurrency");
        self.concurrency = parents.max(1);
        self
    }

    /// Yields the items of all open parents as they arrive, in no particular order. Those of one parent stay in order.
    #[doc(alias("buffer_unordered"))]
    #[track_caller]
    pub fn unordered(mut self) -> Self {
        self.assert_not_polled("unordered");
        self.is_ordered = false;
        self
    }

    /// Resumes from a [`checkpoint`](Self::checkpoint) instead of starting at the first parent.
    #[track_caller]
    pub fn resume(mut self, checkpoint: NestedCheckpoint<P, C, D>) -> Self {
        self.assert_not_polled("resume");
        let NestedCheckpoint { parents, children, items } = checkpoint;
        self.parents.pager().resume(parents);
        (self.resumed, self.items) = (children.into(), items);
        self
    }

    #[track_caller]
    fn assert_not_polled(&self, method: &str) {
        assert!(!self.was_polled, "`{method}` must be called before the stream is first polled");
    }
}

impl<P: Clone, C: Cursor, T, D: Cursor, E> Nested<P, C, T, D, E> {
    /// Returns the position of the stream, after the last item yielded, from which another run can
    /// [`resume`](Self::resume).
    pub fn checkpoint(&self) -> NestedCheckpoint<P, C, D> {
        let open = self.children.iter().map(|child| (child.parent.clone(), child.items.checkpoint()));
        let opening =
            self.opening.iter().map(|(parent, at)| (parent.clone(), at.clone().unwrap_or_default()));
        let children = open.chain(opening).chain(self.resumed.iter().cloned()).collect();
        NestedCheckpoint { parents: self.parents.checkpoint(), children, items: self.items }
    }
}

impl<P, C: Cursor, T, D, E> Nested<P, C, T, D, E> {
    /// Returns the progress of the stream of the parents. Its items are the parents that have been opened.
    #[must_use]
    pub fn parents(&self) -> Progress {
        self.parents.progress()
    }

    /// Returns the number of items yielded, including those of the runs before a [`resume`](Self::resume).
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Returns the number of parents that are open.
    #[must_use]
    pub fn open_len(&self) -> usize {
        self.children.len() + self.resumed.len()
    }
}

impl<P, C, T, D, E> Nested<P, C, T, D, E>
where
    P: Clone + fmt::Debug + Send + 'static,
    C: Cursor,
    T: Send + 'static,
    D: Cursor,
    E: fmt::Debug + Send + 'static,
{
    /// Returns the next item with its parent, or the error that ended the stream; `None` at the end and from then on.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no item is lost and no page is fetched twice.
    #[expect(
        clippy::should_implement_trait,
        reason = "the name of the method on every stream; the type is not an iterator"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<(P, T), NestedError<P, E>>>> + Send + Unpin {
        poll_fn(|cx| self.poll_item(cx))
    }

    /// Returns the next item with its parent; `Ok(None)` at the end and from then on.
    ///
    /// # Errors
    ///
    /// Returns the [`NestedError`] that ended the stream, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If the future is dropped, no item is lost and no page is fetched twice.
    pub fn try_next(
        &mut self,
    ) -> impl Future<Output = Result<Option<(P, T)>, NestedError<P, E>>> + Send + Unpin {
        poll_fn(|cx| self.poll_item(cx).map(Option::transpose))
    }

    /// Reopens the stream after an error, with [`AsyncGetDocs::retry_failed`] of the stream that failed. Returns `false`,
    /// and changes nothing, if there is nothing to retry.
    pub fn retry_failed(&mut self) -> bool {
        let reopened = match self.status {
            Status::ParentsFailed => self.parents.retry_failed(),
            Status::ChildFailed(index) => self.children[index].items.retry_failed(),
            _ => false,
        };
        if reopened {
            self.status = Status::Open;
        }
        reopened
    }

    /// Reopens the stream after an error of a child, without the rest of that child. Returns its parent and the position
    /// in its items; `None`, without a change, if no child has failed.
    ///
    /// The parent is no longer part of the [`checkpoint`](Self::checkpoint): the caller records it, or loses its items.
    pub fn skip_failed(&mut self) -> Option<(P, Checkpoint<D>)> {
        let Status::ChildFailed(index) = self.status else { return None };
        let child = self.remove(index);
        self.status = Status::Open;
        Some((child.parent, child.items.checkpoint()))
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> PollNext<(P, T), NestedError<P, E>> {
        if self.status != Status::Open {
            // If the previous poll panicked, the children stay, as parts of the checkpoint.
            return Poll::Ready(None);
        }
        (self.status, self.was_polled) = (Status::Polling, true);
        let polled = self.poll_open(cx);
        self.status = match &polled {
            Poll::Pending | Poll::Ready(Next::Item(..)) => Status::Open,
            Poll::Ready(Next::ParentsFailed(_)) => Status::ParentsFailed,
            Poll::Ready(Next::ChildFailed(index, _)) => Status::ChildFailed(*index),
            Poll::Ready(Next::End) => Status::Terminated,
        };
        Poll::Ready(match ready!(polled) {
            Next::Item(parent, item) => {
                self.items += 1;
                Some(Ok((parent, item)))
            }
            Next::ParentsFailed(error) => Some(Err(NestedError::Parents(error))),
            Next::ChildFailed(index, source) => {
                Some(Err(NestedError::Child { parent: self.children[index].parent.clone(), source }))
            }
            Next::End => None,
        })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Next<P, T, E>> {
        loop {
            // Yield the items of the current page, without polling any other stream.
            if self.children.get(self.turn).is_some_and(Child::has_buffered) {
                let index = self.turn;
                match self.poll_child(cx, index) {
                    Poll::Ready(Some(next)) => return Poll::Ready(next),
                    Poll::Ready(None) => {}
                    // Within a large page, the child yields to the executor.
                    Poll::Pending => {
                        self.end_turn();
                        return Poll::Pending;
                    }
                }
            }
            // Open as many parents as may be open.
            let mut is_pending = false;
            while self.children.len() < self.concurrency && !is_pending {
                match self.poll_parent(cx) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => break,
                    Poll::Pending => is_pending = true,
                }
            }
            // Without a child, the parents are the next that is reported.
            if self.children.is_empty() {
                return match self.parents_failed.take() {
                    _ if is_pending => Poll::Pending,
                    Some(error) => Poll::Ready(Next::ParentsFailed(error)),
                    None => Poll::Ready(Next::End),
                };
            }
            // Poll every child, until one has an item. One that has ended frees its place for another parent.
            if let Some(next) = ready!(self.poll_children(cx)) {
                return Poll::Ready(next);
            }
        }
    }

    /// Opens the next parent; returns `false` if there is none, or the parents have failed.
    fn poll_parent(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if let Some((parent, checkpoint)) = self.resumed.pop_front() {
            self.opening = Some((parent, Some(checkpoint)));
        } else if self.parents_failed.is_some() {
            return Poll::Ready(false);
        } else {
            match ready!(self.parents.poll_item(cx)) {
                Some(Ok(parent)) => self.opening = Some((parent, None)),
                Some(Err(error)) => {
                    self.parents_failed = Some(error);
                    return Poll::Ready(false);
                }
                None => return Poll::Ready(false),
            }
        }
        // The parent stays in `opening` until `open` has returned.
        let Some((parent, _)) = &self.opening else { return Poll::Ready(false) };
        let items = (self.open)(parent);
        let Some((parent, checkpoint)) = self.opening.take() else { return Poll::Ready(false) };
        let items = match checkpoint {
            Some(checkpoint) => items.resume(checkpoint),
            None => items,
        };
        self.children.push(Child::new(parent, items));
        Poll::Ready(true)
    }

    /// Polls the open children; returns `None` if one of them has ended.
    fn poll_children(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next<P, T, E>>> {
        if self.is_ordered {
            // The others fetch their next page, which waits until it is their turn.
            for child in &mut self.children[1..] {
                let _: Poll<()> = child.poll_ahead(cx);
            }
            return self.poll_child(cx, 0);
        }
        let count = self.children.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            if let Poll::Ready(next) = self.poll_child(cx, index) {
                return Poll::Ready(next);
            }
        }
        Poll::Pending
    }

    /// Polls one child; returns `None`, and removes the child, if it has ended.
    fn poll_child(&mut self, cx: &mut Context<'_>, index: usize) -> Poll<Option<Next<P, T, E>>> {
        let child = &mut self.children[index];
        Poll::Ready(match ready!(child.poll_item(cx)) {
            Some(Ok(item)) => {
                let (parent, has_buffered) = (child.parent.clone(), child.has_buffered());
                self.count_turn(index, has_buffered);
                Some(Next::Item(parent, item))
            }
            Some(Err(error)) => Some(Next::ChildFailed(index, error)),
            None => {
                self.remove(index);
                None
            }
        })
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
            (self.turn, self.burst) = ((self.turn + 1) % self.children.len().max(1), 0);
        }
    }

    fn remove(&mut self, index: usize) -> Child<P, T, D, E> {
        let child = self.children.remove(index);
        // The turn stays with the same child, or passes to the one that takes the place of this one.
        if index < self.turn {
            self.turn -= 1;
        } else if index == self.turn {
            self.burst = 0;
        }
        if self.turn >= self.children.len() {
            self.turn = 0;
        }
        child
    }
}

/// The outcome of a poll.
enum Next<P, T, E> {
    Item(P, T),
    ParentsFailed(Error<E>),
    ChildFailed(usize, Error<E>),
    End,
}

impl<P, C, T, D, E> Stream for Nested<P, C, T, D, E>
where
    P: Clone + fmt::Debug + Send + 'static,
    C: Cursor,
    T: Send + 'static,
    D: Cursor,
    E: fmt::Debug + Send + 'static,
{
    type Item = Result<(P, T), NestedError<P, E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.status {
            // Another child may fail first, except than the one whose turn it is.
            Status::Open => {
                (self.children.get(self.turn).map_or(0, |child| child.items.buffered_len()), None)
            }
            _ => (0, Some(0)),
        }
    }
}

impl<P, C, T, D, E> FusedStream for Nested<P, C, T, D, E>
where
    P: Clone + fmt::Debug + Send + 'static,
    C: Cursor,
    T: Send + 'static,
    D: Cursor,
    E: fmt::Debug + Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.status != Status::Open
    }
}

/// No field is pinned: the streams of both levels are `Unpin`, and the parents are moved.
impl<P, C, T, D, E> Unpin for Nested<P, C, T, D, E> {}

impl<P: Clone + fmt::Debug, C: Cursor, T, D: Cursor, E> fmt::Debug for Nested<P, C, T, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nested")
            .field("items", &self.items)
            .field("checkpoint", &self.checkpoint())
            .finish_non_exhaustive()
    }
}
