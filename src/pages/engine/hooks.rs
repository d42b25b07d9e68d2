use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::restarts::Restarts;
use crate::pages::{Event, OnError};

/// Whatever the gate's future gave, held until the attempt ends.
pub(in crate::pages) type Pass = Box<dyn Any + Send>;
pub(in crate::pages) type Passing = Pin<Box<dyn Future<Output = Pass> + Send>>;
pub(in crate::pages) type Delays = Box<dyn Iterator<Item = Duration> + Send>;

/// The user's functions around an attempt, each called at most a few times a page.
pub(in crate::pages) struct Hooks<C, E> {
    pub(in crate::pages) before_request: Option<Box<dyn FnMut() -> Passing + Send>>,
    pub(in crate::pages) classify: Option<Classifier<C, E>>,
    pub(in crate::pages) policy: Option<Box<dyn FnMut() -> Delays + Send>>,
    pub(in crate::pages) on_event: Option<Observer<C, E>>,
    pub(super) restarts: Restarts<C>,
}

type Classifier<C, E> = Box<dyn FnMut(&E) -> OnError<C> + Send>;
type Observer<C, E> = Box<dyn FnMut(&Event<'_, C, E>) + Send>;

impl<C, E> Default for Hooks<C, E> {
    fn default() -> Self {
        Self {
            before_request: None,
            classify: None,
            policy: None,
            on_event: None,
            restarts: Restarts::default(),
        }
    }
}

impl<C, E> Hooks<C, E> {
    /// `None` where nothing is hooked, so that the plain walk pays nothing for it.
    pub(in crate::pages) fn share(self) -> Option<Shared<C, E>> {
        let Self { before_request, classify, policy, on_event, restarts: _ } = &self;
        let any = before_request.is_some() || classify.is_some() || policy.is_some() || on_event.is_some();
        any.then(|| Shared(Arc::new(Mutex::new(self))))
    }
}

/// The hooks of a walk, for every request of it: they may run on several tasks.
pub(in crate::pages) struct Shared<C, E>(Arc<Mutex<Hooks<C, E>>>);

impl<C, E> Clone for Shared<C, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, E> Shared<C, E> {
    /// A hook that panicked leaves nothing half done of ours, so poison means nothing here.
    pub(super) fn lock(&self) -> MutexGuard<'_, Hooks<C, E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn notify(&self, event: &Event<'_, C, E>) {
        if let Some(observer) = &mut self.lock().on_event {
            observer(event);
        }
    }
}
