//! The block, the functions of `asynccontextmanager`s beside it and registered interrupts share tokio's coop budget. None
//! of them starves another one, whichever of them spend it in each poll.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::{consume_budget, yield_now};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, DropNow, ExitReason, NotEntering, async_with,
    asynccontextmanager, interrupt_when,
};

/// Work that is always ready, but for tokio's budget, and counts its steps.
#[derive(Debug, Clone, Default)]
struct Busy(Arc<AtomicU32>);

impl Busy {
    async fn run(self) {
        loop {
            // Guards the test against a hang.
            assert!(self.steps() < 10_000_000, "the work runs without a break");
            self.0.fetch_add(1, Ordering::Relaxed);
            consume_budget().await;
        }
    }

    /// Takes one step in each poll.
    async fn run_in_turn(self) {
        loop {
            self.0.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    }

    fn steps(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns a manager whose function runs the work beside its block, and polls it before or after its yield.
    fn beside(
        &self,
        is_first: bool,
    ) -> impl AsyncContextManager<Guard: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send>
    + Send
    + 'static
    + use<> {
        let busy = self.clone();
        asynccontextmanager(async move |y| {
            let (lent, busy) = (y.yield_(()), busy.run());
            if is_first {
                tokio::select! { biased; () = busy => {}, _ = lent => {} }
            } else {
                tokio::select! { biased; _ = lent => {}, () = busy => {} }
            }
            Ok(())
        })
    }
}

/// A manager whose interrupt is the work.
struct BusyInterrupt(Busy);

impl AsyncContextManager for BusyInterrupt {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, NotEntering> {
        interrupt_when(self.0.clone().run())?;
        Ok(self)
    }
}

impl AsyncGuard for BusyInterrupt {
    type Target = Self;
    type Error = NotEntering;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Self {
        self
    }

    async fn aexit(&mut self, _exit: ExitReason<'_>) -> Result<(), NotEntering> {
        Ok(())
    }
}

/// Polls `scopes` until each of `all` has made progress, and another task as well.
async fn assert_progress(mut all: Vec<Busy>, scopes: impl Future<Output = ()>) {
    let other = Busy::default();
    all.push(other.clone());
    let other = tokio::spawn(other.run_in_turn());
    let (mut scopes, mut polls) = (pin!(scopes), 0);
    poll_fn(|cx| {
        assert!(scopes.as_mut().poll(cx).is_pending());
        polls += 1;
        if polls > 100 {
            // The other task may be on another thread.
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(polls < 10_000, "one of them starves: {all:?}");
        if all.iter().all(|busy| busy.steps() > 20) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    other.abort();
}

/// Runs `test` as a task of each kind of runtime, with each order of polls.
fn check<F: Future<Output = ()> + Send + 'static>(test: impl Fn([Busy; 3], bool) -> F) {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.enable_time().build().unwrap();
        for is_first in [false, true] {
            runtime.block_on(runtime.spawn(test(Default::default(), is_first))).unwrap();
        }
    }
}

#[test]
fn a_busy_block_and_the_function_beside_it() {
    check(|[block, beside, _], is_first| async move {
        let all = vec![block.clone(), beside.clone()];
        let manager = beside.beside(is_first);
        assert_progress(all, async { async_with!(_ = manager => { block.run().await }) }).await;
    });
}

#[test]
fn a_busy_block_and_a_registered_interrupt() {
    check(|[block, interrupt, _], _| async move {
        let all = vec![block.clone(), interrupt.clone()];
        let scopes = async { async_with!(_ = BusyInterrupt(interrupt) => { block.run().await }).unwrap() };
        assert_progress(all, scopes).await;
    });
}

#[test]
fn two_functions_around_a_busy_block() {
    withal_test_support::expect_reports("beside_budget::Busy::beside was abandoned");
    check(|[block, inner, outer], is_first| async move {
        let all = vec![block.clone(), inner.clone(), outer.clone()];
        let (outer, inner) = (outer.beside(is_first), inner.beside(is_first));
        assert_progress(all, async { async_with!(_ = outer, _ = inner => { block.run().await }) }).await;
    });
}

#[test]
fn two_functions_around_an_idle_block() {
    check(|[inner, outer, _], is_first| async move {
        let all = vec![inner.clone(), outer.clone()];
        let (outer, inner) = (outer.beside(is_first), inner.beside(is_first));
        assert_progress(all, async { async_with!(_ = outer, _ = inner => { pending::<()>().await }) }).await;
    });
}

#[test]
fn two_functions_on_a_stack() {
    withal_test_support::expect_reports("AsyncExitStackGuard was abandoned: its runtime shut down");
    check(|[block, first, second], is_first| async move {
        let all = vec![block.clone(), first.clone(), second.clone()];
        let (first, second) = (first.beside(is_first), second.beside(is_first));
        let scopes = async {
            let ended = async_with!(stack = AsyncExitStack::new() => {
                drop(stack.enter_async_context(first).await);
                drop(stack.enter_async_context(second).await);
                block.run().await;
            });
            assert!(ended.is_ok());
        };
        assert_progress(all, scopes).await;
    });
}

/// A manager that enters two others, so that its scope has two interrupts.
struct Pair<A, B>(A, B);

impl<A, B, G, H> AsyncContextManager for Pair<A, B>
where
    A: AsyncContextManager<Guard = G> + Send,
    B: AsyncContextManager<Guard = H> + Send,
    G: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send + 'static,
    H: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send + 'static,
{
    type Guard = Pair<G, H>;

    async fn aenter(self) -> Result<Pair<G, H>, Infallible> {
        Ok(Pair(self.0.aenter().await?, self.1.aenter().await?))
    }
}

impl<G, H> AsyncGuard for Pair<G, H>
where
    G: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send + 'static,
    H: AsyncGuard<Target = (), Error = Infallible, Suppression = ()> + Send + 'static,
{
    type Target = ();
    type Error = Infallible;
    type Suppression = ();
    type OnDrop = withal::context::Detach;

    fn target(&mut self) -> &mut () {
        self.0.target()
    }

    async fn aexit(&mut self, mut exit: ExitReason<'_>) -> Result<(), Infallible> {
        self.1.aexit(exit.reborrow()).await?;
        self.0.aexit(exit).await
    }
}

#[test]
fn two_functions_in_one_manager() {
    withal_test_support::expect_reports("beside_budget::Pair was abandoned");
    check(|[block, first, second], is_first| async move {
        let all = vec![block.clone(), first.clone(), second.clone()];
        let manager = Pair(first.beside(is_first), second.beside(is_first));
        assert_progress(all, async { async_with!(_ = manager => { block.run().await }) }).await;
    });
}

#[test]
fn a_function_in_another_function() {
    withal_test_support::expect_reports("beside_budget::Busy::beside was abandoned");
    withal_test_support::expect_reports("a_function_in_another_function was abandoned");
    check(|[block, inner, outer], is_first| async move {
        let all = vec![block.clone(), inner.clone(), outer.clone()];
        let inner = inner.beside(is_first);
        let manager = asynccontextmanager(async move |y| {
            let lent = async {
                async_with!(_ = inner => { y.yield_(()).await; });
            };
            // Not biased: the first branch may spend the budget in each poll.
            tokio::select! { () = outer.run() => {}, () = lent => {} }
            Ok::<(), Infallible>(())
        });
        assert_progress(all, async { async_with!(_ = manager => { block.run().await }) }).await;
    });
}
