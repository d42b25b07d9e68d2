//! Runs the programs on `tasks` and tokio's own types.

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
use super::task_context::{TaskContext, on_drop, sleep_zero};
use super::world::{CreatedTask, End, World};

/// Runs a program. Returns its trace, and the rule by which it is excluded from the comparison.
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
        // A task, so that it is scheduled like the others.
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
    sleep_zero().await;
    sleep_zero().await;
    for _ in 0..20 {
        let live = world.live();
        if live.is_empty() {
            break;
        }
        let names: Vec<_> = live.iter().map(|(name, _)| &**name).collect();
        world.log("main", format!("reap {}", names.join(" ")));
        let mut ended = world.ended.subscribe();
        for (_, abort_handle) in &live {
            abort_handle.cancel();
        }
        let all = ended.wait_for(|_| live.iter().all(|(_, abort_handle)| abort_handle.done()));
        drop(time::timeout(seconds(5), all).await);
    }
    for end in world.ends() {
        world.log("main", end);
    }
}

pub(super) fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

/// The name of a new task, where its result is stored, and its work.
pub(super) type New = (Arc<str>, End, BoxFuture<'static, Result<(), Raised>>);

pub(super) fn new(world: &Arc<World>, block: Block) -> New {
    let (name, end) = (world.next_name(), Arc::default());
    let me = TaskContext { world: Arc::clone(world), name: Arc::clone(&name), deadlines: Vec::new() };
    let ordered = Arc::clone(world);
    let work = work(me, block, Arc::clone(&end));
    (name, end, Box::pin(async move { ordered.order.run(work).await }))
}

pub(super) fn start(world: &Arc<World>, block: Block) -> TaskHandle<(), Raised> {
    let (name, end, work) = new(world, block);
    let task = create_task(work);
    register(world, name, end, &task);
    task
}

/// Registers a task that was created.
pub(super) fn register<E: std::fmt::Debug + Send + 'static>(
    world: &Arc<World>,
    name: Arc<str>,
    end: End,
    task: &TaskHandle<(), E>,
) {
    let (ends, stored) = (Arc::clone(world), Arc::clone(&end));
    task.add_done_callback(move |result| {
        // A task that was cancelled in its last step has stored a result, too.
        if matches!(result, Err(Error::Cancelled)) {
            *stored.lock().unwrap() = None;
        }
        // The callback is called just before the task is done.
        tokio::spawn(async move { ends.ended.send_modify(|ended| *ended += 1) });
    });
    world.add(CreatedTask { name, abort_handle: task.abort_handle(), end });
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
