use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};

use super::pending_close::{CloseError, Closed, ErasedClose};

/// A weak handle to a [`ManagedGenerator`](super::ManagedGenerator) of any type.
///
/// The [`firstiter` hook](super::Hooks::firstiter) receives it. It does not keep the generator alive.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::mpsc;
/// use withal::coroutine::State;
/// use withal::generator::{Hooks, generator};
///
/// let (tx, started) = mpsc::channel();
/// let hooks = Hooks::default().firstiter(move |generator| drop(tx.send(generator.clone())));
/// let numbers = generator(async |mut y| y.yield_(1).await).managed_with(hooks);
/// assert_eq!(numbers.anext().await, Ok(Some(1)));
///
/// let weak = started.try_recv().expect("the hook was called");
/// assert!(weak.aclose().await.is_ok());
/// assert_eq!(numbers.state(), Some(State::Closed));
/// drop(numbers);
/// assert!(!weak.is_alive());
/// # }
/// ```
#[derive(Clone)]
pub struct WeakGenerator(Weak<dyn ErasedGenerator>);

/// A shared generator whose types are erased.
pub(super) trait ErasedGenerator: Send + Sync {
    fn erased_aclose(self: Arc<Self>) -> ErasedClose;

    /// Returns `true` while the future of an `erased_aclose` is in progress.
    fn is_being_closed(&self) -> bool;
}

impl WeakGenerator {
    pub(super) fn new<G: ErasedGenerator + 'static>(generator: &Arc<G>) -> Self {
        let erased: Arc<dyn ErasedGenerator> = Arc::<G>::clone(generator);
        Self(Arc::downgrade(&erased))
    }

    /// Returns `true` if a handle to the generator is left.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Returns `true` while an [`aclose`](Self::aclose) of a weak handle is in progress.
    pub(super) fn is_being_closed(&self) -> bool {
        self.0.upgrade().is_some_and(|generator| generator.is_being_closed())
    }

    /// Closes the generator, as [`ManagedGenerator::aclose`](super::ManagedGenerator::aclose) does.
    ///
    /// Does nothing if no handle to the generator is left. From its first poll on, the returned future keeps the
    /// generator alive. If the future is then dropped before it completes, and no other handle is left, the body is
    /// dropped with it.
    ///
    /// # Errors
    ///
    /// Returns a [`generator::Error`](super::Error) with the types of that generator.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// Once the future has been polled, the exit has been delivered. Another `aclose` continues the close, if a handle
    /// to the generator is left.
    #[doc(alias = "close")]
    pub fn aclose(&self) -> impl Future<Output = Result<(), Box<dyn Any + Send>>> + Send + use<> {
        let close = self.close();
        async { close.await.0.map_err(CloseError::into_any) }
    }

    /// Closes the generator as [`aclose`](Self::aclose) does, with an error that reports can format.
    pub(super) fn close(&self) -> impl Future<Output = Closed> + Send + use<> {
        let generator = Weak::clone(&self.0);
        async move {
            match generator.upgrade() {
                Some(generator) => Closed(generator.erased_aclose().await),
                None => Closed(Ok(())),
            }
        }
    }
}

impl fmt::Debug for WeakGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakGenerator").field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}
