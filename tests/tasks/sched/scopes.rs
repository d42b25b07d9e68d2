//! Statements with nested blocks.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::time::{self, Instant};
use withal::context::{Error as WithError, async_with_send};
use withal::tasks::{Error, TaskGroup, Timeout, create_task, gather, shield, timeout};

use super::Rule;
use super::program::{Block, Catches};
use super::raised::Raised;
use super::run::{new, register, seconds, start};
use super::statements::run_block;
use super::task_context::{TaskContext, on_drop, sleep_zero};

/// `async with timeout(..)`. `block` receives the context in which it runs.
pub(super) async fn limited<F>(me: &TaskContext, limit: &Timeout, block: F) -> Result<(), Raised>
where
    F: FnOnce(TaskContext) -> BoxFuture<'static, Result<(), Raised>>,
{
    let work = block(me.within(limit.when()));
    limited_here(me, limit, work).await
}

async fn limited_here(
    me: &TaskContext,
    limit: &Timeout,
    work: impl Future<Output = Result<(), Raised>> + Send,
) -> Result<(), Raised> {
    match async_with_send(limit.clone(), async move |_: &mut Timeout| work.await).await {
        Ok(()) => Ok(()),
        Err(WithError::Block(error)) => Err(error),
        Err(_) => {
            sleep_zero().await;
            me.give_way().await;
            Err(Raised::Timeout)
        }
    }
}

pub(super) async fn limited_block(me: &TaskContext, long: Option<u32>, block: &Block) -> Result<(), Raised> {
    let limit = timeout(long.map(seconds));
    let log_expired = || {
        let expired = if limit.expired() { "True" } else { "False" };
        me.log(format!("timeout expired={expired}"));
    };
    let cancelled = on_drop(log_expired);
    let result = limited(me, &limit, |me| run_block(me, Arc::clone(block))).await;
    cancelled.disarm();
    log_expired();
    result
}

pub(super) async fn group(me: &TaskContext, tasks: &[Block], block: &Block) -> Result<(), Raised> {
    let started = Instant::now();
    let cancelled = on_drop(|| {
        me.log("tg done");
        me.exclude_if_now(started);
    });
    let (inside, tasks, block) = (me.clone(), tasks.to_vec(), Arc::clone(block));
    let mut exit_waits = false;
    let has_unfinished = &mut exit_waits;
    let body = async move |group: &mut TaskGroup<Raised>| {
        let mut created = Vec::new();
        for block in tasks {
            let (name, end, work) = new(&inside.world, block);
            let task = group.create_task(work);
            register(&inside.world, name, end, &task);
            created.push(task);
        }
        let result = run_block(inside, block).await;
        *has_unfinished = created.iter().any(|task| !task.done());
        result
    };
    let result = async_with_send(TaskGroup::new(), body).await;
    // An exit without unfinished tasks awaits nothing, and cannot be cancelled there.
    if exit_waits {
        sleep_zero().await;
    }
    cancelled.disarm();
    me.log("tg done");
    let (mut errors, block_error) = match result {
        Ok(()) => return Ok(()),
        Err(WithError::Block(error)) => (Vec::new(), Some(error)),
        Err(WithError::Exit { error, context, .. }) => (error.into_errors(), context),
        Err(_) => unreachable!("a group can be entered"),
    };
    match block_error {
        Some(Raised::Cancelled) if errors.is_empty() => return Err(Raised::Cancelled),
        Some(Raised::Cancelled) | None => {}
        // In asyncio, the error of the block is one of the group's errors.
        Some(error) => errors.push(error),
    }
    Err(Raised::Group(errors))
}

