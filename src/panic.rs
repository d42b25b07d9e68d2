//! Functions that catch the panics of user code, and that drop panic payloads without causing a second panic.
//!
//! User code runs in places from which a panic must not propagate: in destructors, between the steps of a shutdown, on
//! the threads of a pool. All calls of [`std::panic::catch_unwind`] are in this file. They assert unwind safety: a
//! future that has panicked is dropped and not polled again, and the crate's own state is consistent whenever user code
//! runs.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

/// The payload of a panic.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Calls `f`, and returns its output or the payload of its panic.
#[inline]
pub(crate) fn catch_panic<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    panic::catch_unwind(AssertUnwindSafe(f))
}

/// Awaits `future`, and returns its output or the payload of its panic, like `FutureExt::catch_unwind` of `futures`.
///
/// The future is dropped as soon as it is ready or has panicked. A panic of its destructor counts as a panic of the
/// future. If both panic, the payload of the first panic is returned.
pub(crate) fn catch_unwind<F: Future>(future: F) -> CatchUnwind<F> {
    CatchUnwind { future: Some(future) }
}

/// The future that [`catch_unwind`] returns. Written by hand, because an async function stores its argument twice.
#[pin_project]
pub(crate) struct CatchUnwind<F> {
    /// `None` once it has completed or panicked.
    #[pin]
    future: Option<F>,
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut future = self.project().future;
        let polled = catch_panic(|| {
            let polled = future.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx));
            if polled.is_ready() {
                future.set(None);
            }
            polled
        });
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => {
                ignore_panic(|| future.set(None));
                Poll::Ready(Err(payload))
            }
        }
    }
}

/// Calls `f`, and ignores a panic of `f`.
pub(crate) fn ignore_panic(f: impl FnOnce()) {
    if let Err(payload) = catch_panic(f) {
        drop_payload(payload);
    }
}

/// Drops the payload of a panic. A payload whose own destructor panics yields another payload, which is leaked.
#[cold]
pub(crate) fn drop_payload(payload: Payload) {
    if let Err(another) = catch_panic(|| drop(payload)) {
        mem::forget(another);
    }
}

/// Drops the values one by one. The panic of a destructor is ignored, and the remaining values are still dropped.
pub(crate) fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        ignore_panic(|| drop(value));
    }
}
