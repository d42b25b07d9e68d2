//! The effects of the statements.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::time;
use withal::tasks::{EventLoop, timeout};

use super::program::{Block, Statement};
use super::raised::Raised;
use super::run::{seconds, start};
use super::scopes::{
    condition, gather_blocks, group, limited, limited_block, shielded, try_block, wait_for, wait_for_no_time,
};
use super::task_context::{TaskContext, sleep_zero};

pub(super) fn run_block(me: TaskContext, block: Block) -> BoxFuture<'static, Result<(), Raised>> {
    Box::pin(async move {
        for statement in block.iter() {
            run_statement(&me, statement).await?;
        }
        Ok(())
    })
}

async fn run_statement(me: &TaskContext, statement: &Statement) -> Result<(), Raised> {
    let world = &me.world;
    match statement {
        Statement::Log(id) => me.log(format!("log {id}")),
        Statement::Sleep(0) => sleep_zero().await,
        Statement::Sleep(long) => {
            time::sleep(seconds(*long)).await;
            me.give_way().await;
        }
        Statement::Raise(kind, id) => return Err(Raised::new(*kind, *id)),
        Statement::Soon(id) => {
            let (id, world) = (*id, Arc::clone(world));
            let event_loop = EventLoop::current().expect("the event loop should run on this thread");
            drop(event_loop.call_soon(move || world.log("cb", format!("soon {id}"))));
        }
        Statement::Later(long, id) => {
            let (id, world) = (*id, Arc::clone(world));
            let event_loop = EventLoop::current().expect("the event loop should run on this thread");
            drop(event_loop.call_later(seconds(*long), move || world.log("cb", format!("later {id}"))));
        }
        Statement::Cancel(index) => {
            if let Some((name, abort_handle)) = world.task(*index) {
                let had_effect = if abort_handle.cancel() { "True" } else { "False" };
                me.log(format!("cancel {name} {had_effect}"));
            }
        }
        Statement::Set(event) => {
            world.events[*event].set();
            me.log("set");
        }
        Statement::Wait(event) => {
            let event = *event;
            let work = |me: TaskContext| async move {
                me.world.events[event].wait().await;
                me.log("woke");
                Ok(())
            };
            limited(me, &timeout(seconds(3)), move |me| Box::pin(work(me))).await?;
        }
        Statement::Put(queue) => {
            world.queues[*queue].put.send(world.names()).expect("the queue should be open");
            me.log("put");
        }
        Statement::Get(queue) => {
            let queue = *queue;
            let work = |me: TaskContext| async move {
                let got = me.world.queues[queue].get.lock().await.recv().await;
                me.log(format!("got {}", got.expect("the queue should be open")));
                Ok(())
            };
            limited(me, &timeout(seconds(3)), move |me| Box::pin(work(me))).await?;
        }
        Statement::Notify(count) => {
            let _locked = world.condition.lock.lock().await;
            world.condition.notify(*count);
            me.log(format!("notify {count}"));
        }
        Statement::Spawn(block) => drop(start(world, Arc::clone(block))),
        Statement::Group(tasks, block) => group(me, tasks, block).await?,
        Statement::Timeout(long, block) => limited_block(me, *long, block).await?,
        Statement::WaitFor(0, block) => wait_for_no_time(me, block).await?,
        Statement::WaitFor(long, block) => wait_for(me, *long, block).await?,
        Statement::Shield(block) => shielded(me, block).await?,
        Statement::Gather(blocks, is_of_all) => gather_blocks(me, blocks, *is_of_all).await?,
        Statement::Lock(lock, block) => {
            let locked = world.locks[*lock].lock().await;
            me.log(format!("acq lock{lock}"));
            run_block(me.clone(), Arc::clone(block)).await?;
            drop(locked);
            me.log(format!("rel lock{lock}"));
        }
        Statement::Semaphore(semaphore, block) => {
            let permit = world.semaphores[*semaphore].acquire().await.expect("the semaphore is never closed");
            me.log(format!("acq sem{semaphore}"));
            run_block(me.clone(), Arc::clone(block)).await?;
            drop(permit);
            me.log(format!("rel sem{semaphore}"));
        }
        Statement::Condition(block, waits) => condition(me, block, *waits).await?,
        Statement::Try { body, catches, handler, finally } => {
            try_block(me, [body, handler, finally], *catches).await?;
        }
        Statement::Loop(times, block) => {
            for _ in 0..*times {
                run_block(me.clone(), Arc::clone(block)).await?;
            }
        }
    }
    Ok(())
}
