//! Functions that catch the panics of user code, and that drop panic payloads without causing a second panic.
//!
//! User code runs in places from which a panic must not propagate: in destructors, between the steps of a shutdown, on
//! the threads of a pool. All calls of [`std::panic::catch_unwind`] are in this file. They assert unwind safety: a
//! future that has panicked is dropped and not polled again, and the crate's own state is consistent whenever user code
//! runs.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

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

/// Drops a value. While a panic unwinds, a panic of the value's own destructor is ignored: it would abort the process.
pub(crate) fn drop_quietly<T>(value: T) {
    if thread::panicking() {
        ignore_panic(|| drop(value));
    } else {
        drop(value);
    }
}

/// A user's value that is kept while other user code runs, and therefore [dropped quietly](drop_quietly).
#[derive(Debug)]
pub(crate) struct Kept<T>(Option<T>);

const IS_PRESENT: &str = "a kept value is present until it is moved out";

impl<T> Kept<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    #[inline]
    pub(crate) fn into_inner(mut self) -> T {
        self.0.take().expect(IS_PRESENT)
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect(IS_PRESENT)
    }
}

impl<T> DerefMut for Kept<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(IS_PRESENT)
    }
}

impl<T> Drop for Kept<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            drop_quietly(value);
        }
    }
}

/// The payload of a panic that is kept while other user code runs. A panic of its destructor is always ignored.
#[derive(Debug)]
pub struct KeptPayload(Option<Payload>);

impl KeptPayload {
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Some(payload))
    }

    pub(crate) fn into_inner(mut self) -> Payload {
        self.0.take().expect(IS_PRESENT)
    }

    pub(crate) fn resume(self) -> ! {
        panic::resume_unwind(self.into_inner())
    }
}

impl Deref for KeptPayload {
    type Target = dyn Any + Send;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().expect(IS_PRESENT)
    }
}

impl DerefMut for KeptPayload {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_deref_mut().expect(IS_PRESENT)
    }
}

impl Drop for KeptPayload {
    #[inline]
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            drop_payload(payload);
        }
    }
}

/// Calls `f` with each value, also after a call has panicked. Returns the payload of the first panic.
pub(crate) fn catch_each<T>(
    values: impl IntoIterator<Item = T>,
    mut f: impl FnMut(T),
) -> Option<KeptPayload> {
    let mut first = None;
    for value in values {
        if let Err(payload) = catch_panic(|| f(value)) {
            let payload = KeptPayload::new(payload);
            first.get_or_insert(payload);
        }
    }
    first
}

/// Drops the values one by one, in a destructor. All are dropped, and then the first panic of their destructors
/// continues, unless a panic unwinds already.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    if let Some(payload) = catch_each(values, drop).filter(|_| !thread::panicking()) {
        payload.resume();
    }
}

/// Drops the values one by one. The panic of a destructor is ignored, and the remaining values are still dropped.
pub(crate) fn drop_all<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        ignore_panic(|| drop(value));
    }
}
