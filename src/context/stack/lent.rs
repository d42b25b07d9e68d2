use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use super::AsyncExitStack;
use crate::context::AsyncExit;

/// What an [`AsyncExitStack`] has entered, lent to the block; given back when it is dropped.
///
/// It cannot be kept longer than the block.
pub struct Lent<'a, G: AsyncExit> {
    /// None when it was given back.
    guard: Option<G>,
    home: Arc<Mutex<Option<G>>>,
    /// Shorter than the stack: it cannot leave the block.
    stack: PhantomData<&'a AsyncExitStack>,
}

impl<G: AsyncExit> Lent<'_, G> {
    pub(super) fn new(guard: G) -> (Self, Arc<Mutex<Option<G>>>) {
        let home = Arc::new(Mutex::new(None));
        (Self { guard: Some(guard), home: Arc::clone(&home), stack: PhantomData }, home)
    }

    /// What the block gets.
    #[expect(clippy::missing_panics_doc, reason = "it is empty in its destructor alone")]
    pub fn target(&mut self) -> &mut G::Target {
        self.guard.as_mut().expect("it is given back when it is dropped").target()
    }
}

impl<G: AsyncExit> Drop for Lent<'_, G> {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.guard.take();
    }
}

impl<G: AsyncExit> fmt::Debug for Lent<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}
