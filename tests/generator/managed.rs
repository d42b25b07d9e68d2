//! Managed generators: one operation at a time, and a close when the last handle is dropped.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::block_on;
use tokio_test::{assert_pending, assert_ready_eq, task};
use withal::cleanup::{self, AbandonReason, CleanupEvent};
use withal::coroutine::{GeneratorExit, State, Thrown, Yielder};
use withal::generator::{Error, Hooks, ManagedGenerator, generator, shutdown_asyncgens, try_generator};

const LONG: Duration = Duration::from_secs(60);

type Log = Arc<Mutex<Vec<&'static str>>>;

fn entries(log: &Log) -> Vec<&'static str> {
    log.lock().unwrap().clone()
}

/// Counts, and logs the beginning and the end of its cleanup, which awaits.
fn counter(log: &Log) -> withal::generator::BoxAsyncGenerator<'static, u32> {
    let log = Arc::clone(log);
    generator(async move |mut y| {
        let mut n = 0;
        while y.yield_(n).await.is_ok() {
            n += 1;
        }
        log.lock().unwrap().push("closing");
        tokio::task::yield_now().await;
        log.lock().unwrap().push("closed");
        Err(GeneratorExit)
    })
    .boxed()
}

/// A managed [`counter`], and the pending closes that its finalizer hook receives.
fn managed_counter(log: &Log) -> (ManagedGenerator<u32>, Arc<Mutex<Vec<withal::generator::PendingClose>>>) {
    let finalized = Arc::default();
    let sink: Arc<Mutex<Vec<_>>> = Arc::clone(&finalized);
    let hooks = Hooks::default().firstiter(|_| ()).finalizer(move |close| sink.lock().unwrap().push(close));
    let log = Arc::clone(log);
    let managed = generator(async move |mut y: Yielder<'_, u32>| y.yield_from(counter(&log)).await);
    (managed.managed_with(hooks), finalized)
}

/// Observes the failure of a close with this error or panic message.
fn observe_failure(message: &'static str) -> (Arc<AtomicBool>, cleanup::ObserverGuard) {
    let seen = Arc::new(AtomicBool::new(false));
    let to = Arc::clone(&seen);
    let observer = cleanup::observe(move |event| {
        let text = match event {
            CleanupEvent::Failed { error, .. } => match error.downcast_ref::<Error<(), &str>>() {
                Some(Error::Raised(text)) => text,
                _ => return,
            },
            CleanupEvent::Panicked { payload, .. } => payload.downcast_ref::<&str>().copied().unwrap_or(""),
            _ => return,
        };
        if text == message {
            assert_eq!(event.name(), "async generator");
            to.store(true, Ordering::Relaxed);
        }
    });
    (seen, observer)
}

mod operations {
    use super::*;

    #[test]
    fn operations_work_as_those_of_a_pinned_generator() {
        let managed = try_generator(async |mut y| {
            let mut length = 0;
            loop {
                match y.yield_(length).await {
                    Ok(text) => length = str::len(text),
                    Err(Thrown::Error("soft")) => length = 99,
                    Err(thrown) => return Err(thrown),
                }
            }
        })
        .managed();
        assert_eq!(block_on(managed.asend("early")), Err(Error::NotStarted("early")));
        assert_eq!(block_on(managed.start()), Ok(Some(0)));
        assert_eq!(block_on(managed.start()), Err(Error::ValueExpected));
        assert_eq!(block_on(managed.asend("abc")), Ok(Some(3)));
        assert_eq!(block_on(managed.athrow("soft")), Ok(Some(99)));
        assert_eq!(managed.state(), Some(State::Suspended));
        assert_eq!(block_on(managed.athrow("hard")), Err(Error::Raised("hard")));
        assert_eq!(managed.state(), Some(State::Closed));
        assert_eq!(block_on(managed.start()), Ok(None));
        assert_eq!(block_on(managed.aclose()), Ok(()));
    }

    #[test]
    fn an_overlapping_operation_is_refused() {
        withal_test_support::expect_reports("async generator was abandoned: no runtime");
        let (tx, rx) = oneshot::channel();
        let managed = try_generator(async |mut y| {
            y.yield_(0).await?;
            y.yield_(rx.await.expect("sent below")).await?;
            Ok::<(), Thrown<&str>>(())
        })
        .managed();
        assert_eq!(block_on(managed.start()), Ok(Some(0)));
        let mut first = task::spawn(managed.asend("delivered"));
        assert_pending!(first.poll());
        assert_eq!(managed.state(), None);
        assert_eq!(block_on(managed.asend("returned")), Err(Error::Running(Some("returned"))));
        assert_eq!(block_on(managed.start()), Err(Error::Running(None)));
        assert_eq!(block_on(managed.athrow("dropped")), Err(Error::Running(None)));
        let closed = block_on(managed.aclose()).unwrap_err();
        assert_eq!(closed, Error::Running(None));
        assert!(closed.is_running() && !closed.is_generator_exit());
        assert_eq!(closed.to_string(), "asynchronous generator is already running");
        tx.send(7).unwrap();
        assert!(first.is_woken());
        assert_ready_eq!(first.poll(), Ok(Some(7)));
        assert_eq!(managed.state(), Some(State::Suspended));
    }

    #[test]
    fn an_operation_of_its_own_body_is_refused() {
        withal_test_support::expect_reports("async generator was abandoned: no runtime");
        let me = Arc::new(Mutex::new(None::<ManagedGenerator<bool>>));
        let mine = Arc::downgrade(&me);
        let managed = generator(async move |mut y| {
            let again = mine.upgrade().unwrap().lock().unwrap().as_ref().unwrap().anext();
            y.yield_(again.await == Err(Error::Running(None))).await
        })
        .managed();
        *me.lock().unwrap() = Some(managed.clone());
        assert_eq!(block_on(managed.anext()), Ok(Some(true)));
    }

    #[test]
    fn an_operation_that_was_not_polled_does_not_block_others() {
        withal_test_support::expect_reports("async generator was abandoned: no runtime");
        let managed = counter(&Log::default());
        let managed = generator(async |mut y| y.yield_from(managed).await).managed();
        let (first, second) = (managed.anext(), managed.anext());
        assert_eq!(managed.state(), Some(State::Created));
        assert_eq!(block_on(second), Ok(Some(0)));
        assert_eq!(block_on(first), Ok(Some(1)));
    }

    #[test]
    fn a_dropped_operation_returns_the_generator_and_loses_nothing() {
        withal_test_support::expect_reports("async generator was abandoned: no runtime");
        let (tx, rx) = oneshot::channel();
        let managed = generator(async |mut y| {
            y.yield_(rx.await.expect("sent below")).await?;
            Ok(())
        })
        .managed();
        assert!(managed.anext().now_or_never().is_none());
        assert_eq!(managed.state(), Some(State::Running));
        tx.send(5).unwrap();
        assert_eq!(block_on(managed.anext()), Ok(Some(5)));
    }

    #[test]
    fn a_panic_returns_the_generator() {
        let managed = generator(async |_: Yielder<'_, u8>| panic!("in the body")).managed();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(managed.anext())));
        assert!(panics.is_err());
        assert_eq!(managed.state(), Some(State::Closed));
        assert_eq!(block_on(managed.anext()), Ok(None));
    }

    #[test]
    fn clones_are_handles_to_the_same_generator() {
        let (managed, _) = managed_counter(&Log::default());
        let other = managed.clone();
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        assert_eq!(block_on(other.anext()), Ok(Some(1)));
        assert_eq!(block_on(managed.anext()), Ok(Some(2)));
    }
}

mod finalizer {
    use super::*;

    #[test]
    fn finalizer_is_called_when_the_last_handle_is_dropped() {
        let log = Log::default();
        let (managed, finalized) = managed_counter(&log);
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        let (other, operation) = (managed.clone(), managed.anext());
        drop(managed);
        drop(other);
        assert!(finalized.lock().unwrap().is_empty(), "an operation is a handle too");
        drop(operation);
        let close = finalized.lock().unwrap().pop().expect("the generator was dropped before its end");
        assert!(entries(&log).is_empty());
        assert!(block_on(close).is_ok());
        assert_eq!(entries(&log), ["closing", "closed"]);
    }

    #[test]
    fn finalizer_is_called_for_a_step_in_progress() {
        let finalized = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&finalized);
        let managed = generator(async |mut y: Yielder<'_, u8>| y.interruptible(pending()).await)
            .managed_with(Hooks::default().finalizer(move |close| sink.lock().unwrap().push(close)));
        assert!(managed.anext().now_or_never().is_none());
        drop(managed);
        let close = finalized.lock().unwrap().pop().expect("the generator was dropped before its end");
        assert!(block_on(close).is_ok());
    }

    #[test]
    fn finalizer_is_not_called_before_the_start_or_after_the_end() {
        let log = Log::default();
        let (fresh, finalized) = managed_counter(&log);
        drop(fresh.anext());
        drop(fresh);
        assert!(finalized.lock().unwrap().is_empty());
        let (closed, finalized) = managed_counter(&log);
        assert_eq!(block_on(closed.anext()), Ok(Some(0)));
        assert_eq!(block_on(closed.aclose()), Ok(()));
        drop(closed);
        assert!(finalized.lock().unwrap().is_empty());
    }

    #[test]
    fn dropping_a_pending_close_drops_the_body() {
        let log = Log::default();
        let (managed, finalized) = managed_counter(&log);
        let weak = Arc::downgrade(&log);
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        finalized.lock().unwrap().clear();
        assert!(entries(&log).is_empty());
        drop(log);
        assert!(weak.upgrade().is_none(), "the body has been dropped");
    }

    #[test]
    fn a_pending_close_returns_its_error() {
        let finalized = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&finalized);
        let managed = generator(async |mut y: Yielder<'_, u8>| {
            _ = y.yield_(1).await;
            y.yield_(2).await
        })
        .managed_with(Hooks::default().finalizer(move |close| sink.lock().unwrap().push(close)));
        assert_eq!(block_on(managed.anext()), Ok(Some(1)));
        drop(managed);
        let close = finalized.lock().unwrap().pop().expect("the generator was dropped before its end");
        let failed = block_on(close).unwrap_err();
        let failed = failed.downcast_ref::<Error<(), std::convert::Infallible>>();
        assert_eq!(failed, Some(&Error::IgnoredExit));
    }
}

