//! The rows of `test_taskgroups.py`, under their names.

use std::future::{Future, pending};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use withal::cleanup::{self, Event};
use withal::context::{AsyncContextManager, AsyncExit, Detach, Error as WithError, Exit, async_with};
use withal::tasks::{Error, Spawner, TaskGroupError, create_task};

use super::{CRASH, Group, SECOND, after, errors, waits};
use crate::{Failed, Log, Noted};

#[tokio::test(start_paused = true)]
async fn taskgroup_01_waits_for_all() {
    let began = Instant::now();
    let tasks = async_with!(group = Group::new() => {
        (group.create_task(after(1, Ok(42))), group.create_task(after(2, Ok(11))))
    });
    let (t1, t2) = tasks.unwrap();
    assert_eq!((t1.result(), t2.result()), (Ok(&42), Ok(&11)));
    assert_eq!(began.elapsed(), 2 * SECOND);
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
async fn taskgroup_03_a_task_that_is_cancelled_is_no_failure() {
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
async fn taskgroup_04_the_first_failure_cancels_the_siblings() {
    let (log, began) = (Log::default(), Instant::now());
    let (to, t2) = oneshot::channel();
    let result = async_with!(group = Group::new() => {
        group.create_task(after(1, Err::<(), _>(CRASH)));
        to.send(group.create_task(waits(Noted::new("t2", &log)))).unwrap();
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!(log.take(), ["t2"]);
    assert!(t2.await.unwrap().cancelled());
}

#[tokio::test(start_paused = true)]
async fn cancel_children_on_child_error() {
    let (log, began) = (Log::default(), Instant::now());
    let result = async_with!(group = Group::new() => {
        for _ in 0..3 {
            group.create_task(after(1, Err::<(), _>(CRASH)));
        }
        group.create_task(waits(Noted::new("t2", &log)));
        let _noted = Noted::new("the block", &log);
        sleep(10 * SECOND).await;
        log.push("never");
    });
    assert_eq!(errors(result), [CRASH; 3], "of one turn, none is cancelled by another");
    let mut ended = log.take();
    ended.sort();
    assert_eq!(ended, ["t2", "the block"]);
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn cancellation_and_taskgroup_22_from_outside_while_it_waits() {
    let (log, began) = (Log::default(), Instant::now());
    let logs = log.clone();
    let runner = create_task(async move {
        async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(waits(Noted::new("child", &logs)));
            }
        })
    });
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["child"; 5], "the children end first");
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_07_cancellation_from_outside_in_the_block() {
    let log = Log::default();
    let logs = log.clone();
    let runner = create_task(async move {
        let _noted = Noted::new("runner", &logs);
        async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(waits(Noted::new("child", &logs)));
            }
            let _noted = Noted::new("block", &logs);
            sleep(10 * SECOND).await;
        })
    });
    sleep(SECOND).await;
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["block", "runner", "child", "child", "child", "child", "child"]);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_17_cancellation_from_outside_in_the_block_of_a_group_without_tasks() {
    let log = Log::default();
    let noted = Noted::new("block", &log);
    let runner = create_task(async move {
        async_with!(_group = Group::new() => {
            let _noted = noted;
            sleep(10 * SECOND).await;
        })
    });
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(matches!(runner.await, Err(Error::Cancelled)));
    assert_eq!(log.take(), ["block"]);
}

/// Waits for ever in a block whose exit takes a second, and fails.
async fn fails_as_it_is_cancelled() -> Result<(), Failed> {
    async_with(FailsSlowly, async |_| pending::<Result<(), Failed>>().await).await.map_err(|_| CRASH)
}

struct FailsSlowly;

impl AsyncContextManager for FailsSlowly {
    type Entered = Self;
    async fn aenter(self) -> Result<Self, Failed> {
        Ok(self)
    }
}

impl AsyncExit for FailsSlowly {
    type Target = Self;
    type Error = Failed;
    type Verdict = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, _: Exit<'_>) -> Result<(), Failed> {
        sleep(SECOND).await;
        Err(CRASH)
    }
}

