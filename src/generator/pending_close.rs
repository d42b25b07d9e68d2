use std::any::Any;
use std::fmt::{self, Debug};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::cleanup::{CleanupOptions, CleanupOutput, Name};

/// The close of a generator, with its types erased.
pub(super) type ErasedClose = Pin<Box<dyn Future<Output = Result<(), Box<dyn CloseError>>> + Send>>;

/// The error of a close whose type is erased. Reports need its `Debug`, which a `dyn Any` does not have.
pub(super) trait CloseError: Any + Debug + Send {
    fn as_any(&self) -> &(dyn Any + Send);

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<E: Any + Debug + Send> CloseError for E {
    fn as_any(&self) -> &(dyn Any + Send) {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The output of a close that runs as a cleanup.
pub(super) struct Closed(pub(super) Result<(), Box<dyn CloseError>>);

impl CleanupOutput for Closed {
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)> {
        self.0.as_ref().copied().map_err(|error| ((**error).as_any(), error as _))
    }
}

/// Runs a close as a cleanup.
pub(super) fn detach_close(close: impl Future<Output = Closed> + Send + 'static, runtime: Option<Handle>) {
    CleanupOptions::new(Name::chosen("async generator")).runtime(runtime).detach(close);
}

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
        close: impl Future<Output = Result<(), Box<dyn CloseError>>> + Send + 'static,
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
        detach_close(async { Closed(self.close.await) }, runtime);
    }
}

impl Future for PendingClose {
    type Output = Result<(), Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.close.as_mut().poll(cx).map_err(CloseError::into_any)
    }
}

impl fmt::Debug for PendingClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingClose").finish_non_exhaustive()
    }
}
