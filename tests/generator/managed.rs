//! The generator that is shared: one operation at a time, and closed when its last handle goes.

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

fn told(log: &Log) -> Vec<&'static str> {
    log.lock().unwrap().clone()
}

/// Counts, and says when it is told to exit; on its way out it awaits.
fn counter(log: &Log) -> withal::generator::BoxAsyncGenerator<'static, u32> {
    let log = Arc::clone(log);
    generator(async move |mut y| {
        let mut n = 0;
        while y.yield_(n).await.is_ok() {
            n += 1;
        }
        log.lock().unwrap().push("told");
        tokio::task::yield_now().await;
        log.lock().unwrap().push("closed");
        Err(GeneratorExit)
    })
    .boxed()
}

/// The same, shared; its closing goes to the test.
fn kept(log: &Log) -> (ManagedGenerator<u32>, Arc<Mutex<Vec<withal::generator::PendingClose>>>) {
    let closings = Arc::default();
    let to: Arc<Mutex<Vec<_>>> = Arc::clone(&closings);
    let hooks = Hooks::default().firstiter(|_| ()).finalizer(move |closing| to.lock().unwrap().push(closing));
    let log = Arc::clone(log);
    let managed = generator(async move |mut y: Yielder<'_, u32>| y.yield_from(counter(&log)).await);
    (managed.managed_with(hooks), closings)
}

/// What the observers are told of generators that say so by an error or panic of this text.
fn observed(of: &'static str) -> (Arc<AtomicBool>, cleanup::ObserverGuard) {
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
        if text == of {
            assert_eq!(event.name(), "async generator");
            to.store(true, Ordering::Relaxed);
        }
    });
    (seen, observer)
}

mod operations {
    use super::*;

