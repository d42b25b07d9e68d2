//! The moments at which a cleanup counts as finished, and the time that its grace period covers.

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use futures::executor;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use withal::cleanup::{self, Cleanup, drain};
use withal::context::{AsyncContextManager, AsyncGuard, Detach, ExitReason, async_with, nullcontext};

use super::RecordedEvents;

const ENOUGH: Duration = Duration::from_secs(60);

/// An error whose destructor sends the number of pending cleanups.
#[derive(Debug)]
struct Observed(Option<oneshot::Sender<usize>>);

impl Drop for Observed {
    fn drop(&mut self) {
        self.0.take().unwrap().send(cleanup::pending()).unwrap();
    }
}

#[tokio::test]
async fn the_error_is_dropped_before_drain_returns() {
    withal_test_support::expect_reports("the_error_is_dropped_before_drain_returns failed");
    let (sender, dropped) = oneshot::channel();
    cleanup::detach(async { Err::<(), _>(Observed(Some(sender))) });
    drain(ENOUGH).await.unwrap();
    assert_eq!(dropped.await, Ok(1));
}

#[tokio::test]
async fn the_payload_of_a_panic_is_dropped_before_drain_returns() {
    withal_test_support::expect_reports("the_payload_of_a_panic_is_dropped_before_drain_returns panicked");
    let (sender, dropped) = oneshot::channel();
    let payload = Observed(Some(sender));
    cleanup::detach::<_, Infallible>(async { std::panic::panic_any(payload) });
    drain(ENOUGH).await.unwrap();
    assert_eq!(dropped.await, Ok(1));
}

#[tokio::test]
async fn an_error_whose_destructor_panics_is_reported_once() {
    #[derive(Debug)]
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in the destructor of an error");
        }
    }
    let reported = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&reported);
    let _observer = cleanup::observe(move |event| {
        if event.name() == "explosive" {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    Cleanup::new(async { Err::<(), _>(PanicsOnDrop) }).name("explosive").detach();
    drain(ENOUGH).await.unwrap();
    assert_eq!(reported.load(std::sync::atomic::Ordering::Relaxed), 1);
}

/// The exit detaches a cleanup that blocks for longer than the grace period of the exit.
struct SlowChild;

impl AsyncContextManager for SlowChild {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, &'static str> {
        Ok(self)
    }
}

impl AsyncGuard for SlowChild {
    type Target = Self;
    type Error = &'static str;
    type Suppression = ();
    type OnDrop = Detach;

    fn target(&mut self) -> &mut Self {
        self
    }

    fn grace_period(&self) -> Duration {
        Duration::from_millis(1)
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), &'static str> {
        let child = async {
            yield_now().await;
            yield_now().await;
            // The work of the exit has ended by now. Blocking the thread lets its grace period pass.
            thread::sleep(Duration::from_millis(20));
            // From here on, the timer thread has time to wake the exit.
            for _ in 0..50 {
                thread::sleep(Duration::from_micros(200));
                yield_now().await;
            }
            Ok::<(), Infallible>(())
        };
        Cleanup::new(child).name("slow child").detach();
        yield_now().await;
        Err("reported")
    }
}

#[tokio::test]
async fn the_grace_period_of_a_dropped_exit_does_not_include_its_children() {
    let events = RecordedEvents::of(std::any::type_name::<SlowChild>());
    let polls = 2; // in the exit, and while it waits for its children
    for polls in 1..=polls {
        let mut scope = Box::pin(async_with(SlowChild, async |_| Ok::<(), Infallible>(())));
        for _ in 0..polls {
            assert!(futures::poll!(&mut scope).is_pending());
        }
        drop(scope);
        drain(ENOUGH).await.unwrap();
        assert_eq!(events.entries(), vec!["failed: reported"; polls]);
    }
}

/// A thread that polls a block outside of a runtime may be the one that has to drive the runtime of the cleanup.
#[test]
fn a_block_outside_of_a_runtime_waits_for_no_cleanup() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (sender, ran_on) = oneshot::channel();
    let handle = runtime.handle().clone();
    executor::block_on(async {
        async_with!(_ = nullcontext(()) => {
            Cleanup::new(async { sender.send(Handle::current().id()) }).on_runtime(handle).detach();
        });
    });
    runtime.block_on(drain(ENOUGH)).unwrap();
    assert_eq!(ran_on.blocking_recv(), Ok(runtime.handle().id()));
}
