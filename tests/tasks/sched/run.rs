//! Runs the programs, on `tasks` and on tokio's own types.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::runtime::Builder;
use tokio::time;
use withal::cleanup::{self, CleanupEvent};
use withal::tasks::{Error, EventLoop, TaskHandle, create_task, wait};

use super::Rule;
use super::order::Order;
use super::program::{Block, Case};
use super::raised::Raised;
use super::statements::run_block;
use super::task_context::{TaskContext, on_drop, turn};
use super::world::{End, Made, World};

/// What a program does here, and the rule by which it cannot be compared.
pub(super) fn run(case: &Case, order: Order) -> (Vec<String>, Option<Rule>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let event_loop = EventLoop::with_runtime(runtime);
    let tasks = case.tasks.clone();
    let world = event_loop.run_until_complete(async {
        let world = Arc::new(World::new(order));
        let (sees, here) = (Arc::clone(&world), thread::current().id());
        let observer = cleanup::observe(move |event| {
            if thread::current().id() == here && matches!(event, CleanupEvent::Failed { .. }) {
                sees.exclude(Rule::Fails);
            }
        });
        // A task as the others: it has its turn when they have theirs.
        let runs = Arc::clone(&world);
        tokio::spawn(async move { program(&runs, tasks).await }).await.unwrap();
        drop(observer);
        world
    });
    let world = world.unwrap();
    (world.trace(), world.excluded())
}

async fn program(world: &Arc<World>, tasks: Vec<Block>) {
    let tasks = tasks.into_iter().map(|block| start(world, block)).collect::<Vec<_>>();
    drop(wait(tasks).timeout(seconds(40)).await);
    turn().await;
    turn().await;
    for _ in 0..20 {
        let live = world.live();
        if live.is_empty() {
            break;
        }
        let names: Vec<_> = live.iter().map(|(name, _)| &**name).collect();
        world.log("main", format!("reap {}", names.join(" ")));
        let mut over = world.over.subscribe();
        for (_, abort_handle) in &live {
            abort_handle.cancel();
        }
        let all = over.wait_for(|_| live.iter().all(|(_, abort_handle)| abort_handle.done()));
        drop(time::timeout(seconds(5), all).await);
    }
    for end in world.ends() {
        world.log("main", end);
    }
}

pub(super) fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

/// The work of a task that is to be made, its name, and where its end is to be seen.
pub(super) type New = (Arc<str>, End, BoxFuture<'static, Result<(), Raised>>);

pub(super) fn new(world: &Arc<World>, block: Block) -> New {
    let (name, end) = (world.next_name(), Arc::default());
    let me = TaskContext { world: Arc::clone(world), name: Arc::clone(&name), deadlines: Vec::new() };
    let ordered = Arc::clone(world);
    let work = work(me, block, Arc::clone(&end));
    (name, end, Box::pin(async move { ordered.order.kept(work).await }))
}

pub(super) fn start(world: &Arc<World>, block: Block) -> TaskHandle<(), Raised> {
    let (name, end, work) = new(world, block);
    let task = create_task(work);
    made(world, name, end, &task);
    task
}

/// Made, and it has its place among the tasks.
pub(super) fn made<E: Send + 'static>(
    world: &Arc<World>,
    name: Arc<str>,
    end: End,
    task: &TaskHandle<(), E>,
) {
    let (over, ended) = (Arc::clone(world), Arc::clone(&end));
    task.add_done_callback(move |outcome| {
        // It may have come to its end, and been cancelled in the last step.
        if matches!(outcome, Err(Error::Cancelled)) {
            *ended.lock().unwrap() = None;
        }
        // The callback comes a little before it is done.
        tokio::spawn(async move { over.over.send_modify(|over| *over += 1) });
    });
    world.made(Made { name, abort_handle: task.abort_handle(), end });
}

async fn work(me: TaskContext, block: Block, end: End) -> Result<(), Raised> {
    me.log("start");
    let cancelled = on_drop(|| me.log("end CE"));
    let result = run_block(me.clone(), block).await;
    match &result {
        Err(Raised::Cancelled) => me.end_as_cancelled().await,
        Err(error) => me.log(format!("end {error}")),
        Ok(()) => me.log("end"),
    }
    cancelled.disarm();
    *end.lock().unwrap() = Some(result.clone());
    result
}
