use std::fmt;
use std::sync::Arc;

use super::{PendingClose, WeakGenerator, live};

/// What is called when a [`ManagedGenerator`](super::ManagedGenerator) is first iterated, and when it was dropped
/// unfinished: PEP 525's hooks, `sys.set_asyncgen_hooks`.
///
/// The default ones are those that asyncio's event loop sets: the first keeps the generator in mind for
/// [`shutdown_asyncgens`](super::shutdown_asyncgens), the second detaches its `aclose` onto the runtime that it was first
/// iterated on. Python has hooks by thread; here a generator is given them, by
/// [`managed_with`](super::AsyncGenerator::managed_with).
///
/// # Examples
///
/// A pool of one's own, which closes what was dropped when it has time to:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::sync::mpsc;
/// use withal::generator::{Hooks, generator};
///
/// let (to, dropped) = mpsc::channel();
/// let hooks = Hooks::default().finalizer(move |closing| drop(to.send(closing)));
/// let numbers = generator(async |mut y| y.yield_(1).await).managed_with(hooks);
/// assert_eq!(numbers.anext().await, Ok(Some(1)));
/// drop(numbers);
/// let closing = dropped.try_recv().expect("it was dropped unfinished");
/// assert!(closing.await.is_ok());
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    firstiter: Option<Firstiter>,
    finalizer: Option<Finalizer>,
}

type Firstiter = Arc<dyn Fn(&WeakGenerator) + Send + Sync>;
type Finalizer = Arc<dyn Fn(PendingClose) + Send + Sync>;

impl Hooks {
    /// Calls `hook` when a generator's first operation is first polled, instead of what the default does.
    ///
    /// A panic of its own goes out of that operation.
    #[must_use]
    pub fn firstiter(self, hook: impl Fn(&WeakGenerator) + Send + Sync + 'static) -> Self {
        Self { firstiter: Some(Arc::new(hook)), ..self }
    }

    /// Calls `hook` when the last handle on a generator is dropped whose body has begun and has not ended, instead of
    /// what the default does.
    ///
    /// It gets the [`PendingClose`], and may spawn it anywhere; to drop it is to drop the body. It is called in a destructor,
    /// so it must not block, nor panic.
    #[must_use]
    pub fn finalizer(self, hook: impl Fn(PendingClose) + Send + Sync + 'static) -> Self {
        Self { finalizer: Some(Arc::new(hook)), ..self }
    }

    pub(super) fn first_iteration(&self, generator: &WeakGenerator) {
        match &self.firstiter {
            Some(hook) => hook(generator),
            None => live::add(generator),
        }
    }

    pub(super) fn finalize(&self, closing: PendingClose) {
        match &self.finalizer {
            Some(hook) => hook(closing),
            None => closing.detach(),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