mod on_a_runtime {
    use super::*;

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn a_dropped_generator_is_closed() {
        let log = Log::default();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(managed.anext().await, Ok(Some(0)));
        drop(managed);
        assert!(entries(&log).is_empty(), "the destructor does not close it");
        assert_eq!(cleanup::pending(), 1);
        cleanup::drain(LONG).await.unwrap();
        assert_eq!(entries(&log), ["closing", "closed"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn a_generator_dropped_with_its_task_is_closed() {
        let log = Log::default();
        let body = counter(&log);
        let task = tokio::spawn(async move {
            let managed = generator(async |mut y| y.yield_from(body).await).managed();
            assert_eq!(managed.anext().await, Ok(Some(0)));
            pending::<()>().await;
            drop(managed);
        });
        while !task.is_finished() && cleanup::pending() == 0 {
            task.abort();
            tokio::task::yield_now().await;
        }
        assert!(task.await.unwrap_err().is_cancelled());
        cleanup::drain(LONG).await.unwrap();
        // Empty if the task was aborted before the generator had started.
        assert!(matches!(*entries(&log), [] | ["closing", "closed"]));
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn observers_are_notified_of_a_close_that_fails() {
        let (seen, _observer) = observe_failure("cleanup failed");
        let managed = try_generator(async |mut y: Yielder<'_, u8, (), Thrown<&str>>| {
            _ = y.yield_(1).await;
            Err("cleanup failed".into())
        })
        .managed();
        assert_eq!(managed.anext().await, Ok(Some(1)));
        drop(managed);
        cleanup::drain(LONG).await.unwrap();
        assert!(seen.load(Ordering::Relaxed));
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn observers_are_notified_of_a_close_that_panics() {
        let (seen, _observer) = observe_failure("cleanup panicked");
        let managed = generator(async |mut y: Yielder<'_, u8>| {
            _ = y.yield_(1).await;
            std::panic::panic_any("cleanup panicked")
        })
        .managed();
        assert_eq!(managed.anext().await, Ok(Some(1)));
        drop(managed);
        cleanup::drain(LONG).await.unwrap();
        assert!(seen.load(Ordering::Relaxed));
    }

    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn a_generator_dropped_outside_a_runtime_is_closed_on_the_runtime_of_its_first_iteration() {
        let log = Log::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(runtime.block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        runtime.block_on(cleanup::drain(LONG)).unwrap();
        assert_eq!(entries(&log), ["closing", "closed"]);
    }

    /// The body may use resources of that runtime, such as a timer or a socket.
    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn a_generator_dropped_on_another_runtime_is_closed_on_the_runtime_of_its_first_iteration() {
        let log = Log::default();
        let first = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(first.block_on(managed.anext()), Ok(Some(0)));
        other.block_on(async {
            drop(managed);
            cleanup::drain(LONG).await.unwrap();
        });
        drop(other);
        assert!(entries(&log).is_empty());
        first.block_on(cleanup::drain(LONG)).unwrap();
        assert_eq!(entries(&log), ["closing", "closed"]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn without_a_runtime_the_close_is_abandoned() {
        let log = Log::default();
        let abandoned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&abandoned);
        let here = std::thread::current().id();
        let _observer = cleanup::observe(move |event| {
            let is_abandoned =
                matches!(event, CleanupEvent::Abandoned { reason: AbandonReason::NoRuntime, .. });
            if is_abandoned && event.name() == "async generator" && std::thread::current().id() == here {
                seen.store(true, Ordering::Relaxed);
            }
        });
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        assert!(abandoned.load(Ordering::Relaxed));
        assert!(entries(&log).is_empty());
    }
}

mod first_iteration {
    use super::*;

    #[test]
    fn firstiter_is_called_once_at_the_first_poll_of_any_operation() {
        let operations: [fn(&ManagedGenerator<u8>); 5] = [
            |managed| drop(block_on(managed.anext())),
            |managed| drop(block_on(managed.start())),
            |managed| drop(block_on(managed.asend(()))),
            |managed| drop(block_on(managed.athrow(GeneratorExit))),
            |managed| drop(block_on(managed.aclose())),
        ];
        for operate in operations {
            let calls = Arc::new(Mutex::new(0));
            let counts = Arc::clone(&calls);
            let hooks = Hooks::default().firstiter(move |_| *counts.lock().unwrap() += 1).finalizer(drop);
            let managed = generator(async |mut y| y.yield_(1).await).managed_with(hooks);
            drop(managed.anext());
            assert_eq!(*calls.lock().unwrap(), 0);
            operate(&managed);
            operate(&managed);
            assert_eq!(*calls.lock().unwrap(), 1);
        }
    }

    #[test]
    fn firstiter_receives_a_weak_handle_that_can_close() {
        let started = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&started);
        let hooks = Hooks::default()
            .firstiter(move |generator| sink.lock().unwrap().push(generator.clone()))
            .finalizer(drop);
        let log = Log::default();
        let make = || {
            let body = counter(&log);
            generator(async |mut y: Yielder<'_, u32>| y.yield_from(body).await).managed_with(hooks.clone())
        };
        let (closed, dropped) = (make(), make());
        assert_eq!(block_on(closed.anext()), Ok(Some(0)));
        assert_eq!(block_on(dropped.anext()), Ok(Some(0)));
        drop(dropped);
        let started = started.lock().unwrap();
        assert!(started[0].is_alive());
        assert!(block_on(started[0].aclose()).is_ok());
        assert_eq!(closed.state(), Some(State::Closed));
        assert_eq!(entries(&log), ["closing", "closed"]);
        assert!(!started[1].is_alive());
        assert!(block_on(started[1].aclose()).is_ok());
    }
}

mod shutdown {
    use super::*;

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn generators_with_handles_are_closed() {
        let log = Log::default();
        let (held, fresh, ended) = (counter(&log), counter(&log), counter(&log));
        let held = generator(async |mut y| y.yield_from(held).await).managed();
        let fresh = generator(async |mut y| y.yield_from(fresh).await).managed();
        let ended = generator(async |mut y| y.yield_from(ended).await).managed();
        assert_eq!(held.anext().await, Ok(Some(0)));
        assert_eq!(ended.anext().await, Ok(Some(0)));
        assert_eq!(ended.aclose().await, Ok(()));
        log.lock().unwrap().clear();
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(entries(&log), ["closing", "closed"], "one of the three was suspended");
        assert_eq!(held.state(), Some(State::Closed));
        assert_eq!(fresh.state(), Some(State::Created));
        assert_eq!(held.anext().await, Ok(None));
        shutdown_asyncgens(LONG).await.unwrap();
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn generators_of_other_runtimes_are_not_closed() {
        let log = Log::default();
        let body = counter(&log);
        let theirs = generator(async |mut y| y.yield_from(body).await).managed();
        let iterated = theirs.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(runtime.block_on(iterated.anext()), Ok(Some(0))));
        });
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(theirs.state(), Some(State::Suspended));
        let theirs_too = theirs.clone();
        std::thread::spawn(move || {
            runtime.block_on(shutdown_asyncgens(LONG)).unwrap();
            assert_eq!(theirs_too.state(), Some(State::Closed));
        })
        .join()
        .unwrap();
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn closing_a_running_generator_is_reported_as_a_failure() {
        withal_test_support::expect_reports("async generator was abandoned: its runtime shut down");
        let failed = Arc::new(AtomicBool::new(false));
        let sees = Arc::clone(&failed);
        let _observer = cleanup::observe(move |event| {
            if let CleanupEvent::Failed { error, .. } = event {
                let running = error.downcast_ref::<Error<(), std::num::ParseIntError>>();
                sees.fetch_or(running == Some(&Error::Running(None)), Ordering::Relaxed);
            }
        });
        let managed = try_generator(async |mut y: Yielder<'_, u8, (), Thrown<std::num::ParseIntError>>| {
            y.interruptible(pending()).await
        })
        .managed();
        let mut operation = task::spawn(managed.anext());
        assert_pending!(operation.poll());
        shutdown_asyncgens(LONG).await.unwrap();
        assert!(failed.load(Ordering::Relaxed));
        assert_pending!(operation.poll());
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn a_second_shutdown_closes_a_generator_that_was_running() {
        withal_test_support::expect_reports("async generator failed: Running");
        let (tx, rx) = oneshot::channel::<()>();
        let managed = generator(async |mut y: Yielder<'_, u8>| {
            y.interruptible(rx).await?.expect("sent below");
            y.yield_(1).await
        })
        .managed();
        let mut operation = task::spawn(managed.anext());
        assert_pending!(operation.poll());
        shutdown_asyncgens(LONG).await.unwrap();
        tx.send(()).unwrap();
        assert_ready_eq!(operation.poll(), Ok(Some(1)));
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(managed.state(), Some(State::Closed));
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn a_close_in_progress_is_awaited_and_not_repeated() {
        let (tx, rx) = oneshot::channel::<()>();
        let failed = Arc::new(AtomicBool::new(false));
        let to = Arc::clone(&failed);
        let _observer = cleanup::observe(move |event| {
            if let CleanupEvent::Failed { error, .. } = event {
                to.fetch_or(error.is::<Error<(), std::fmt::Error>>(), Ordering::Relaxed);
            }
        });
        let managed = try_generator(async |mut y: Yielder<'_, u8, (), Thrown<std::fmt::Error>>| {
            _ = y.yield_(1).await;
            rx.await.expect("sent below");
            Ok(())
        })
        .managed();
        assert_eq!(managed.anext().await, Ok(Some(1)));
        assert!(shutdown_asyncgens(Duration::ZERO).await.is_err());
        tokio::task::yield_now().await;
        assert_eq!(managed.state(), None, "the close is in progress");
        assert!(shutdown_asyncgens(Duration::ZERO).await.is_err());
        tokio::task::yield_now().await;
        tx.send(()).unwrap();
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(managed.state(), Some(State::Closed));
        assert!(!failed.load(Ordering::Relaxed), "no close has failed");
    }

    /// The finalizer must not start an abandoned close again, with another grace period and another report.
    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn a_close_that_hangs_is_abandoned_once() {
        struct SetOnDrop(Arc<AtomicBool>);
        impl Drop for SetOnDrop {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let is_dropped = Arc::new(AtomicBool::new(false));
        let guard = SetOnDrop(Arc::clone(&is_dropped));
        let here = std::thread::current().id();
        let lost = Arc::new(Mutex::new(0));
        let to = Arc::clone(&lost);
        let _observer = cleanup::observe(move |event| {
            if matches!(event, CleanupEvent::Abandoned { .. }) && std::thread::current().id() == here {
                *to.lock().unwrap() += 1;
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let managed = generator(async move |mut y: Yielder<'_, u8>| {
            let _guard = guard;
            _ = y.yield_(1).await;
            pending().await
        })
        .managed();
        assert_eq!(runtime.block_on(managed.anext()), Ok(Some(1)));
        runtime.block_on(async {
            assert!(shutdown_asyncgens(Duration::ZERO).await.is_err());
            // The close starts here.
            tokio::task::yield_now().await;
        });
        drop(managed);
        assert!(!is_dropped.load(Ordering::Relaxed), "the close is in progress");
        drop(runtime);
        assert!(is_dropped.load(Ordering::Relaxed));
        assert_eq!(*lost.lock().unwrap(), 1);
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn dead_generators_are_removed_from_the_registry() {
        for _ in 0..200 {
            let managed = generator(async |mut y| y.yield_(1).await).managed();
            assert_eq!(managed.anext().await, Ok(Some(1)));
            assert_eq!(managed.anext().await, Ok(None));
        }
        let last = generator(async |mut y| y.yield_(1).await).managed();
        assert_eq!(last.anext().await, Ok(Some(1)));
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(last.state(), Some(State::Closed));
    }
}
