use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::cleanup::Cleanup;

/// A close of a generator whose types are erased.
pub(super) type ErasedClose = Pin<Box<dyn Future<Output = Result<(), Box<dyn Any + Send>>> + Send>>;

/// The pending `aclose` of a generator that was dropped before its end.
///
/// The argument of the [finalizer hook](super::Hooks::finalizer). It is a future, whose error is a
/// [`generator::Error`](super::Error) with the types of that generator. Dropping it drops the body without closing it.
///
/// [`Hooks`](super::Hooks) has an example.
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
    /// This is the default when no finalizer hook is set. The runtime of the first iteration provides what the body
    /// uses, such as its timer. If that runtime has shut down, the close is abandoned, and the observers are notified.
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
