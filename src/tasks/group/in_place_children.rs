use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream as _;
use futures_util::stream::FuturesUnordered;

use super::abort_state::Failure;
use super::in_place_group::{Child, InPlaceGroup, Stage};
use crate::panic::{KeptPayload, catch_panic};

/// The children of a group that are polled in place.
pub(super) struct Children<'env, E> {
    members: FuturesUnordered<Member<'env, E>>,
    /// Empty: its memory is that of the list of new children.
    spawned: Vec<Child<'env, E>>,
    /// The number of children that were added, at most `u32::MAX`.
    pub(super) added: u32,
}

impl<'env, E> Children<'env, E> {
    pub(super) fn new() -> Self {
        Self { members: FuturesUnordered::new(), spawned: Vec::new(), added: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Adds the new children of `group`.
    pub(super) fn take_from(&mut self, group: &InPlaceGroup<'env, E>) -> Stage {
        let stage = group.take_spawned(&mut self.spawned);
        for child in self.spawned.drain(..) {
            self.added = self.added.saturating_add(1);
            self.members.push(Member(Some(child)));
        }
        stage
    }

    /// Polls the children that were woken, and those that were added, until one ends. Returns `None` if all have ended.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Vec<Failure<E>>>>> {
        Pin::new(&mut self.members).poll_next(cx)
    }

    /// Drops all children and those in `refused`, also if destructors panic. Adds the panics to `panics`.
    pub(super) fn clear(&mut self, refused: Vec<Child<'env, E>>, panics: &mut Vec<KeptPayload>) {
        for child in refused {
            keep_panic(panics, || drop(child));
        }
        // One by one: if a destructor panicked in `clear`, the set would leak the others.
        for member in &mut self.members {
            keep_panic(panics, || member.0 = None);
        }
        self.members.clear();
    }
}

/// Calls `drop`, and adds its panic to `panics`.
pub(super) fn keep_panic(panics: &mut Vec<KeptPayload>, drop: impl FnOnce()) {
    if let Err(payload) = catch_panic(drop) {
        panics.push(KeptPayload::new(payload));
    }
}

/// A child in the set. `None` after it was dropped.
struct Member<'env, E>(Option<Child<'env, E>>);

impl<E> Future for Member<'_, E> {
    /// The error or panic, and the panic of the destructor.
    type Output = Result<(), Vec<Failure<E>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(child) = &mut self.0 else { return Poll::Pending };
        let failure = match catch_panic(|| child.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => None,
            Ok(Poll::Ready(Err(error))) => Some(Failure::Error(error)),
            Err(payload) => Some(Failure::Panic(KeptPayload::new(payload))),
        };
        // Dropped here, and not by the set, which drops a future that has panicked while the panic unwinds: a second panic
        // would abort the process.
        let dropped = catch_panic(|| self.0 = None);
        let panicked = dropped.err().map(|payload| Failure::Panic(KeptPayload::new(payload)));
        if failure.is_none() && panicked.is_none() {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(failure.into_iter().chain(panicked).collect()))
    }
}
