use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use super::shared::ErasedClose;
use crate::cleanup::Cleanup;

/// The `aclose` of a generator that was dropped unfinished, as the [finalizer hook](super::Hooks::finalizer) gets it.
///
/// It is a future: what fails is a [`generator::Error`](super::Error) with the types of that generator. Dropped, it drops
/// the body.
#[must_use = "dropped, it drops the body without closing it"]
pub struct PendingClose {
    close: ErasedClose,
    home: Option<Handle>,
}

impl PendingClose {
    pub(super) fn new(
        close: impl Future<Output = Result<(), Box<dyn Any + Send>>> + Send + 'static,
        home: Option<Handle>,
    ) -> Self {
        Self { close: Box::pin(close), home }
    }

    /// Detaches it onto the runtime that the generator was first iterated on, or else the current one, as a
    /// [cleanup](crate::cleanup): what is done where no hook is set.
    ///
    /// That runtime has what the body uses, its timer for one. Where it is gone, the close is lost, and told.
    pub fn detach(mut self) {
        let home = self.home.take();
        let cleanup = Cleanup::new(self).name("async generator");
        match home {
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
