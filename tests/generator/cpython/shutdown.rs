//! The end of a program: `shutdown_asyncgens`, the hooks, and the reports of failed closes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup::{self, CleanupEvent};
use withal::coroutine::{State, Thrown, Yielder};
use withal::generator::{Error, Hooks, ManagedGenerator, generator, shutdown_asyncgens, try_generator};

use super::ZeroDivision;

const LONG: Duration = Duration::from_secs(60);

type Messages = Arc<Mutex<Vec<String>>>;

/// asyncio's exception handler. Observers are process-wide, so it keeps to the events of its thread: each test has a
/// runtime on a thread of its own.
fn exception_handler() -> (Messages, cleanup::ObserverGuard) {
    let messages = Messages::default();
    let (to, here) = (Arc::clone(&messages), std::thread::current().id());
    let observer = cleanup::observe(move |event| {
        if std::thread::current().id() != here {
            return;
        }
        let what = match event {
            CleanupEvent::Failed { error, .. } => match error.downcast_ref::<Error<(), ZeroDivision>>() {
                Some(error) => format!("{event}: {error:?}"),
                None => format!("{event}: an error of another type"),
            },
            _ => event.to_string(),
        };
        to.lock().unwrap().push(what);
    });
    (messages, observer)
}

/// A generator whose cleanup fails.
fn fails() -> ManagedGenerator<u32, (), Thrown<ZeroDivision>> {
    let body = async |mut y: Yielder<'_, u32, (), Thrown<ZeroDivision>>| {
        let _ = async {
            y.yield_(1).await?;
            y.yield_(2).await
        }
        .await;
        Err(ZeroDivision.into())
    };
    try_generator(body).managed()
}

const FAILED: [&str; 1] = ["cleanup async generator failed: Raised(ZeroDivision)"];

#[tokio::test(start_paused = true)]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_shutdown_01_abandoned_by_cancelled_tasks() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let (began, finalized) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let wait = || {
        let counts = Arc::clone(&finalized);
        tokio::spawn(async move {
            let waiter = generator(async move |mut y| {
                let outcome = async {
                    y.interruptible(sleep(TIMEOUT)).await?;
                    y.yield_(1).await
                };
                let outcome = outcome.await;
                yield_now().await;
                counts.fetch_add(1, Ordering::Relaxed);
                outcome
            })
            .managed();
            while let Ok(Some(_)) = waiter.anext().await {}
        })
    };
    let (t1, t2) = (wait(), wait());
    sleep(TIMEOUT / 10).await;
    t1.abort();
    t2.abort();
    assert!(t1.await.unwrap_err().is_cancelled());
    assert!(t2.await.unwrap_err().is_cancelled());
    shutdown_asyncgens(LONG).await.unwrap();
    assert_eq!(finalized.load(Ordering::Relaxed), 2);
    assert_eq!(began.elapsed(), TIMEOUT / 10, "their sleeps were interrupted");
}

#[tokio::test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_shutdown_02_reports_nothing() {
    let (messages, _observer) = exception_handler();
    let it = generator(async |mut y| {
        y.yield_(1).await?;
        y.yield_(2).await
    })
    .managed();
    assert_eq!(it.anext().await, Ok(Some(1)));
    shutdown_asyncgens(LONG).await.unwrap();
    assert_eq!(it.state(), Some(State::Closed));
    assert!(messages.lock().unwrap().is_empty());
}

#[tokio::test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_shutdown_exception_01_reported() {
    let (messages, _observer) = exception_handler();
    let it = fails();
    assert_eq!(it.anext().await, Ok(Some(1)));
    assert!(messages.lock().unwrap().is_empty());
    shutdown_asyncgens(LONG).await.unwrap();
    assert_eq!(*messages.lock().unwrap(), FAILED);
    assert_eq!(it.state(), Some(State::Closed));
}

#[tokio::test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
async fn asyncio_shutdown_exception_02_of_a_dropped_generator_reported() {
    let (messages, _observer) = exception_handler();
    let it = fails();
    assert_eq!(it.anext().await, Ok(Some(1)));
    drop(it);
    shutdown_asyncgens(LONG).await.unwrap();
    assert_eq!(*messages.lock().unwrap(), FAILED);
}

/// `asyncio.run` is a runtime with `shutdown_asyncgens` at its end. Its drop cancels the remaining tasks, one of which may
/// be a close that has not started.
#[test]
#[cfg_attr(miri, ignore = "the runtime does I/O")]
fn nonstarted_hooks_are_cancellable_and_report_nothing() {
    let (messages, _observer) = exception_handler();
    let held = Arc::new(());
    let async_iterate = || {
        let held = Arc::clone(&held);
        generator(async move |mut y| {
            y.yield_(1).await?;
            y.yield_(2).await?;
            drop(held);
            Ok(())
        })
    };
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let it = async_iterate().managed();
        assert_eq!(it.anext().await, Ok(Some(1)));
        drop(it);

        let (to, dropped) = mpsc::channel();
        let it = async_iterate()
            .managed_with(Hooks::default().finalizer(move |closing| to.send(closing).unwrap()));
        assert_eq!(it.anext().await, Ok(Some(1)));
        drop(it);
        let nonstarted = tokio::spawn(dropped.try_recv().unwrap());
        nonstarted.abort();
        assert!(nonstarted.await.unwrap_err().is_cancelled());

        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "both bodies have been dropped");
    });
    drop(runtime);
    assert!(messages.lock().unwrap().is_empty());
}
