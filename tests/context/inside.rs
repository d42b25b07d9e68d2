//! What an exit itself detaches is inside of it: it is over before the exit is.

use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::yield_now;
use withal::cleanup::{Cleanup, drain};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren, DropNow, Error, ExitReason,
    Restart, async_with,
};

use withal_test_support::event_log::{EventLog, kind};
use withal_test_support::probes;

probes!(Probe: Detach);

const ENOUGH: Duration = Duration::from_secs(60);

/// Its exit opens a scope, and drops it in its middle; called once more, it does not.
struct Script {
    log: EventLog,
    name: &'static str,
    opened: bool,
    /// Waits in the scope, and not after it.
    stays: bool,
    panics: bool,
}

impl Script {
    fn new(log: &EventLog, name: &'static str) -> Self {
        Self { log: log.clone(), name, opened: false, stays: false, panics: false }
    }

    async fn exit(&mut self, kind: &str) {
        self.log.record(format_args!("<{}:{kind}", self.name));
        if !std::mem::replace(&mut self.opened, true) {
            let inner = Probe::new(&self.log, &format!("{}.in", self.name));
            let mut inner = Box::pin(async_with(inner, async |_| pending::<Result<(), String>>().await));
            for _ in 0..3 {
                assert!(futures::poll!(&mut inner).is_pending());
            }
            if self.stays {
                drop(inner.await);
            }
        }
        assert!(!self.panics, "exit panics");
        self.log.record(format_args!("{}>", self.name));
    }
}

trait Opens: AsyncContextManager<Guard = Self> + AsyncGuard<Error = Infallible, Suppression = ()> {
    fn new(script: Script) -> Self;
}

macro_rules! opens {
    ($($name:ident: $policy:ty),+) => {$(
        struct $name(Script);

        impl Opens for $name {
            fn new(script: Script) -> Self {
                Self(script)
            }
        }

        impl AsyncContextManager for $name {
            type Guard = Self;

            async fn aenter(self) -> Result<Self, Infallible> {
                self.0.log.record(format_args!("+{}", self.0.name));
                Ok(self)
            }
        }

        impl AsyncGuard for $name {
            type Target = EventLog;
            type Error = Infallible;
            type Suppression = ();
            type OnDrop = $policy;

            fn target(&mut self) -> &mut EventLog {
                &mut self.0.log
            }

            async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Infallible> {
                self.0.exit(kind(&exit)).await;
                Ok(())
            }
        }
    )+};
}

opens!(Now: DropNow, Held: DropAfterChildren, Detached: Detach, Restarted: Restart);

/// Drops a future that has been polled until it waits.
async fn drop_in_the_middle(future: impl Future) {
    let mut future = Box::pin(future);
    for _ in 0..20 {
        assert!(futures::poll!(&mut future).is_pending());
    }
}

#[tokio::test]
async fn of_a_detached_exit_before_the_exit_around_it() {
    let log = EventLog::new();
    drop_in_the_middle(async_with(Probe::new(&log, "a"), async |_| {
        async_with(Detached::new(Script::new(&log, "a.b")), async |_| pending::<Result<(), String>>().await)
            .await
            .map_err(Error::into_inner)
    }))
    .await;
    drain(ENOUGH).await.unwrap();
    let exits = "<a.b:cancelled +a.b.in a.b> <a.b.in:cancelled a.b.in> <a:cancelled a>";
    assert_eq!(log.entries(), format!("+a +a.b {exits}"));
}

#[tokio::test]
async fn of_an_exit_in_a_stack_before_the_next_one() {
    let log = EventLog::new();
    let stack = AsyncExitStack::new();
    drop(stack.enter_async_context(Probe::new(&log, "a")).await.unwrap());
    drop(stack.enter_async_context(Detached::new(Script::new(&log, "a.b"))).await.unwrap());
    stack.aclose().await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:ok +a.b.in a.b> <a.b.in:cancelled a.b.in> <a:ok a>");
}

async fn awaited<M: Opens>() {
    let log = EventLog::new();
    async_with(M::new(Script::new(&log, "a")), async |_| Ok::<_, String>(())).await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok +a.in a> <a.in:cancelled a.in>");
}

#[tokio::test]
async fn of_an_awaited_exit_before_the_block_is_over() {
    awaited::<Detached>().await;
    awaited::<Restarted>().await;
}

/// The exit is over, and is not called again; the one around it waits all the same.
async fn dropped_while_waited_for<M: Opens>() {
    let log = EventLog::new();
    let program = async_with(Probe::new(&log, "a"), async |_| {
        async_with(M::new(Script::new(&log, "a.b")), async |_| Ok::<_, String>(()))
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
async fn dropped_while_it_is_waited_for() {
    dropped_while_waited_for::<Now>().await;
    dropped_while_waited_for::<Held>().await;
    dropped_while_waited_for::<Detached>().await;
    dropped_while_waited_for::<Restarted>().await;
}

#[tokio::test]
async fn of_an_exit_that_is_dropped_before_it_begins_anew() {
    let log = EventLog::new();
    let manager = Restarted(Script { stays: true, ..Script::new(&log, "a") });
    drop_in_the_middle(async_with(manager, async |_| Ok::<_, String>(()))).await;
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok +a.in <a.in:cancelled a.in> <a:cancelled a>");
}

/// What it detached is left to the scope around it.
async fn panicking<M: Opens>() {
    let log = EventLog::new();
    let l = log.clone();
    let work = async move {
        let manager = M::new(Script { panics: true, ..Script::new(&l, "a.b") });
        let inner = async_with(manager, async |_| Ok::<_, String>(()));
        async_with(Probe::new(&l, "a"), async |_| inner.await.map_err(Error::into_inner)).await.unwrap();
    };
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a +a.b <a.b:ok +a.b.in <a.b.in:cancelled a.b.in> <a:panic a>");
}

#[tokio::test]
async fn of_an_exit_that_panics() {
    panicking::<Now>().await;
    panicking::<Held>().await;
    panicking::<Detached>().await;
    panicking::<Restarted>().await;
}

#[tokio::test]
async fn of_a_cleanup_before_it_is_over() {
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
        // The time for what is inside is its own.
        Cleanup::new(outer).grace_period(Duration::ZERO).detach();
        Ok::<_, String>(())
    })
    .await
    .unwrap();
    assert_eq!(log.entries(), "+a outer inner <a:ok a>");
}
