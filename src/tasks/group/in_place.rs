use std::fmt::{self, Debug};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project::{pin_project, pinned_drop};
use tokio::task::coop::has_budget_remaining;

use super::abort_state::{AbortState, Failure};
use super::errors::ErrorGroup;
use super::in_place_children::{Children, keep_panic};
use super::in_place_end::{BodyEnd, GroupEnd};
use super::in_place_group::{InPlaceGroup, Stage};
use crate::as_error::ErrorView;
use crate::cleanup::{WithChildren, drop_in_place, with_children};
use crate::context::Error;
use crate::panic::{KeptPayload, catch_panic};

/// Runs a group of futures in place: a [`TaskGroup`](super::TaskGroup) without tasks, whose futures may borrow.
///
/// The body adds children with [`InPlaceGroup::spawn`]. The returned future polls the body and the children in one task,
/// and completes when all of them have ended. A child costs a third of a task, and may borrow everything that is declared
/// before the call. Children are for work that waits: they do not compute in parallel.
///
/// | the body | the children | the result |
/// |---|---|---|
/// | completes | succeed, or are dropped by [`InPlaceGroup::cancel`] | the body's value, once all children have ended |
/// | has completed, or is interrupted | one fails, and the others are dropped | [`Error::Exit`] with an [`ErrorGroup`] |
/// | fails | are dropped | [`Error::Block`] |
/// | panics | are dropped | the body's panic |
/// | ends in any way | one panics, and the others are dropped | the child's panic, or the body's if that was first |
/// | is dropped | are dropped | none: the scopes around it wait for the exits |
///
/// The exits of the [scopes](crate::context) in a child that is dropped are awaited before the group ends, as their
/// [policies](crate::context#cancellation) prescribe.
///
/// The body and the children share the cooperative budget of one tokio task. If the body spends it in each poll, the body
/// and the children take turns. A child that spends it in each poll delays the other children: run such a child as a task
/// of a [`TaskGroup`](super::TaskGroup).
///
/// # Errors
///
/// - [`Error::Block`] if the body failed.
/// - [`Error::Exit`] if a child failed. Its `context` is the error of the body, if the body failed as well.
///
/// # Panics
///
/// Resumes a panic of the body or a child after all of them have ended.
///
/// # Cancel safety
///
/// If the future is dropped, the body and the children are dropped. The exits of their scopes continue as
/// [cleanups](crate::cleanup), for which the scopes around the group wait.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::num::ParseIntError;
/// use withal::tasks::in_place;
///
/// let texts = ["1".to_owned(), "2".to_owned()];
/// let mut numbers = [0; 2];
/// let result = in_place(async |group| {
///     for (text, number) in texts.iter().zip(&mut numbers) {
///         group.spawn(async move {
///             *number = text.parse()?; // borrows both
///             Ok(())
///         });
///     }
///     Ok::<_, ParseIntError>(())
/// });
/// result.await.unwrap();
/// assert_eq!(numbers, [1, 2]);
/// # }
/// ```
#[doc(alias("scope", "moro", "join_all", "FuturesUnordered", "structured concurrency"))]
pub fn in_place<'env, F, T, E>(body: impl FnOnce(InPlaceGroup<'env, E>) -> F) -> InPlace<'env, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    let mut members = BodyAndChildren {
        body: None,
        body_end: None,
        group: InPlaceGroup::new(),
        children: Children::new(),
        failures: AbortState::default(),
        is_turn_of_children: false,
    };
    // Called here, so that a panic drops the children that it has spawned, which may own handles of the group.
    members.body = Some(body(members.group.clone()));
    InPlace { members: with_children(members) }
}

/// The future that [`in_place`] returns.
// A named type: the opaque type of an async function would contain the bound of the body, which the compiler cannot
// prove in a spawned task ("not general enough", rust-lang/rust#110338).
#[pin_project]
#[must_use = "futures do nothing unless they are awaited"]
pub struct InPlace<'env, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    /// Waits for the exits of what the future inside drops.
    #[pin]
    members: WithChildren<BodyAndChildren<'env, F, T, E>>,
}

impl<F, T, E> Future for InPlace<'_, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    type Output = Result<T, Error<E, ErrorGroup<E>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().members.poll(cx).map(GroupEnd::into_result)
    }
}

impl<F, T, E> fmt::Debug for InPlace<'_, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlace").finish_non_exhaustive()
    }
}

/// The body and the children.
#[pin_project(PinnedDrop)]
struct BodyAndChildren<'env, F, T, E> {
    /// `None` after the body has ended.
    #[pin]
    body: Option<F>,
    body_end: Option<BodyEnd<T, E>>,
    group: InPlaceGroup<'env, E>,
    children: Children<'env, E>,
    failures: AbortState<E>,
    /// `true` if the next poll begins with the children: the body has spent the budget of the last one.
    is_turn_of_children: bool,
}

