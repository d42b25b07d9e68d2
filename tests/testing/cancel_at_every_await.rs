use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::sleep;
use withal::cleanup;
use withal::context::{async_with, on_exit};
use withal::testing::{CancelAtEveryAwait, Ledger, cancel_at_every_await};
use withal_test_support::expect_reports;

/// Returns the text of the panic of a future.
async fn panic_of<F: Future>(future: F) -> String {
    let payload = AssertUnwindSafe(future).catch_unwind().await.err().expect("the future panics");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string)).expect("the panic has a text")
}

/// Programs with 0, 1 and 3 awaits, whose runs are recorded.
#[tokio::test]
async fn each_await_is_dropped_at_once_and_after_it_was_woken() {
    for (awaits, expected) in [
        (0, vec!["-", "|"]),
        (1, vec!["-", "0-", "0-", "0|"]),
        (3, vec!["-", "0-", "0-", "01-", "01-", "012-", "012-", "012|"]),
    ] {
        let runs = RefCell::new(vec![String::new()]);
        let drops = cancel_at_every_await(|| async {
            for n in 0..awaits {
                runs.borrow_mut().last_mut().unwrap().push_str(&n.to_string());
                yield_now().await;
            }
            awaits
        })
        .check(async |output| {
            assert!(output.is_none_or(|output| output == awaits));
            let mut runs = runs.borrow_mut();
            runs.last_mut().unwrap().push(if output.is_none() { '-' } else { '|' });
            runs.push(String::new());
        })
        .await;
        assert_eq!(drops, expected.len() - 1);
        assert_eq!(runs.borrow()[..expected.len()], expected[..]);
        assert_eq!(
            cancel_at_every_await(|| async {
                for _ in 0..awaits {
                    yield_now().await;
                }
            })
            .await,
            drops
        );
    }
}

/// A value that counts its drop.
struct Counted<'l>(&'l Cell<u32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// A value that a woken future was about to receive is lost with it.
#[tokio::test]
async fn a_value_that_arrives_before_the_drop_is_lost() {
    let lost = Cell::new(0);
    let drops = cancel_at_every_await(|| async {
        let (sender, receiver) = oneshot::channel::<Counted<'_>>();
        let value = Counted(&lost);
        let (result, ()) = tokio::join!(receiver, async {
            yield_now().await;
            drop(sender.send(value));
        });
        std::mem::forget(result.unwrap());
    })
    .await;
    assert_eq!(drops, 3);
    assert_eq!(lost.get(), 3 - 1, "in both runs that were polled");
}

/// A task that receives in a `select!` loses nothing, but one that receives and then awaits does.
#[tokio::test]
async fn it_finds_an_item_that_is_lost_between_two_awaits() {
    for (awaits_between, expected) in [(false, 0), (true, 2)] {
        let mut lost = 0;
        let stored = Cell::new(0);
        let state = RefCell::new(None);
        cancel_at_every_await(|| {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            sender.send(7).unwrap();
            let (state, stored) = (&state, &stored);
            async move {
                // The receiver outlives the run.
                *state.borrow_mut() = Some((sender, None));
                let item = receiver.recv().await;
                state.borrow_mut().as_mut().unwrap().1 = item;
                if awaits_between {
                    yield_now().await;
                }
                stored.set(item.unwrap());
            }
        })
        .check(async |_| {
            let received = state.borrow_mut().take().and_then(|(_sender, item)| item);
            lost += u32::from(received.is_some() && stored.take() == 0);
        })
        .await;
        assert_eq!(lost, expected);
    }
}

