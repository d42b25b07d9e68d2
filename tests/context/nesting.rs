//! Cleanups that an exit itself detaches are nested inside it: they end before the exit does.

use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, drain};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren, DropNow, Error, Restart,
    async_with,
};
use withal_test_support::event_log::{EventLog, kind};
use withal_test_support::probes;

use crate::managers::{OnExit, drop_while_pending, on_exit};

probes!(Probe: Detach);

const ENOUGH: Duration = Duration::from_secs(60);

/// The behaviour of an exit after it has dropped a scope that it had entered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Completes,
    Panics,
    /// The scope is not dropped: the exit waits in it.
    Waits,
}

type Nests<P> = OnExit<P, (), Infallible>;

/// Creates a manager whose first exit enters a scope and drops it in its block; a second exit does not.
fn nests<P>(log: &EventLog, name: &'static str, then: Then) -> Nests<P> {
    let (log, mut entered) = (log.clone(), false);
    log.record(format_args!("+{name}"));
    on_exit(move |exit| {
        let (log, kind, is_first) = (log.clone(), kind(&exit), !std::mem::replace(&mut entered, true));
        async move {
            log.record(format_args!("<{name}:{kind}"));
            if is_first {
                let nested = Probe::new(&log, &format!("{name}.in"));
                let mut nested =
                    Box::pin(async_with(nested, async |_| pending::<Result<(), String>>().await));
                for _ in 0..3 {
                    assert!(futures::poll!(&mut nested).is_pending());
                }
                if then == Then::Waits {
                    drop(nested.await);
                }
            }
            assert!(then != Then::Panics, "exit panics");
            log.record(format_args!("{name}>"));
            Ok(())
        }
    })
}

/// A manager of any of the policies.
trait Manager: AsyncContextManager<Guard = Self> + AsyncGuard<Error = Infallible, Suppression = ()> {}

impl<M> Manager for M where
    M: AsyncContextManager<Guard = M> + AsyncGuard<Error = Infallible, Suppression = ()>
{
}

#[tokio::test]
async fn a_detached_exit_waits_for_them_before_the_enclosing_exit() {
    let log = EventLog::new();
    drop_while_pending(async_with(Probe::new(&log, "a"), async |_| {
        let manager = nests::<Detach>(&log, "a.b", Then::Completes);
        async_with(manager, async |_| pending::<Result<(), String>>().await).await.map_err(Error::into_inner)
    }))
    .await;
    drain(ENOUGH).await.unwrap();
    let exits = "<a.b:cancelled +a.b.in a.b> <a.b.in:cancelled a.b.in> <a:cancelled a>";
    assert_eq!(log.entries(), format!("+a +a.b {exits}"));
}

#[tokio::test]
async fn an_exit_of_a_stack_waits_for_them_before_the_next_exit() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    drop(stack.enter_async_context(Probe::new(&log, "a")).await.unwrap());
    drop(stack.enter_async_context(nests::<Detach>(&log, "a.b", Then::Completes)).await.unwrap());
    stack.aclose().await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:ok +a.b.in a.b> <a.b.in:cancelled a.b.in> <a:ok a>");
}

async fn awaited<P>()
where
    Nests<P>: Manager,
{
    let log = EventLog::new();
    async_with(nests::<P>(&log, "a", Then::Completes), async |_| Ok::<_, String>(())).await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok +a.in a> <a.in:cancelled a.in>");
}

#[tokio::test]
async fn an_awaited_exit_waits_for_them_before_the_scope_completes() {
    awaited::<Detach>().await;
    awaited::<Restart>().await;
}

/// The exit has completed, and is not called again. The enclosing exit waits all the same.
async fn dropped_while_waited_for<P>()
where
    Nests<P>: Manager,
{
    let log = EventLog::new();
    let program = async_with(Probe::new(&log, "a"), async |_| {
        async_with(nests::<P>(&log, "a.b", Then::Completes), async |_| Ok::<_, String>(()))
            .await
            .map_err(Error::into_inner)
    });
    let mut program = Box::pin(program);
    while !log.entries().ends_with("a.b>") {
        assert!(futures::poll!(&mut program).is_pending());
    }
    drop(program);
    drain(ENOUGH).await.unwrap();
    let exits = "<a.b:ok +a.b.in a.b> <a.b.in:cancelled a.b.in> <a:cancelled a>";
    assert_eq!(log.entries(), format!("+a +a.b {exits}"));
}

#[tokio::test]
async fn the_enclosing_exit_waits_for_them_if_the_scope_is_dropped_first() {
    dropped_while_waited_for::<DropNow>().await;
    dropped_while_waited_for::<DropAfterChildren>().await;
    dropped_while_waited_for::<Detach>().await;
    dropped_while_waited_for::<Restart>().await;
}

#[tokio::test]
async fn a_dropped_exit_waits_for_them_before_it_is_restarted() {
    let log = EventLog::new();
    let manager = nests::<Restart>(&log, "a", Then::Waits);
    drop_while_pending(async_with(manager, async |_| Ok::<_, String>(()))).await;
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok +a.in <a.in:cancelled a.in> <a:cancelled a>");
}

/// The enclosing exit waits for them.
async fn panicking<P>()
where
    Nests<P>: Manager + Send,
    P: 'static,
{
    let log = EventLog::new();
    let l = log.clone();
    let work = async move {
        let nested =
            async || async_with(nests::<P>(&l, "a.b", Then::Panics), async |_| Ok::<_, String>(())).await;
        async_with(Probe::new(&l, "a"), async |_| nested().await.map_err(Error::into_inner)).await.unwrap();
    };
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:ok +a.b.in <a.b.in:cancelled a.b.in> <a:panic a>");
}

#[tokio::test]
async fn the_enclosing_exit_waits_for_those_of_an_exit_that_panics() {
    panicking::<DropNow>().await;
    panicking::<DropAfterChildren>().await;
    panicking::<Detach>().await;
    panicking::<Restart>().await;
}

#[tokio::test]
async fn a_cleanup_waits_for_them_before_it_ends() {
    let log = EventLog::new();
    async_with(Probe::new(&log, "a"), async |_| {
        let l = log.clone();
        let outer = async move {
            let inner = l.clone();
            Cleanup::new(async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                inner.record("inner");
                Ok::<_, Infallible>(())
            })
            .detach();
            l.record("outer");
            Ok::<_, Infallible>(())
        };
        // The grace period does not include the wait for nested cleanups.
        Cleanup::new(outer).grace_period(Duration::ZERO).detach();
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(log.entries(), "+a outer inner <a:ok a>");
}