    #[test]
    fn as_those_of_a_pinned_one() {
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
    fn a_second_one_at_once_is_refused() {
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
        assert_eq!(block_on(managed.asend("kept")), Err(Error::Running(Some("kept"))));
        assert_eq!(block_on(managed.start()), Err(Error::Running(None)));
        assert_eq!(block_on(managed.athrow("unheard")), Err(Error::Running(None)));
        let closed = block_on(managed.aclose()).unwrap_err();
        assert_eq!(closed, Error::Running(None));
        assert_eq!(closed.to_string(), "asynchronous generator is already running");
        tx.send(7).unwrap();
        assert!(first.is_woken());
        assert_ready_eq!(first.poll(), Ok(Some(7)));
        assert_eq!(managed.state(), Some(State::Suspended));
    }

    #[test]
    fn its_own_body_is_refused() {
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
    fn made_but_not_polled_it_holds_nothing_up() {
        let managed = counter(&Log::default());
        let managed = generator(async |mut y| y.yield_from(managed).await).managed();
        let (first, second) = (managed.anext(), managed.anext());
        assert_eq!(managed.state(), Some(State::Created));
        assert_eq!(block_on(second), Ok(Some(0)));
        assert_eq!(block_on(first), Ok(Some(1)));
    }

    #[test]
    fn a_dropped_one_gives_the_generator_back_and_loses_nothing() {
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
    fn a_panic_gives_it_back_too() {
        let managed = generator(async |_: Yielder<'_, u8>| panic!("in the body")).managed();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(managed.anext())));
        assert!(panics.is_err());
        assert_eq!(managed.state(), Some(State::Closed));
        assert_eq!(block_on(managed.anext()), Ok(None));
    }

    #[test]
    fn clones_are_handles_on_the_same() {
        let (managed, _) = kept(&Log::default());
        let other = managed.clone();
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        assert_eq!(block_on(other.anext()), Ok(Some(1)));
        assert_eq!(block_on(managed.anext()), Ok(Some(2)));
    }
}

mod finalizer {
    use super::*;

    #[test]
    fn called_when_the_last_handle_goes() {
        let log = Log::default();
        let (managed, closings) = kept(&log);
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        let (other, operation) = (managed.clone(), managed.anext());
        drop(managed);
        drop(other);
        assert!(closings.lock().unwrap().is_empty(), "an operation is a handle, too");
        drop(operation);
        let closing = closings.lock().unwrap().pop().expect("it was dropped unfinished");
        assert!(told(&log).is_empty());
        assert!(block_on(closing).is_ok());
        assert_eq!(told(&log), ["told", "closed"]);
    }

    #[test]
    fn called_for_a_step_under_way() {
        let closings = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&closings);
        let managed = generator(async |mut y: Yielder<'_, u8>| y.interruptible(pending()).await)
            .managed_with(Hooks::default().finalizer(move |closing| to.lock().unwrap().push(closing)));
        assert!(managed.anext().now_or_never().is_none());
        drop(managed);
        let closing = closings.lock().unwrap().pop().expect("it was dropped unfinished");
        assert!(block_on(closing).is_ok());
    }

    #[test]
    fn not_called_for_what_has_not_begun_or_has_ended() {
        let log = Log::default();
        let (fresh, closings) = kept(&log);
        drop(fresh.anext());
        drop(fresh);
        assert!(closings.lock().unwrap().is_empty());
        let (closed, closings) = kept(&log);
        assert_eq!(block_on(closed.anext()), Ok(Some(0)));
        assert_eq!(block_on(closed.aclose()), Ok(()));
        drop(closed);
        assert!(closings.lock().unwrap().is_empty());
    }

    #[test]
    fn a_closing_that_is_dropped_drops_the_body() {
        let log = Log::default();
        let (managed, closings) = kept(&log);
        let weak = Arc::downgrade(&log);
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        closings.lock().unwrap().clear();
        assert!(told(&log).is_empty());
        drop(log);
        assert!(weak.upgrade().is_none(), "nothing of the body is left");
    }

    #[test]
    fn a_closing_tells_how_it_failed() {
        let closings = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&closings);
        let managed = generator(async |mut y: Yielder<'_, u8>| {
            _ = y.yield_(1).await;
            y.yield_(2).await
        })
        .managed_with(Hooks::default().finalizer(move |closing| to.lock().unwrap().push(closing)));
        assert_eq!(block_on(managed.anext()), Ok(Some(1)));
        drop(managed);
        let closing = closings.lock().unwrap().pop().expect("it was dropped unfinished");
        let failed = block_on(closing).unwrap_err();
        let failed = failed.downcast_ref::<Error<(), std::convert::Infallible>>();
        assert_eq!(failed, Some(&Error::IgnoredExit));
    }
}

mod on_a_runtime {
    use super::*;

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn dropped_it_is_closed() {
        let log = Log::default();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(managed.anext().await, Ok(Some(0)));
        drop(managed);
        assert!(told(&log).is_empty(), "not in the destructor");
        assert_eq!(cleanup::pending(), 1);
        cleanup::drain(LONG).await.unwrap();
        assert_eq!(told(&log), ["told", "closed"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn dropped_with_its_task_it_is_closed() {
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
        // Aborted before it began, there was nothing to close.
        assert!(matches!(*told(&log), [] | ["told", "closed"]));
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn observers_are_told_of_one_that_fails() {
        let (seen, _observer) = observed("fails on its way out");
        let managed = try_generator(async |mut y: Yielder<'_, u8, (), Thrown<&str>>| {
            _ = y.yield_(1).await;
            Err("fails on its way out".into())
        })
        .managed();
        assert_eq!(managed.anext().await, Ok(Some(1)));
        drop(managed);
        cleanup::drain(LONG).await.unwrap();
        assert!(seen.load(Ordering::Relaxed));
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn observers_are_told_of_one_that_panics() {
        let (seen, _observer) = observed("panics on its way out");
        let managed = generator(async |mut y: Yielder<'_, u8>| {
            _ = y.yield_(1).await;
            std::panic::panic_any("panics on its way out")
        })
        .managed();
        assert_eq!(managed.anext().await, Ok(Some(1)));
        drop(managed);
        cleanup::drain(LONG).await.unwrap();
        assert!(seen.load(Ordering::Relaxed));
    }

    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn dropped_off_the_runtime_it_is_closed_where_it_was_first_iterated() {
        let log = Log::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(runtime.block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        runtime.block_on(cleanup::drain(LONG)).unwrap();
        assert_eq!(told(&log), ["told", "closed"]);
    }

    /// Its body may use what belongs to that runtime, a timer or a socket.
    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn dropped_on_another_runtime_it_is_closed_where_it_was_first_iterated() {
        let log = Log::default();
        let home = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(home.block_on(managed.anext()), Ok(Some(0)));
        other.block_on(async {
            drop(managed);
            cleanup::drain(LONG).await.unwrap();
        });
        drop(other);
        assert!(told(&log).is_empty());
        home.block_on(cleanup::drain(LONG)).unwrap();
        assert_eq!(told(&log), ["told", "closed"]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn without_any_runtime_it_is_lost_and_told() {
        let log = Log::default();
        let lost = Arc::new(AtomicBool::new(false));
        let sees = Arc::clone(&lost);
        let here = std::thread::current().id();
        let _observer = cleanup::observe(move |event| {
            let is_lost = matches!(event, CleanupEvent::Abandoned { reason: AbandonReason::NoRuntime, .. });
            if is_lost && event.name() == "async generator" && std::thread::current().id() == here {
                sees.store(true, Ordering::Relaxed);
            }
        });
        let body = counter(&log);
        let managed = generator(async |mut y| y.yield_from(body).await).managed();
        assert_eq!(block_on(managed.anext()), Ok(Some(0)));
        drop(managed);
        assert!(lost.load(Ordering::Relaxed));
        assert!(told(&log).is_empty());
    }
}

mod first_iteration {
    use super::*;

    #[test]
    fn called_once_at_the_first_poll_of_whatever_operation() {
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
    fn it_gets_a_handle_that_closes_and_keeps_nothing_alive() {
        let known = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&known);
        let hooks = Hooks::default()
            .firstiter(move |generator| to.lock().unwrap().push(generator.clone()))
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
        let known = known.lock().unwrap();
        assert!(known[0].is_alive());
        assert!(block_on(known[0].aclose()).is_ok());
        assert_eq!(closed.state(), Some(State::Closed));
        assert_eq!(told(&log), ["told", "closed"]);
        assert!(!known[1].is_alive());
        assert!(block_on(known[1].aclose()).is_ok());
    }
}

mod shutdown {
    use super::*;

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn closes_those_that_are_held() {
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
        assert_eq!(told(&log), ["told", "closed"], "one of the three");
        assert_eq!(held.state(), Some(State::Closed));
        assert_eq!(fresh.state(), Some(State::Created));
        assert_eq!(held.anext().await, Ok(None));
        shutdown_asyncgens(LONG).await.unwrap();
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn leaves_those_of_other_runtimes_alone() {
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
    async fn observers_are_told_of_one_in_the_middle_of_an_operation() {
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
    async fn one_that_was_in_the_middle_is_closed_by_the_next() {
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
    async fn one_that_is_being_closed_is_waited_for() {
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
        assert_eq!(managed.state(), None, "it is being closed");
        assert!(shutdown_asyncgens(Duration::ZERO).await.is_err());
        tokio::task::yield_now().await;
        tx.send(()).unwrap();
        shutdown_asyncgens(LONG).await.unwrap();
        assert_eq!(managed.state(), Some(State::Closed));
        assert!(!failed.load(Ordering::Relaxed), "nothing failed");
    }

    /// What is given up is not begun anew by the finalizer, with a grace of its own, and told again.
    #[test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    fn one_that_hangs_is_lost_once() {
        struct Hangs(Arc<AtomicBool>);
        impl Drop for Hangs {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let is_dropped = Arc::new(AtomicBool::new(false));
        let hangs = Hangs(Arc::clone(&is_dropped));
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
            let _hangs = hangs;
            _ = y.yield_(1).await;
            pending().await
        })
        .managed();
        assert_eq!(runtime.block_on(managed.anext()), Ok(Some(1)));
        runtime.block_on(async {
            assert!(shutdown_asyncgens(Duration::ZERO).await.is_err());
            // Where it is begun.
            tokio::task::yield_now().await;
        });
        drop(managed);
        assert!(!is_dropped.load(Ordering::Relaxed), "it is being closed");
        drop(runtime);
        assert!(is_dropped.load(Ordering::Relaxed));
        assert_eq!(*lost.lock().unwrap(), 1);
    }

    #[tokio::test]
    #[cfg_attr(miri, ignore = "the runtime does I/O")]
    async fn many_come_and_go() {
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
