use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};

use super::checkpoint::NestedCheckpoint;
use super::children::Children;
use super::error::NestedError;
use super::parents::Parents;
use crate::pages::checkpoint::Checkpoint;
use crate::pages::cursor::Cursor;
use crate::pages::error::Error;
use crate::pages::event::Progress;
use crate::pages::stream::async_get_docs::AsyncGetDocs;

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
    parents: Parents<P, C, T, D, E>,
    children: Children<P, T, D, E>,
    status: Status,
    concurrency: usize,
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
            parents: Parents::new(self, Box::new(open)),
            children: Children::new(),
            status: Status::Open,
            concurrency: 1,
            items: 0,
            was_polled: false,
        }
    }
}

/// # Configuration
///
/// These methods must be called before the stream is first polled. They panic if they are called later.
impl<P, C: Cursor, T, D: Cursor, E> Nested<P, C, T, D, E> {
    /// Opens up to `parents` parents at once; the default is 1. A value of 0 is treated as 1.
    ///
    /// Their streams are polled by the task that polls this stream. To fetch pages while that task processes items, set
    /// [`read_ahead`](AsyncGetDocs::read_ahead) on the streams of the parents' items.
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
        self.children.set_unordered();
        self
    }

    /// Resumes from a [`checkpoint`](Self::checkpoint) instead of starting at the first parent.
    #[track_caller]
    pub fn resume(mut self, checkpoint: NestedCheckpoint<P, C, D>) -> Self {
        self.assert_not_polled("resume");
        let NestedCheckpoint { parents, children, items } = checkpoint;
        self.parents.resume(parents, children);
        self.items = items;
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
        let children = open.chain(self.parents.waiting()).collect();
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
        self.children.len() + self.parents.resumed_len()
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
            Status::ChildFailed(index) => self.children.get_mut(index).items.retry_failed(),
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
        let child = self.children.remove(index);
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
            Poll::Pending | Poll::Ready(Some(Ok(_))) => Status::Open,
            Poll::Ready(Some(Err(Failure::Parents(_)))) => Status::ParentsFailed,
            Poll::Ready(Some(Err(Failure::Child(index, _)))) => Status::ChildFailed(*index),
            Poll::Ready(None) => Status::Terminated,
        };
        Poll::Ready(match ready!(polled) {
            Some(Ok(item)) => {
                self.items += 1;
                Some(Ok(item))
            }
            Some(Err(Failure::Parents(error))) => Some(Err(NestedError::Parents(error))),
            Some(Err(Failure::Child(index, source))) => {
                Some(Err(NestedError::Child { parent: self.children.get_mut(index).parent.clone(), source }))
            }
            None => None,
        })
    }

    fn poll_open(&mut self, cx: &mut Context<'_>) -> PollNext<(P, T), Failure<E>> {
        let failed = |(index, error)| Failure::Child(index, error);
        loop {
            // Yield the items of the current page, without polling any other stream. Within a large page, the child yields
            // to the executor.
            if self.children.buffered_len() > 0 {
                if let Some(item) = ready!(self.children.poll_turn(cx)) {
                    return Poll::Ready(Some(item.map_err(failed)));
                }
            }
            // Open as many parents as may be open.
            let mut is_pending = false;
            while self.children.len() < self.concurrency && !is_pending {
                match self.parents.poll_child(cx) {
                    Poll::Ready(Some(child)) => self.children.push(child),
                    Poll::Ready(None) => break,
                    Poll::Pending => is_pending = true,
                }
            }
            // Without a child, the parents are the next that is reported.
            if self.children.is_empty() {
                if is_pending {
                    return Poll::Pending;
                }
                return Poll::Ready(self.parents.take_error().map(|error| Err(Failure::Parents(error))));
            }
            // Poll every child, until one has an item. One that has ended frees its place for another parent.
            if let Some(item) = ready!(self.children.poll_all(cx)) {
                return Poll::Ready(Some(item.map_err(failed)));
            }
        }
    }
}

/// The stream that failed.
enum Failure<E> {
    Parents(Error<E>),
    /// The child at this index.
    Child(usize, Error<E>),
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
            Status::Open => (self.children.buffered_len(), None),
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
