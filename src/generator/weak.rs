use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};

use super::shared::{Close, Shared};
use crate::coroutine::Throw;

/// A [`ManagedGenerator`](super::ManagedGenerator) whatever its types, as the
/// [first-iteration hook](super::Hooks::firstiter) gets it: a handle that does not keep it alive.
#[derive(Clone)]
pub struct WeakGenerator(Weak<dyn Close>);

impl WeakGenerator {
    pub(super) fn new<Y, S, T>(shared: &Arc<Shared<Y, S, T>>) -> Self
    where
        Y: Send + 'static,
        S: Send + 'static,
        T: Throw<Error: Send + 'static> + Send + 'static,
    {
        let shared: Arc<dyn Close> = Arc::<Shared<Y, S, T>>::clone(shared);
        Self(Arc::downgrade(&shared))
    }

    /// Whether a handle on it is left.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Whether [`aclose`](Self::aclose) of such a handle is under way.
    pub(super) fn is_being_closed(&self) -> bool {
        self.0.upgrade().is_some_and(|generator| generator.is_being_closed())
    }

    /// Closes it, as [`ManagedGenerator::aclose`](super::ManagedGenerator::aclose) does; does nothing if it is gone.
    ///
    /// From the first poll on it keeps the generator alive. Where it is dropped then before it is done, and no handle is left,
    /// the body is dropped with it.
    ///
    /// # Errors
    ///
    /// A [`generator::Error`](super::Error) with the types of that generator.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the exit is delivered; another one goes on with it, if there is a handle left.
    pub fn aclose(&self) -> impl Future<Output = Result<(), Box<dyn Any + Send>>> + Send + use<> {
        let generator = Weak::clone(&self.0);
        async move {
            match generator.upgrade() {
                Some(generator) => generator.erased_aclose().await,
                None => Ok(()),
            }
        }
    }
}

impl fmt::Debug for WeakGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakGenerator").field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}