pub(super) async fn condition(me: &TaskContext, block: &Block, waits: bool) -> Result<(), Raised> {
    let condition = &me.world.condition;
    let mut locked = Some(Arc::clone(&condition.lock).lock_owned().await);
    me.log("acq cond");
    if waits {
        let notified = condition.waiter();
        drop(locked.take());
        let limit = timeout(seconds(2));
        // If it is cancelled here, asyncio reacquires the lock first, and notifies another task in its place.
        let cancelled = on_drop(|| match condition.lock.try_lock() {
            Ok(_) => condition.notify(1),
            Err(_) => me.world.exclude(Rule::Reacquires),
        });
        let (lock, mut again) = (Arc::clone(&condition.lock), None);
        let relocked = &mut again;
        let woken = async {
            drop(notified.await);
            *relocked = Some(lock.lock_owned().await);
            Ok(())
        };
        let woken = limited_here(me, &limit, woken).await;
        locked = match again {
            None => Some(Arc::clone(&condition.lock).lock_owned().await),
            again => again,
        };
        cancelled.disarm();
        if woken.is_err() {
            condition.notify(1);
        }
        woken?;
        me.log("woke cond");
    }
    run_block(me.clone(), Arc::clone(block)).await?;
    drop(locked);
    Ok(())
}

pub(super) async fn try_block(
    me: &TaskContext,
    [body, handler, finally]: [&Block; 3],
    catches: Catches,
) -> Result<(), Raised> {
    let exclude_if_dropped = |is_caught: bool| {
        let is_seen = is_caught || !finally.is_empty();
        on_drop(move || {
            if is_seen {
                me.world.exclude(Rule::Catches);
            }
        })
    };
    let cancelled = exclude_if_dropped(matches!(catches, Catches::Cancelled | Catches::Base));
    let mut result = run_block(me.clone(), Arc::clone(body)).await;
    cancelled.disarm();
    if let Err(error) = &result {
        if error.is_caught_by(catches) {
            me.log(format!("caught {error}"));
            let cancelled = exclude_if_dropped(false);
            result = run_block(me.clone(), Arc::clone(handler)).await;
            cancelled.disarm();
        }
    }
    run_block(me.clone(), Arc::clone(finally)).await?;
    result
}

pub(super) async fn wait_for(me: &TaskContext, long: u32, block: &Block) -> Result<(), Raised> {
    let deadline = Instant::now() + seconds(long);
    let work = run_block(me.within(Some(deadline)), Arc::clone(block));
    if let Ok(result) = time::timeout_at(deadline, work).await {
        return result;
    }
    sleep_zero().await;
    me.give_way().await;
    Err(Raised::Timeout)
}

/// As in asyncio: with a timeout of zero, the work is a task that is cancelled before it can start.
pub(super) async fn wait_for_no_time(me: &TaskContext, block: &Block) -> Result<(), Raised> {
    let task = create_task(run_block(me.clone(), Arc::clone(block)));
    task.cancel();
    match task.await {
        Err(Error::Cancelled) => Err(Raised::Timeout),
        result => result.map_err(raised),
    }
}

pub(super) async fn shielded(me: &TaskContext, block: &Block) -> Result<(), Raised> {
    let task = start(&me.world, Arc::clone(block));
    let abort_handle = task.abort_handle();
    // If the shield is dropped, the scopes around wait for its work.
    let left_alone = on_drop(|| {
        if !abort_handle.done() {
            me.world.exclude(Rule::Shields);
        }
    });
    let result = shield(task).await;
    sleep_zero().await;
    left_alone.disarm();
    result.map_err(raised)
}

pub(super) async fn gather_blocks(me: &TaskContext, blocks: &[Block], is_of_all: bool) -> Result<(), Raised> {
    let started = Instant::now();
    let tasks: Vec<_> = blocks.iter().map(|block| start(&me.world, Arc::clone(block))).collect();
    let cancelled = on_drop(|| me.exclude_if_now(started));
    let result = if is_of_all {
        Ok(gather(tasks).return_exceptions().await)
    } else {
        gather(tasks).await.map(|all| all.into_iter().map(Ok).collect())
    };
    sleep_zero().await;
    cancelled.disarm();
    let format =
        |result: Result<(), _>| result.map_or_else(|error| raised(error).to_string(), |()| "None".into());
    let results: Vec<String> = result.map_err(raised)?.into_iter().map(format).collect();
    me.log(format!("gather {}", results.join(" ")));
    Ok(())
}

pub(super) fn raised(error: Error<Raised>) -> Raised {
    match error {
        Error::Raised(error) => error,
        Error::Cancelled => Raised::Cancelled,
        other => panic!("{other}"),
    }
}
