//! Compares `async_with!`, dropped at each await, with the expansion of PEP 492 in which `CancelledError` is raised at the
//! same await: the same managers exit, in the same order, with the same reason. An exit that has started completes first, as
//! if inside `shield`.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, async_with};

use super::Log;
use super::managers::{ExitPlan, Manager, Plan};
use withal::testing::cancel_at_every_await;

const PLANS: [Plan; 3] = [plan("a"), plan("b"), plan("c")];

const fn plan(name: &'static str) -> Plan {
    Plan { name, enters: true, exits: ExitPlan::Propagates }
}

/// A local variable that the block holds across an await.
struct Local(Log);

impl Drop for Local {
    fn drop(&mut self) {
        self.0.record("block: locals are dropped");
    }
}

macro_rules! by_macro {
    ($name:ident: $($target:ident = $at:literal),+) => {
        async fn $name(log: Log) {
            let value = async_with!($($target = Manager::<()>::new(&log, PLANS[$at])),+ => {
                let _local = Local(log.clone());
                yield_now().await;
                $(*$target += 1 + $at;)+
                log.record("block");
                yield_now().await;
                "value"
            });
            log.record(format_args!("value: {value:?}"));
        }
    };
}

by_macro!(one: a = 0);
by_macro!(two: a = 0, b = 1);
by_macro!(three: a = 0, b = 1, c = 2);

struct Cancelled;

/// Raises `CancelledError` at one await. The first await is number one.
struct At {
    number: usize,
    awaits: Cell<usize>,
}

impl At {
    fn is_here(&self) -> bool {
        self.awaits.set(self.awaits.get() + 1);
        self.awaits.get() == self.number
    }

    /// `await future`.
    async fn awaits<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.is_here() => Poll::Ready(Err(Cancelled)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// `await shield(future)`. The shielded future is awaited until it completes, before the error is raised.
    async fn shields<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        let (mut future, mut is_cancelled) = (pin!(future), false);
        let output = poll_fn(|cx| {
            let polled = future.as_mut().poll(cx);
            is_cancelled |= polled.is_pending() && self.is_here();
            polled
        })
        .await;
        if is_cancelled { Err(Cancelled) } else { Ok(output) }
    }
}

async fn block(log: &Log, targets: Vec<&mut usize>, at: &At) -> Result<&'static str, Cancelled> {
    let _local = Local(log.clone());
    at.awaits(yield_now()).await?;
    for (n, target) in targets.into_iter().enumerate() {
        *target += 1 + n;
    }
    log.record("block");
    at.awaits(yield_now()).await?;
    Ok("value")
}

fn expansion<'a>(
    log: &'a Log,
    managers: &'a [Plan],
    targets: Vec<&'a mut usize>,
    at: &'a At,
) -> LocalBoxFuture<'a, Result<&'static str, Cancelled>> {
    let [manager, managers @ ..] = managers else {
        return block(log, targets, at).boxed_local();
    };
    async move {
        let entered = at.awaits(Manager::<()>::new(log, *manager).aenter()).await?;
        let mut mgr = entered.expect("every manager enters");
        let mut targets = targets;
        targets.push(mgr.target());
        match expansion(log, managers, targets, at).await {
            Err(Cancelled) => {
                mgr.aexit(ExitReason::Cancelled).await.expect("no exit fails");
                Err(Cancelled)
            }
            Ok(value) => {
                at.shields(mgr.aexit(ExitReason::Ok)).await?.expect("no exit fails");
                Ok(value)
            }
        }
    }
    .boxed_local()
}

async fn by_hand(log: &Log, managers: usize, number: usize) -> Vec<String> {
    let at = At { number, awaits: Cell::new(0) };
    // A program that is dropped before its first poll has not started.
    if number > 0 {
        if let Ok(value) = expansion(log, &PLANS[..managers], Vec::new(), &at).await {
            log.record(format_args!("value: {:?}", Ok::<_, String>(value)));
        }
    }
    log.take()
}

macro_rules! event_for_event {
    ($($form:ident: $managers:literal, $by_macro:ident;)+) => {$(
        #[tokio::test]
        async fn $form() {
            let (log, mut run) = (Log::default(), 0_usize);
            let drops = cancel_at_every_await(|| $by_macro(log.clone())).check(async |_| {
                // Two runs are dropped at each await.
                let number = run.div_ceil(2);
                drain(Duration::from_secs(5)).await.expect("no exit blocks");
                let ours = log.take();
                assert_eq!(ours, by_hand(&log, $managers, number).await, "dropped at await {number}");
                run += 1;
            });
            // One enter and one exit per manager, two awaits in the block, and the run that is not polled.
            assert_eq!(drops.await, 2 * (2 * $managers + 2) + 1);
        }
    )+};
}

event_for_event! {
    one_manager: 1, one;
    two_managers: 2, two;
    three_managers: 3, three;
}
