use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::job::CleanupOutput;
use crate::panic::{drop_all, ignore_panic};

thread_local! {
    /// The local futures of this thread. No user code runs while they are borrowed.
    static FUTURES: RefCell<Futures> = RefCell::default();
}

/// Futures by their keys, each a [`BoxedFuture`].
#[derive(Default)]
struct Futures(HashMap<u64, Box<dyn Any>>);

impl Drop for Futures {
    /// A panic at the end of a thread would abort the process.
    fn drop(&mut self) {
        drop_all(mem::take(&mut self.0).into_values());
    }
}

/// The next key. It only has to be unique, so Relaxed suffices.
static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

type BoxedFuture<O> = Pin<Box<dyn Future<Output = O>>>;

/// The key of a future that is not `Send`, and that stays on its thread. The key is `Send`, so that a cleanup can own
/// it.
///
/// On another thread, the key finds no future: a poll there returns [`OtherThread`]. The future is dropped with
/// its key, or at the end of its thread if the key is dropped on another one.
pub(crate) struct LocalFuture<O> {
    key: u64,
    output: PhantomData<fn() -> O>,
}

impl<O: 'static> LocalFuture<O> {
    pub(crate) fn new(future: impl Future<Output = O> + 'static) -> Self {
        let future: BoxedFuture<O> = Box::pin(future);
        let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
        insert(key, Box::new(future));
        Self { key, output: PhantomData }
    }
}

impl<O: 'static> Future for LocalFuture<O> {
    type Output = Result<O, OtherThread>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut stored) = remove(self.key) else { return Poll::Ready(Err(OtherThread)) };
        let future = stored.downcast_mut::<BoxedFuture<O>>().expect("the key is that of this type");
        // If it panics, the future is dropped by the unwinding.
        let polled = future.as_mut().poll(cx).map(Ok);
        if polled.is_pending() {
            insert(self.key, stored);
        }
        polled
    }
}

impl<O> Drop for LocalFuture<O> {
    fn drop(&mut self) {
        ignore_panic(|| drop(remove(self.key)));
    }
}

/// Stores a future under its key. While the thread ends, drops it instead.
fn insert(key: u64, future: Box<dyn Any>) {
    let mut future = Some(future);
    let inserted = FUTURES.try_with(|futures| futures.borrow_mut().0.insert(key, future.take()?));
    if inserted.is_err() {
        ignore_panic(|| drop(future));
    }
}

fn remove(key: u64) -> Option<Box<dyn Any>> {
    FUTURES.try_with(|futures| futures.borrow_mut().0.remove(&key)).ok()?
}

/// The error of a local future that was polled on a thread other than its own.
#[derive(Clone, Copy)]
pub(crate) struct OtherThread;

impl Debug for OtherThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime has moved to another thread, and the manager is not `Send`")
    }
}

impl<O: CleanupOutput> CleanupOutput for Result<O, OtherThread> {
    fn result(&self) -> Result<(), (&(dyn Any + Send), &dyn Debug)> {
        match self {
            Ok(output) => output.result(),
            Err(error) => Err((error, error)),
        }
    }

    fn dispose(self) {
        if let Ok(output) = self {
            output.dispose();
        }
    }
}