/// Cancels `runner` after a second, and waits for it: what the observers were told meanwhile, and how long that took.
async fn told_as_it_is_cancelled<F>(runner: F) -> (Vec<String>, Duration)
where
    F: Future<Output = Result<(), Failed>> + Send + 'static,
{
    let (told, here) = (Log::default(), thread::current().id());
    let tells = told.clone();
    let observer = cleanup::observe(move |event| {
        if let (true, Event::Failed { error, .. }) = (thread::current().id() == here, event) {
            tells.push(error.downcast_ref::<Failed>().expect("it is the exit's"));
        }
    });
    let began = Instant::now();
    let runner = create_task(runner);
    sleep(SECOND).await;
    assert!(!runner.done());
    runner.cancel();
    assert_eq!(runner.await, Err(Error::Cancelled));
    drop(observer);
    assert_eq!(cleanup::pending(), 0);
    (told.take(), began.elapsed())
}

/// Python raises the errors of children that fail as they are cancelled; here their exits do, and the observers are told.
#[tokio::test(start_paused = true)]
async fn taskgroup_08_children_fail_as_they_are_cancelled() {
    let runner = async {
        let result = async_with!(group = Group::new() => {
            for _ in 0..5 {
                group.create_task(fails_as_it_is_cancelled());
            }
            sleep(10 * SECOND).await;
        });
        result.map_err(|_| Failed("it was not cancelled"))
    };
    let (told, elapsed) = told_as_it_is_cancelled(runner).await;
    assert_eq!(told, [CRASH.to_string().as_str(); 5]);
    assert_eq!(elapsed, 2 * SECOND, "it is over when they are");
}

#[tokio::test(start_paused = true)]
async fn taskgroup_11_and_12_children_fail_as_they_are_cancelled_in_a_group_in_a_group() {
    for has_a_task_outside in [false, true] {
        let log = Log::default();
        let outside = Noted::new("outside", &log);
        let runner = async move {
            let result = async_with(Group::new(), async move |outer| {
                if has_a_task_outside {
                    outer.create_task(waits(outside));
                }
                async_with!(inner = Group::new() => {
                    for _ in 0..5 {
                        inner.create_task(fails_as_it_is_cancelled());
                    }
                    sleep(10 * SECOND).await;
                })
            });
            result.await.map_err(|_| Failed("it was not cancelled"))
        };
        let (told, elapsed) = told_as_it_is_cancelled(runner).await;
        assert_eq!(told, [CRASH.to_string().as_str(); 5]);
        assert_eq!(elapsed, 2 * SECOND, "it is over when they are");
        assert_eq!(log.take(), ["outside"], "the one outside, too");
    }
}

#[tokio::test(start_paused = true)]
async fn taskgroup_09_and_10_the_blocks_error_cancels_and_is_its_own() {
    for pauses in [true, false] {
        let (to, tasks) = oneshot::channel();
        let result = async_with(Group::new(), async |group| {
            to.send([group.create_task(after(1, Ok(42))), group.create_task(after(2, Ok(11)))]).unwrap();
            if pauses {
                yield_now().await;
            }
            Err::<(), _>("the block's")
        });
        assert!(matches!(result.await, Err(WithError::Block("the block's"))));
        let tasks = tasks.await.unwrap();
        assert!(tasks.iter().all(withal::tasks::Future::cancelled));
    }
}

