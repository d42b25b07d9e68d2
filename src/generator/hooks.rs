use std::fmt;
use std::sync::Arc;

use super::pending_close::PendingClose;
use super::shutdown_asyncgens::register;
use super::weak_generator::WeakGenerator;

/// The two hooks of a [`ManagedGenerator`](super::ManagedGenerator): PEP 525's `sys.set_asyncgen_hooks`.
///
/// The [`firstiter`](Self::firstiter) hook is called when the generator is first iterated, the
/// [`finalizer`](Self::finalizer) hook when the generator is dropped before its end. The default hooks do what those of
/// asyncio's event loop do. The default `firstiter` registers the generator for
/// [`shutdown_asyncgens`](super::shutdown_asyncgens). The default `finalizer` [detaches](super::PendingClose::detach)
/// the `aclose` of the generator onto the runtime on which it was first iterated.
///
/// Python's hooks belong to a thread. Here they belong to a generator, and are set by
/// [`managed_with`](super::AsyncGenerator::managed_with).
///
/// # Examples
///
/// A finalizer that collects the pending closes, so that the program can await them later:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::mpsc;
/// use withal::generator::{Hooks, generator};
///
/// let (tx, dropped) = mpsc::channel();
/// let hooks = Hooks::default().finalizer(move |close| drop(tx.send(close)));
/// let numbers = generator(async |mut y| y.yield_(1).await).managed_with(hooks);
/// assert_eq!(numbers.anext().await, Ok(Some(1)));
/// drop(numbers);
/// let close = dropped.try_recv().expect("the generator was dropped before its end");
/// assert!(close.await.is_ok());
/// # }
/// ```
#[derive(Clone, Default)]
#[doc(alias = "set_asyncgen_hooks")]
pub struct Hooks {
    firstiter: Option<Firstiter>,
    finalizer: Option<Finalizer>,
}

type Firstiter = Arc<dyn Fn(&WeakGenerator) + Send + Sync>;
type Finalizer = Arc<dyn Fn(PendingClose) + Send + Sync>;

impl Hooks {
    /// Sets the hook that is called when the first operation of a generator is first polled.
    ///
    /// The hook replaces the default one, so [`shutdown_asyncgens`](super::shutdown_asyncgens) does not close the
    /// generator. A panic in the hook propagates out of that operation.
    #[must_use]
    pub fn firstiter(self, hook: impl Fn(&WeakGenerator) + Send + Sync + 'static) -> Self {
        Self { firstiter: Some(Arc::new(hook)), ..self }
    }

    /// Sets the hook that is called when the last handle to a generator is dropped after its body has started and
    /// before it has ended.
    ///
    /// The hook replaces the default one. It receives the [`PendingClose`], which it may spawn on any runtime; dropping
    /// the `PendingClose` drops the body. The hook is called in a destructor, so it must neither block nor panic.
    #[must_use]
    pub fn finalizer(self, hook: impl Fn(PendingClose) + Send + Sync + 'static) -> Self {
        Self { finalizer: Some(Arc::new(hook)), ..self }
    }

    pub(super) fn call_firstiter(&self, generator: &WeakGenerator) {
        match &self.firstiter {
            Some(hook) => hook(generator),
            None => register(generator),
        }
    }

    pub(super) fn call_finalizer(&self, close: PendingClose) {
        match &self.finalizer {
            Some(hook) => hook(close),
            None => close.detach(),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
