//! The table of interrupts: {timeout, `TaskGroup`, a manager of the user} x {macro, function, decorate, exit stack,
//! `asynccontextmanager`, wrapper, each of the last three also with busy code beside the block} x {block that is pending,
//! spends its budget, blocks its thread} x {`current_thread`, `multi_thread`}. In each cell, the block ends at the limit,
//! and the error is that of the interrupting manager.

mod table;
mod user;

use std::any::Any;
use std::fmt::Debug;
use std::future::{Future, pending};
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, consume_budget};
use tokio::time::Instant;
use withal::tasks::{ErrorGroup, TaskGroup, Timeout, TimeoutError, timeout};

use self::user::{Expired, Expiring, expiring};
use crate::Failed;

/// A block that never completes, and the time at which it is interrupted.
#[derive(Debug, Clone, Copy)]
struct Block {
    kind: BlockKind,
    limit: Duration,
    /// On the paused clock, work takes a virtual millisecond.
    is_paused: bool,
}

#[derive(Debug, Clone, Copy)]
enum BlockKind {
    Pending,
    SpendsBudget,
    BlocksThread,
}

impl Block {
    async fn run(self) {
        match self.kind {
            BlockKind::Pending => {}
            BlockKind::SpendsBudget => self.spend_budget().await,
            BlockKind::BlocksThread if self.is_paused => advance(2 * self.limit),
            BlockKind::BlocksThread => std::thread::sleep(2 * self.limit),
        }
        pending::<()>().await;
    }

    /// Is always ready, but for tokio's budget.
    async fn spend_budget(self) {
        let start = Instant::now();
        // A watchdog: a block that is not interrupted panics.
        while start.elapsed() < Duration::from_secs(60) {
            consume_budget().await;
            if self.is_paused {
                advance(Duration::from_millis(1));
            }
        }
        panic!("the block is not interrupted");
    }
}

/// Advances the paused clock without an await, like work that blocks the thread.
fn advance(duration: Duration) {
    let _advanced = tokio::time::advance(duration).now_or_never();
}

fn limited(block: Block) -> Timeout {
    timeout(block.limit)
}

/// A group in which a task fails at the limit.
fn failing(block: Block) -> TaskGroup<Failed> {
    let (group, at) = (TaskGroup::new(), Instant::now() + block.limit);
    group.create_task(async move {
        // Counted from here: a block that blocks its thread delays the start of the task.
        tokio::time::sleep_until(at).await;
        Err::<(), _>(Failed("task"))
    });
    group
}

fn users(block: Block) -> Expiring {
    expiring(block.limit)
}

/// Names the error of a manager.
fn name(error: &dyn Any) -> String {
    if let Some(error) = error.downcast_ref::<TimeoutError>() {
        return format!("{error:?}");
    }
    if let Some(errors) = error.downcast_ref::<ErrorGroup<Failed>>() {
        return format!("{:?}", errors.errors());
    }
    let expired = error.downcast_ref::<Expired>();
    format!("{:?}", expired.expect("the error of an interrupting manager"))
}

fn outcome<T: Debug>(result: Result<T, impl Any>) -> String {
    result.map_or_else(|error| name(&error), |value| format!("no error: {value:?}"))
}

/// A watchdog: a block that is not interrupted is a failure instead of a hang.
async fn watch(scope: JoinHandle<String>) -> String {
    let ended = tokio::time::timeout(Duration::from_secs(60), scope);
    ended.await.map_or_else(|_| "not interrupted".to_owned(), Result::unwrap)
}

/// Runs `scope` with each kind of block, on each kind of runtime.
fn check<F: Future<Output = String> + Send + 'static>(scope: impl Fn(Block) -> F, expected: &str) {
    check_within(scope, expected, |kind| match kind {
        BlockKind::Pending | BlockKind::BlocksThread => Duration::ZERO,
        // Interrupted at the end of a poll, and each poll takes as many milliseconds as it has budget.
        BlockKind::SpendsBudget => Duration::from_millis(600),
    });
}

/// The same, for a scope with busy code beside the block, which makes each poll longer.
fn check_busy<F: Future<Output = String> + Send + 'static>(scope: impl Fn(Block) -> F, expected: &str) {
    check_within(scope, expected, |_| Duration::from_millis(1_200));
}

fn check_within<F: Future<Output = String> + Send + 'static>(
    scope: impl Fn(Block) -> F,
    expected: &str,
    late: impl Fn(BlockKind) -> Duration,
) {
    for kind in [BlockKind::Pending, BlockKind::SpendsBudget, BlockKind::BlocksThread] {
        // Timers are looked at after each poll: the task of a group sleeps, too.
        let mut paused = Builder::new_current_thread();
        let paused = paused.enable_time().start_paused(true).event_interval(1).build().unwrap();
        let block = Block { kind, limit: Duration::from_secs(1), is_paused: true };
        let (outcome, elapsed) = paused.block_on(async {
            let start = Instant::now();
            // Spawned, because each task has a budget of its own.
            (watch(tokio::spawn(scope(block))).await, start.elapsed())
        });
        assert_eq!(outcome, expected, "{block:?}");
        let due = if matches!(kind, BlockKind::BlocksThread) { 2 * block.limit } else { block.limit };
        let lateness = elapsed.checked_sub(due).unwrap();
        assert!(lateness <= late(kind), "{lateness:?} late: {block:?}");
        let threads = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        let block = Block { kind, limit: Duration::from_millis(5), is_paused: false };
        let outcome = threads.block_on(async { watch(tokio::spawn(scope(block))).await });
        assert_eq!(outcome, expected, "{block:?}");
    }
}
