//! The tasks of a group: created, ended, rejected.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use withal::context::async_with;
use withal::tasks::{Spawner, TaskGroupError};

use super::super::{CRASH, Group, SECOND, after, errors, waits};
use crate::{Failed, Log, LogOnDrop};

#[tokio::test(start_paused = true)]
async fn taskgroup_01_waits_for_all() {
    let start = Instant::now();
    let tasks = async_with!(group = Group::new() => {
        (group.create_task(after(1, Ok(42))), group.create_task(after(2, Ok(11))))
    });
    let (t1, t2) = tasks.unwrap();
    assert_eq!((t1.result(), t2.result()), (Ok(&42), Ok(&11)));
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_02_the_block_awaits_too() {
    let tasks = async_with!(group = Group::new() => {
        let t1 = group.create_task(after(2, Ok(42)));
        sleep(SECOND).await;
        (t1, group.create_task(after(2, Ok(11))))
    });
    let (t1, t2) = tasks.unwrap();
    assert_eq!((t1.result(), t2.result()), (Ok(&42), Ok(&11)));
}

#[tokio::test(start_paused = true)]
async fn taskgroup_03_a_cancelled_task_is_not_a_failure() {
    let tasks = async_with!(group = Group::new() => {
        let t1 = group.create_task(after(10, Ok(42)));
        sleep(SECOND).await;
        t1.cancel();
        (t1, group.create_task(after(2, Ok(11))))
    });
    let (t1, t2) = tasks.unwrap();
    assert!(t1.cancelled());
    assert_eq!(t2.result(), Ok(&11));
}

#[tokio::test(start_paused = true)]
async fn taskgroup_23_ended_tasks_leave_the_group() {
    async_with!(group = Group::new() => {
        for count in 0..10 {
            sleep(SECOND).await;
            group.create_task(after(3, Ok(())));
            assert!(count != 5 || group.unfinished() < 5);
        }
        sleep(13 * SECOND).await;
        assert_eq!(group.unfinished(), 0);
    })
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn taskgroup_24_tasks_create_tasks() {
    let start = Instant::now();
    async_with!(group = Group::new() => {
        let spawner = group.spawner();
        group.create_task(async move {
            sleep(SECOND).await;
            spawner.create_task(after(1, Ok(()))).unwrap();
            spawner.create_task(after(2, Ok(()))).unwrap();
            Ok(())
        });
    })
    .unwrap();
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_25_the_hydra() {
    fn hydra(
        spawner: Spawner<Failed>,
        heads: Arc<()>,
    ) -> futures::future::BoxFuture<'static, Result<(), Failed>> {
        Box::pin(async move {
            sleep(10 * SECOND).await;
            for _ in 0..2 {
                // That the group is shutting down is not an error of a head.
                drop(spawner.create_task(hydra(spawner.clone(), Arc::clone(&heads))));
            }
            pending().await
        })
    }
    let heads = Arc::new(());
    let result = async_with!(group = Group::new() => {
        group.create_task(hydra(group.spawner(), Arc::clone(&heads)));
        let counts = Arc::clone(&heads);
        group.create_task(async move {
            while Arc::strong_count(&counts) < 10 {
                sleep(15 * SECOND).await;
            }
            Err::<(), _>(CRASH)
        });
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(Arc::strong_count(&heads), 1, "every head was dropped");
}

#[tokio::test(start_paused = true)]
async fn no_create_task_after_failure() {
    let (log, spawner) = (Log::default(), oneshot::channel());
    let logs = log.clone();
    let result = async_with!(group = Group::new() => {
        let spawns = group.spawner();
        group.create_task(async move {
            // Dropped when it is cancelled, and creates a task then.
            struct CreatesOnDrop(Spawner<Failed>, Log);
            impl Drop for CreatesOnDrop {
                fn drop(&mut self) {
                    self.1.push(self.0.create_task(async { Ok(()) }).unwrap_err());
                }
            }
            let _creates = CreatesOnDrop(spawns, logs);
            pending::<Result<(), Failed>>().await
        });
        group.create_task(after(1, Err::<(), _>(CRASH)));
        spawner.0.send(group.spawner()).unwrap();
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(log.take(), ["task group is shutting down"]);
    let spawner: Spawner<Failed> = spawner.1.await.unwrap();
    let error = spawner.create_task(async { Ok(()) }).unwrap_err();
    assert_eq!((error, error.to_string().as_str()), (TaskGroupError::Finished, "task group is finished"));
}

#[tokio::test]
async fn a_finished_group_drops_rejected_work() {
    let (log, spawner) = (Log::default(), async_with!(group = Group::new() => { group.spawner() }).unwrap());
    assert_eq!(
        spawner.create_task(waits(LogOnDrop::new("dropped", &log))).unwrap_err(),
        TaskGroupError::Finished
    );
    assert_eq!(log.take(), ["dropped"]);
}
