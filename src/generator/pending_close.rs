use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::cleanup::Cleanup;

/// The close of a generator, with its types erased.
pub(super) type ErasedClose = Pin<Box<dyn Future<Output = Result<(), Box<dyn Any + Send>>> + Send>>;

/// The pending `aclose` of a generator that was dropped before its end.
///
/// The [finalizer hook](super::Hooks::finalizer) receives it. It is a future whose error is a
/// [`generator::Error`](super::Error) with the types of that generator. Dropping it drops the body without closing the
/// generator.
///
/// See [`Hooks`](super::Hooks) for an example.
#[must_use = "dropping it drops the body without closing it"]
pub struct PendingClose {
    close: ErasedClose,
    /// The runtime that the generator was first iterated on, if any.
    runtime: Option<Handle>,
}

impl PendingClose {
    pub(super) fn new(
        close: impl Future<Output = Result<(), Box<dyn Any + Send>>> + Send + 'static,
        runtime: Option<Handle>,
    ) -> Self {
        Self { close: Box::pin(close), runtime }
    }

    /// Detaches the close as a [cleanup](crate::cleanup) onto the runtime that the generator was first iterated on, or
    /// else onto the current one.
    ///
    /// This is what the default finalizer hook does. The body may use the timer and the I/O of the runtime of the first
    /// iteration. If that runtime has shut down, the close is abandoned, and the observers are notified.
    pub fn detach(mut self) {
        let runtime = self.runtime.take();
        let cleanup = Cleanup::new(self).name("async generator");
        match runtime {
            Some(runtime) => cleanup.on_runtime(runtime).detach(),
            None => cleanup.detach(),
        }
    }
}

impl Future for PendingClose {
    type Output = Result<(), Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.close.as_mut().poll(cx)
    }
}

impl fmt::Debug for PendingClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingClose").finish_non_exhaustive()
    }
}
