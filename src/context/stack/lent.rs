use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use super::AsyncExitStack;
use crate::cleanup::ChildCleanups;
use crate::context::AsyncGuard;
use crate::context::policy::sealed::{Home as _, Policy};

/// What an [`AsyncExitStack`] has entered, lent to the block; given back when it is dropped.
///
/// It cannot be kept longer than the block. Where the exits are run sooner, by way of
/// [`pop_all`](AsyncExitStack::pop_all), it is exited when it is dropped, as its policy says.
pub struct StackGuard<'a, G: AsyncGuard> {
    /// None when it was given back.
    guard: Option<G>,
    place: Arc<Mutex<Place<G>>>,
    home: <G::OnDrop as Policy<G>>::Home,
    /// Shorter than the stack: it cannot leave the block.
    stack: PhantomData<&'a AsyncExitStack>,
}

/// Where the stack looks for a guard.
pub(super) enum Place<G> {
    Lent,
    Back(G),
    /// The stack has looked already.
    Closed,
}

impl<G: AsyncGuard> StackGuard<'_, G> {
    pub(super) fn new(guard: G) -> (Self, Arc<Mutex<Place<G>>>) {
        let place = Arc::new(Mutex::new(Place::Lent));
        let mut home = <G::OnDrop as Policy<G>>::Home::default();
        home.remember();
        (Self { guard: Some(guard), place: Arc::clone(&place), home, stack: PhantomData }, place)
    }

    /// What the block gets.
    #[expect(clippy::missing_panics_doc, reason = "it is empty in its destructor alone")]
    pub fn target(&mut self) -> &mut G::Target {
        self.guard.as_mut().expect("it is given back when it is dropped").target()
    }
}

impl<G: AsyncGuard> Drop for StackGuard<'_, G> {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Closed) {
            drop(place);
            G::OnDrop::cancel(guard, ChildCleanups::default(), mem::take(&mut self.home));
        } else {
            *place = Place::Back(guard);
        }
    }
}

impl<G: AsyncGuard> fmt::Debug for StackGuard<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackGuard").finish_non_exhaustive()
    }
}
