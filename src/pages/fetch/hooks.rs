use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::page_span::{PageSpan, ParentSpan};
use crate::pages::cursor::Cursor;
use crate::pages::event::Event;
use crate::pages::policy::OnError;

/// The output of the `before_request` future, held until the attempt ends.
pub(in crate::pages) type Permit = Box<dyn Any + Send>;
pub(in crate::pages) type PermitFuture = Pin<Box<dyn Future<Output = Permit> + Send>>;
pub(in crate::pages) type Delays = Box<dyn Iterator<Item = Duration> + Send>;

type Classifier<C, E> = Box<dyn FnMut(&E) -> OnError<C> + Send>;
type Observer<C, E> = Box<dyn FnMut(&Event<'_, C, E>) + Send>;

/// The user's functions around an attempt. Each is called at most a few times per page.
pub(in crate::pages) struct Hooks<C, E> {
    pub(in crate::pages) before_request: Option<Box<dyn FnMut() -> PermitFuture + Send>>,
    pub(in crate::pages) classify: Option<Classifier<C, E>>,
    pub(in crate::pages) backoff: Option<Box<dyn FnMut() -> Delays + Send>>,
    pub(in crate::pages) on_event: Option<Observer<C, E>>,
    pub(super) restarts: RestartLimiter<C>,
}

impl<C, E> Default for Hooks<C, E> {
    fn default() -> Self {
        let restarts = RestartLimiter::default();
        Self { before_request: None, classify: None, backoff: None, on_event: None, restarts }
    }
}

impl<C, E> Hooks<C, E> {
    /// Returns `None` if there are no hooks, so that a stream without hooks does not pay for them. The spans of pages use the
    /// same hooks, so a stream whose spans have a subscriber counts as one with hooks.
    pub(super) fn share(self) -> Option<SharedHooks<C, E>> {
        let parent = ParentSpan::current();
        let Self { before_request, classify, backoff, on_event, restarts: _ } = &self;
        let any = before_request.is_some()
            || classify.is_some()
            || backoff.is_some()
            || on_event.is_some()
            || parent.is_wanted();
        any.then(|| SharedHooks(Arc::new(Shared { hooks: Mutex::new(self), parent })))
    }
}

/// The hooks of a stream, shared by all of its requests, which may run on several tasks.
pub(super) struct SharedHooks<C, E>(Arc<Shared<C, E>>);

struct Shared<C, E> {
    hooks: Mutex<Hooks<C, E>>,
    /// The parent of the spans of the pages.
    parent: ParentSpan,
}

impl<C, E> Clone for SharedHooks<C, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, E> SharedHooks<C, E> {
    /// Ignores poisoning: a hook that panics leaves none of these fields half changed.
    pub(super) fn lock(&self) -> MutexGuard<'_, Hooks<C, E>> {
        self.0.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the span of a page.
    #[inline]
    pub(super) fn open_span(&self, page: u64, cursor: Option<&C>) -> PageSpan
    where
        C: Cursor,
    {
        PageSpan::open(&self.0.parent, page, cursor)
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        if let Some(observer) = &mut self.lock().on_event {
            observer(event);
        }
    }
}

/// Prevents endless restarts at one cursor: if a restart delivers no more pages than the previous restart, it is the
/// last.
///
/// Pages count when they are delivered, in order.
pub(super) struct RestartLimiter<C> {
    target: Target<C>,
    /// The pages delivered since the last restart.
    delivered: u64,
    /// The pages delivered between the last restart and the one before.
    progress: u64,
}

/// The cursor of the last restart.
enum Target<C> {
    None,
    At(Option<C>),
}

impl<C> Default for RestartLimiter<C> {
    fn default() -> Self {
        Self { target: Target::None, delivered: 0, progress: 0 }
    }
}

impl<C: Clone + PartialEq> RestartLimiter<C> {
    pub(super) fn page_delivered(&mut self) {
        self.delivered += 1;
    }

    /// Records a restart at `target`; returns `false` if it must not happen. Restarts with no page in between are
    /// bounded by the retry policy instead.
    pub(super) fn try_restart(&mut self, target: Option<&C>) -> bool {
        let is_same = matches!(&self.target, Target::At(last) if last.as_ref() == target);
        // The stream came no further than after the previous restart here, so another restart would repeat it.
        if is_same && self.delivered > 0 && self.delivered <= self.progress {
            return false;
        }
        // Another cursor starts the counts again. Restarts with no page in between keep them.
        if !is_same {
            (self.progress, self.delivered) = (0, 0);
        } else if self.delivered > 0 {
            (self.progress, self.delivered) = (self.delivered, 0);
        }
        self.target = Target::At(target.cloned());
        true
    }
}