#[tokio::test(start_paused = true)]
async fn taskgroup_13_a_failure_outside_interrupts_a_group_inside() {
    let log = Log::default();
    let result = async_with!(outer = Group::new() => {
        outer.create_task(after(1, Err::<(), _>(CRASH)));
        async_with!(inner = Group::new() => {
            inner.create_task(waits(Noted::new("inside", &log)));
        })
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(log.take(), ["inside"]);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_14_a_failure_inside_is_an_error_of_the_block_outside() {
    let log = Log::default();
    let result = async_with(Group::new(), async |outer| {
        outer.create_task(waits(Noted::new("outside", &log)));
        async_with!(inner = Group::new() => {
            inner.create_task(after(1, Err::<(), _>(CRASH)));
        })
    });
    let Err(WithError::Block(inner)) = result.await else { panic!("it is the block's") };
    assert_eq!(inner.errors(), [CRASH]);
    assert_eq!(log.take(), ["outside"]);
}

#[tokio::test(start_paused = true)]
async fn taskgroup_23_tasks_leave_as_they_are_over() {
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
async fn taskgroup_24_tasks_make_tasks() {
    let began = Instant::now();
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
    assert_eq!(began.elapsed(), 3 * SECOND);
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
                // Shutting down is no error of a head.
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
    assert_eq!(Arc::strong_count(&heads), 1, "every head is gone");
}

#[tokio::test(start_paused = true)]
async fn no_create_task_after_failure() {
    let (log, spawner) = (Log::default(), oneshot::channel());
    let logs = log.clone();
    let result = async_with!(group = Group::new() => {
        let refused = group.spawner();
        group.create_task(async move {
            // Polled once more, in the moment in which it is cancelled.
            struct Refused(Spawner<Failed>, Log);
            impl Drop for Refused {
                fn drop(&mut self) {
                    self.1.push(self.0.create_task(async { Ok(()) }).unwrap_err());
                }
            }
            let _refused = Refused(refused, logs);
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
async fn finished_the_work_is_dropped_when_it_is_refused() {
    let (log, spawner) = (Log::default(), async_with!(group = Group::new() => { group.spawner() }).unwrap());
    assert_eq!(
        spawner.create_task(waits(Noted::new("dropped", &log))).unwrap_err(),
        TaskGroupError::Finished
    );
    assert_eq!(log.take(), ["dropped"]);
}

#[tokio::test(start_paused = true)]
async fn context_manager_exit_raises_beside_a_task() {
    struct Raises;
    impl AsyncContextManager for Raises {
        type Entered = Self;
        async fn aenter(self) -> Result<Self, Failed> {
            Ok(self)
        }
    }
    impl AsyncExit for Raises {
        type Target = Self;
        type Error = Failed;
        type Verdict = ();
        type OnDrop = Detach;
        fn target(&mut self) -> &mut Self {
            self
        }
        async fn aexit(&mut self, _: Exit<'_>) -> Result<(), Failed> {
            Err(Failed("exit"))
        }
    }
    let (told, here) = (Log::default(), std::thread::current().id());
    let tells = told.clone();
    let _observer = cleanup::observe(move |event| {
        if std::thread::current().id() == here {
            tells.push(event.to_string().ends_with("failed"));
        }
    });
    let result = async_with(Group::new(), async |group| {
        async_with(Raises, async |_| {
            group.create_task(async { Err::<(), _>(CRASH) });
            sleep(SECOND).await;
            Ok::<_, Failed>(())
        })
        .await
    });
    let Err(WithError::Exit { error, .. }) = result.await else { panic!("it is the group's") };
    assert_eq!(error.errors(), [CRASH]);
    assert_eq!(told.take(), ["true"], "the block was dropped: its exit's error is told");
}

/// It is cancelled before the child fails, in the same turn, or when it has got the error already: the cancellation holds.
#[tokio::test(start_paused = true)]
async fn error_and_cancel() {
    let mut caught = Vec::new();
    for turns in 0..8 {
        let (log, began) = (Log::default(), Instant::now());
        let (started, has_started) = oneshot::channel();
        let logs = log.clone();
        let inner = create_task(async move {
            let result = async_with!(group = Group::new() => {
                group.create_task(async move {
                    started.send(()).unwrap();
                    yield_now().await;
                    Err::<(), _>(CRASH)
                });
                sleep(SECOND).await;
                logs.push("never in the group");
            });
            assert_eq!(errors(result), [CRASH]);
            logs.push("caught");
            sleep(SECOND).await;
            logs.push("never after the group");
            Ok::<_, Failed>(())
        });
        has_started.await.unwrap();
        for _ in 0..turns {
            yield_now().await;
        }
        assert!(inner.cancel());
        assert_eq!(inner.await, Err(Error::Cancelled));
        assert_eq!(began.elapsed(), Duration::ZERO);
        let log = log.take();
        assert!(log.is_empty() || log == ["caught"], "{log:?}");
        caught.push(!log.is_empty());
    }
    assert!(!caught[0] && caught[7], "both before it was caught and after that");
}