impl<F, T, E> Future for BodyAndChildren<'_, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    type Output = GroupEnd<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GroupEnd<T, E>> {
        self.group.begin_poll();
        // The body and the children share the budget of a poll. If the body spends it, they take turns in being polled
        // first.
        let is_turn_of_children = mem::take(self.as_mut().project().is_turn_of_children);
        if is_turn_of_children {
            self.as_mut().poll_children(cx);
        }
        self.as_mut().poll_body(cx);
        *self.as_mut().project().is_turn_of_children &= !is_turn_of_children;
        loop {
            let have_ended = self.as_mut().poll_children(cx);
            if have_ended && self.body.is_none() {
                break;
            }
            // Another handle may have added a child meanwhile, which has not been polled yet.
            if self.group.end_poll(cx) {
                return Poll::Pending;
            }
        }
        // Everything has ended: refuse further children.
        let this = self.project();
        this.children.clear(this.group.close(), &mut this.failures.panics);
        let failures = mem::take(this.failures).into_failures(this.children.added, ErrorView::known());
        let body = this.body_end.take().expect("group polled after completion");
        Poll::Ready(GroupEnd::new(body, failures))
    }
}

impl<F, T, E> BodyAndChildren<'_, F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    /// Polls the body, unless it has ended. If it fails, drops the children.
    fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.as_mut().project();
        let polled = catch_panic(|| match this.body.as_mut().as_pin_mut() {
            None => Poll::Pending,
            Some(body) => {
                let polled = body.poll(cx);
                // Dropped here, where a panic of its destructor is caught.
                if polled.is_ready() {
                    this.body.set(None);
                }
                polled
            }
        });
        let end = match polled {
            Ok(Poll::Pending) => {
                *this.is_turn_of_children = !has_budget_remaining();
                return;
            }
            Ok(Poll::Ready(Ok(value))) => BodyEnd::Completed(value),
            Ok(Poll::Ready(Err(error))) => BodyEnd::Failed(error),
            Err(payload) => {
                this.failures.panicked_in_block = !this.failures.panics.is_empty();
                BodyEnd::Panicked(KeptPayload::new(payload))
            }
        };
        let has_failed = !matches!(end, BodyEnd::Completed(_));
        *this.body_end = Some(end);
        if has_failed {
            self.abort();
        }
    }

    /// Polls the children that were woken, and those that were added. Returns `true` if all have ended.
    fn poll_children(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        loop {
            let this = self.as_mut().project();
            if this.children.take_from(this.group) == Stage::CancelRequested {
                self.as_mut().cancel();
                continue;
            }
            if this.children.is_empty() {
                return true;
            }
            let failures = match catch_panic(|| this.children.poll_next(cx)) {
                Ok(Poll::Pending) => return false,
                Ok(Poll::Ready(None | Some(Ok(())))) => continue,
                Ok(Poll::Ready(Some(Err(failures)))) => failures,
                // A waker has panicked.
                Err(payload) => vec![Failure::Panic(KeptPayload::new(payload))],
            };
            for failure in failures {
                this.failures.add(failure);
            }
            self.as_mut().abort();
        }
    }

    /// Drops the body and the children. The group continues, and runs the exits of their scopes in its own task.
    #[cold]
    fn abort(mut self: Pin<&mut Self>) {
        drop_in_place(|| {
            let mut this = self.as_mut().project();
            // Before the destructor of the body, which may own a handle.
            let refused = this.group.close();
            if this.body_end.is_none() {
                let dropped = catch_panic(|| this.body.set(None));
                *this.body_end = Some(match dropped {
                    Ok(()) => BodyEnd::Interrupted,
                    Err(payload) => {
                        this.failures.panicked_in_block = !this.failures.panics.is_empty();
                        BodyEnd::Panicked(KeptPayload::new(payload))
                    }
                });
            } else {
                keep_panic(&mut this.failures.panics, || this.body.set(None));
            }
            this.children.clear(refused, &mut this.failures.panics);
        });
    }

    /// Drops the children. The exits of their scopes are cleanups, because the body still runs, and may depend on them.
    #[cold]
    fn cancel(mut self: Pin<&mut Self>) {
        let this = self.as_mut().project();
        let panics = this.failures.panics.len();
        this.children.clear(this.group.close(), &mut this.failures.panics);
        // A child whose destructor panics has panicked.
        if this.failures.panics.len() > panics {
            self.abort();
        }
    }
}

#[pinned_drop]
impl<F, T, E> PinnedDrop for BodyAndChildren<'_, F, T, E> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        let refused = this.group.close();
        let mut panics = Vec::new();
        keep_panic(&mut panics, || this.body.set(None));
        this.children.clear(refused, &mut panics);
        // The first panic of a destructor continues, unless a panic unwinds already.
        if let Some(payload) = panics.into_iter().next().filter(|_| !thread::panicking()) {
            payload.resume();
        }
    }
}
