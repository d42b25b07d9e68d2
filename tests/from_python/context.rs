//! Context managers, and locks as context managers.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Barrier, Mutex, Semaphore, mpsc, watch};
use withal::context::{
    AsyncClose, AsyncContextManager, AsyncContextManagerExt, AsyncExitStack, AsyncGuard, Detach, ExitReason,
    aclosing, async_with, asynccontextmanager, closing, decorate, nullcontext, on_exit, suppress,
};
use withal::resources::{FileError, temp_dir};

use crate::E;

/// A manager that suppresses errors.
#[derive(Default)]
struct M(u32);

impl AsyncContextManager for M {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, E> {
        Ok(self)
    }
}

impl AsyncGuard for M {
    type Target = u32;
    type Error = E;
    type Suppression = bool;
    type OnDrop = Detach;

    fn target(&mut self) -> &mut u32 {
        &mut self.0
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<bool, E> {
        Ok(true)
    }
}

#[tokio::test]
async fn blocks() -> Result<(), Box<dyn Error + Send + Sync>> {
    let m = M(1);
    assert_eq!(async_with!(x = m => { *x })?, Some(1));

    for _ in 0..2 {
        let m = M(1);
        async_with!(loop; x = m => {
            if *x == 1 {
                break;
            }
        })?;
        unreachable!("it was left");
    }

    let m = M(1);
    let value = async_with(m, async |x| {
        *x += 1;
        Err::<(), _>(E)
    })
    .await?;
    assert_eq!(value, None);

    let m = M(1);
    let shielded = m.shield_enter();
    assert_eq!(async_with!(x = shielded => { *x })?, Some(1));
    Ok(())
}

#[tokio::test]
async fn several() -> Result<(), E> {
    let (a, b) = (M(1), M(2));
    assert_eq!(async_with!(x = a, y = b => { *x + *y })?, Some(Some(3)));
    Ok(())
}

#[tokio::test]
async fn functions() {
    let m = asynccontextmanager(async |y| {
        let x = 7;
        let (_x, outcome) = y.yield_(x).await;
        if outcome.is_ok() { Ok(()) } else { Err(E) }
    });
    assert_eq!(async_with!(x = m => { *x }), Ok(7));

    let m = M(1);
    assert_eq!(async_with!(_ = Some(m) => { 7 }), Ok(Some(7)));

    let (x, close) = (7, async |_x, _exit| Ok::<(), E>(()));
    assert_eq!(async_with!(x = on_exit(x, close) => { *x }), Ok(7));

    let (manager, function) = (|| M(1), async |text: &str| text.parse::<u32>());
    let decorated = decorate(manager, function);
    assert_eq!(decorated.call("7").await.unwrap(), Some(7));
}

#[tokio::test]
async fn stacks() -> Result<(), Box<dyn Error + Send + Sync>> {
    let exit = async |_: ExitReason<'_>| Ok::<_, E>(());
    let callback = || async {};
    let kept = async_with!(stack = AsyncExitStack::new() => {
        let m = M(1);
        let mut lent = stack.enter_async_context(m).await?;
        assert_eq!(*lent.target(), 1);
        drop(lent);
        stack.push_async_exit(exit);
        stack.push_async_callback(callback);
        let callback = || {};
        stack.callback(callback);
        stack.pop_all()
    })?;
    let stack = kept.expect("no error is suppressed");
    stack.aclose().await?;
    Ok(())
}

#[tokio::test]
async fn temporary_directories() -> Result<(), FileError> {
    let is_there = async_with!(path = temp_dir() => { path.is_dir() })?;
    assert!(is_there);
    Ok(())
}

#[tokio::test]
async fn small_ones() {
    struct Thing;
    impl AsyncClose for Thing {
        type Error = E;
        async fn close(&mut self) -> Result<(), E> {
            Err(E)
        }
    }
    let thing = Thing;
    assert_eq!(async_with!(_ = aclosing(thing) => {}), Err(E));
    let (thing, is_closed) = (7, Arc::new(AtomicBool::new(false)));
    let closed = Arc::clone(&is_closed);
    let close = move |_| closed.store(true, Ordering::Relaxed);
    assert_eq!(async_with!(x = closing(thing, close) => { *x }), 7);
    assert!(is_closed.load(Ordering::Relaxed));
    let x = 7;
    assert_eq!(async_with!(x = nullcontext(x) => { *x }), 7);
    let suppressed =
        async || -> Result<Option<()>, E> { Ok(async_with!(() = suppress(|_: &E| true) => { Err(E)? })) };
    assert_eq!(suppressed().await, Ok(None));
}

#[tokio::test]
async fn locks_events_queues() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mutex = Mutex::new(1);
    {
        let guard = mutex.lock().await;
        assert_eq!(*guard, 1);
    }
    assert_eq!(async_with!(value = &mutex => { *value }), 1);
    let semaphore = Semaphore::new(1);
    {
        let permit = semaphore.acquire().await?;
        drop(permit);
    }
    async_with!(_ = &semaphore => { assert_eq!(semaphore.available_permits(), 0); })?;

    let (event, mut is_set) = watch::channel(false);
    event.send(true)?;
    is_set.changed().await?;
    let (state, mut watched) = watch::channel(0);
    state.send(1)?;
    assert_eq!(*watched.wait_for(|state| *state > 0).await?, 1);

    let n = 1;
    let (to, mut from) = mpsc::channel(n);
    to.send(7).await?;
    assert_eq!(from.recv().await, Some(7));
    let (to, mut from) = mpsc::unbounded_channel();
    to.send(7)?;
    assert_eq!(from.recv().await, Some(7));
    assert!(Barrier::new(n).wait().await.is_leader());
    Ok(())
}