#[tokio::test]
async fn the_cleanups_of_a_run_end_before_its_check() {
    let ledger = Ledger::new();
    let drops = cancel_at_every_await(|| async {
        let manager = on_exit(ledger.open("session"), async |entry, _| {
            yield_now().await;
            entry.close();
        });
        async_with!(_ = manager => { yield_now().await });
    })
    .check(async |_| ledger.assert_closed())
    .await;
    assert_eq!(drops, 5);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn timers_run_on_the_paused_clock() {
    let start = tokio::time::Instant::now();
    let drops = cancel_at_every_await(|| async {
        sleep(Duration::from_secs(60)).await;
        sleep(Duration::from_secs(60)).await;
    });
    assert_eq!(drops.await, 5);
    // Not at all before the first poll and at the first drop, and then 1, 1, 2 and 2 minutes.
    assert_eq!(start.elapsed(), Duration::from_secs(6 * 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_send_can_be_spawned() {
    let task = tokio::spawn(cancel_at_every_await(|| async { yield_now().await }).repeat(100));
    assert_eq!(task.await.unwrap(), 300);
}

#[tokio::test]
async fn a_program_need_not_be_send() {
    let local = tokio::task::LocalSet::new();
    let drops = local.run_until(cancel_at_every_await(|| async {
        let value = Rc::new(1);
        tokio::task::spawn_local(async move { drop(value) }).await.unwrap();
    }));
    assert_eq!(drops.await, 3);
}

#[test]
fn a_program_needs_no_runtime() {
    let drops = futures::executor::block_on(cancel_at_every_await(|| async {
        let mut is_first = true;
        futures::future::poll_fn(|cx| {
            if !std::mem::take(&mut is_first) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }));
    assert_eq!(drops, 3);
}

#[tokio::test]
async fn it_can_be_repeated() {
    let mut completed = 0;
    let drops = cancel_at_every_await(async || yield_now().await)
        .repeat(5)
        .check(async |output| completed += usize::from(output.is_some()));
    assert_eq!(drops.await, 15);
    assert_eq!(completed, 5);
    assert_eq!(cancel_at_every_await(async || yield_now().await).repeat(0).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_at_once_does_not_wait() {
    let start = tokio::time::Instant::now();
    let program = async || {
        sleep(Duration::from_secs(1)).await;
        sleep(Duration::from_secs(10)).await;
    };
    assert_eq!(cancel_at_every_await(program).only_at_once().check(async |_| ()).await, 3);
    // The first pause before the drop at the second, and both in the run that completes.
    assert_eq!(start.elapsed(), Duration::from_secs(1 + 11));
}

#[tokio::test]
async fn a_program_that_never_completes_is_a_panic() {
    let program = cancel_at_every_await(|| async {
        loop {
            yield_now().await;
        }
    })
    .max_awaits(20);
    let text = panic_of(program).await;
    assert!(text.ends_with("the program has been pending 20 times, and has not completed"), "{text}");
    assert!(text.starts_with("cancel_at_every_await at tests/testing/cancel_at_every_await.rs:"), "{text}");
}

#[tokio::test]
async fn a_cleanup_that_does_not_end_is_a_panic() {
    expect_reports("a_cleanup_that_does_not_end_is_a_panic was abandoned");
    let program = cancel_at_every_await(|| async {
        let manager = on_exit((), async |(), exit| {
            if exit.is_cancelled() {
                sleep(Duration::from_secs(3600)).await;
            }
        });
        async_with!(_ = manager => { yield_now().await });
    });
    let text = panic_of(program.drain_limit(Duration::from_millis(20))).await;
    let expected = "after the run that was dropped at await 1, the cleanups timed out with 1 cleanup pending";
    assert!(text.ends_with(expected), "{text}");
}

struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the destructor");
    }
}

#[tokio::test]
async fn panics_of_the_program_and_of_the_check_continue() {
    let text = panic_of(cancel_at_every_await(|| async { panic!("the program") })).await;
    assert_eq!(text, "the program");
    let text = panic_of(cancel_at_every_await(|| -> std::future::Ready<()> { panic!("the closure") })).await;
    assert_eq!(text, "the closure");
    let checked = cancel_at_every_await(|| async {}).check(async |_| panic!("the check"));
    assert_eq!(panic_of(checked).await, "the check");
    let text = panic_of(cancel_at_every_await(|| async {
        let _value = PanicOnDrop;
        yield_now().await;
    }));
    assert_eq!(text.await, "the destructor");
}

/// The value is polled by hand: a program that is dropped in the middle is dropped with it.
#[tokio::test]
async fn dropping_it_drops_the_current_run() {
    let ledger = Ledger::new();
    let mut runs: CancelAtEveryAwait<_, _> = cancel_at_every_await(|| async {
        let _entry = ledger.open("run");
        std::future::pending::<Infallible>().await
    });
    assert!(futures::poll!(&mut runs).is_pending());
    assert_eq!(ledger.to_string(), "+run ~run +run");
    drop(runs);
    assert_eq!(ledger.to_string(), "+run ~run +run ~run");
}
