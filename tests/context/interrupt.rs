//! Managers that interrupt their block, as timeouts and failed task groups do.

use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use withal::context::{
    AsyncContextManager, AsyncGuard, Detach, DropNow, Error, ExitReason, async_with, interrupt_when,
};
use withal_test_support::event_log::{BlockAt, Blockable, EventLog, kind};
use withal_test_support::probes;

use crate::managers::PanicsOnDrop;

probes!(Inner: Detach);

#[derive(Debug, PartialEq)]
struct Elapsed;

/// A timeout, as `asyncio.timeout`.
struct Timeout {
    at: Instant,
    /// Breaks the contract: the exit neither fails nor suppresses the interrupt.
    is_silent: bool,
}

fn timeout(after: Duration) -> Timeout {
    Timeout { at: Instant::now() + after, is_silent: false }
}

impl AsyncContextManager for Timeout {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Elapsed> {
        interrupt_when(sleep_until(self.at)).expect("entered by a scope");
        Ok(self)
    }
}

impl AsyncGuard for Timeout {
    type Target = Instant;
    type Error = Elapsed;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut Instant {
        &mut self.at
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Elapsed> {
        match exit {
            ExitReason::Cancelled if !self.is_silent => Err(Elapsed),
            _ => Ok(()),
        }
    }
}

const SHORT: Duration = Duration::from_millis(5);

#[tokio::test(start_paused = true)]
async fn an_interrupted_block_is_dropped_and_nested_scopes_are_exited_first() {
    let log = EventLog::new();
    let result = async_with(timeout(SHORT), async |_| {
        async_with(Inner::new(&log, "a"), async |_| pending::<Result<(), String>>().await)
            .await
            .map_err(Error::into_first)
    });
    assert!(matches!(result.await, Err(Error::Exit { error: Elapsed, context: None, .. })));
    assert_eq!(log.entries(), "+a <a:cancelled a>");
}

#[tokio::test(start_paused = true)]
async fn the_macro_returns_the_error_of_the_interrupting_manager() {
    async fn by_macro(log: &EventLog, block_at: BlockAt) -> Result<u32, Elapsed> {
        async_with!(_at = timeout(SHORT) => {
            let n = async_with!(n = Inner::new(log, "a").block_at(block_at) => { *n });
            n.unwrap()
        })
    }
    let log = EventLog::new();
    assert_eq!(by_macro(&log, BlockAt::Nowhere).await, Ok(7));
    assert_eq!(by_macro(&log, BlockAt::InEnter).await, Err(Elapsed));
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_ready_is_not_interrupted() {
    let result = async_with(timeout(Duration::ZERO), async |_| Ok::<_, String>(7)).await;
    assert_eq!(result, Ok(7));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "without an error or suppression")]
async fn an_exit_that_neither_fails_nor_suppresses_the_interrupt_panics() {
    let silent = Timeout { is_silent: true, ..timeout(SHORT) };
    drop(async_with(silent, async |_| pending::<Result<(), String>>().await).await);
}

/// Such a panic counts as a panic of the block.
#[tokio::test(start_paused = true)]
#[should_panic(expected = "in a destructor")]
async fn a_destructor_that_panics_during_the_interrupt() {
    let block = async |_: &mut Instant| {
        let _panics = PanicsOnDrop;
        pending::<Result<(), String>>().await
    };
    drop(async_with(timeout(SHORT), block).await);
}

/// A manager whose interrupt panics.
struct InterruptPanics(EventLog);

impl AsyncContextManager for InterruptPanics {
    type Guard = Self;

    async fn aenter(self) -> Result<Self, Elapsed> {
        interrupt_when(async { panic!("interrupt panics") }).expect("entered by a scope");
        Ok(self)
    }
}

impl AsyncGuard for InterruptPanics {
    type Target = EventLog;
    type Error = Elapsed;
    type Suppression = ();
    type OnDrop = DropNow;

    fn target(&mut self) -> &mut EventLog {
        &mut self.0
    }

    async fn aexit(&mut self, exit: ExitReason<'_>) -> Result<(), Elapsed> {
        tokio::task::yield_now().await;
        self.0.record(kind(&exit));
        Ok(())
    }
}

#[tokio::test]
async fn an_interrupt_that_panics_is_a_panic_of_the_block() {
    let log = EventLog::new();
    let l = log.clone();
    let task = tokio::spawn(async move {
        let inner = async |l: &mut EventLog| {
            let l = l.clone();
            async_with(Inner::new(&l, "a"), async |_| pending::<Result<(), String>>().await)
                .await
                .map_err(Error::into_first)
        };
        async_with(InterruptPanics(l), inner).await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(log.entries(), "panic", "the nested scope was not entered yet");
}

/// An interrupt that panics in its poll and in its destructor.
struct PanicsTwice;

impl Future for PanicsTwice {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        panic!("in a poll")
    }
}

impl Drop for PanicsTwice {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

struct InterruptPanicsTwice;

impl AsyncContextManager for InterruptPanicsTwice {
    type Guard = InterruptPanics;

    async fn aenter(self) -> Result<InterruptPanics, Elapsed> {
        interrupt_when(PanicsTwice).expect("entered by a scope");
        Ok(InterruptPanics(EventLog::new()))
    }
}

#[tokio::test]
#[should_panic(expected = "in a poll")]
async fn an_interrupt_that_panics_in_its_poll_and_in_its_destructor() {
    drop(async_with!(_ = InterruptPanicsTwice => { pending::<()>().await }));
}
