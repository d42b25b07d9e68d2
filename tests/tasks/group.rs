//! Groups of tasks: `test_taskgroups.py`, and what asyncio has no need to say.

use std::convert::Infallible;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use withal::cleanup;
use withal::context::{AsyncContextManager, AsyncExit, Detach, Error as WithError, Exit, async_with};
use withal::tasks::{AnyError, Error, ErrorGroup, Grouped, Spawner, TaskGroup, TaskGroupError, create_task};

use super::{Failed, Log, Noted};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
const CRASH: Failed = Failed("division by zero");

type Group = TaskGroup<Failed>;

async fn after<T>(seconds: u32, outcome: Result<T, Failed>) -> Result<T, Failed> {
    sleep(seconds * SECOND).await;
    outcome
}

/// Waits for ever, and logs its end.
async fn waits(noted: Noted) -> Result<(), Failed> {
    let _noted = noted;
    pending().await
}

fn errors<T: std::fmt::Debug>(result: Result<T, ErrorGroup<Failed>>) -> Vec<Failed> {
    result.unwrap_err().into_errors()
}

/// Its exit takes a second, and is logged.
struct Slow(&'static str, Log);

impl AsyncContextManager for Slow {
    type Entered = Self;
    async fn aenter(self) -> Result<Self, Infallible> {
        Ok(self)
    }
}

impl AsyncExit for Slow {
    type Target = Self;
    type Error = Infallible;
    type Verdict = ();
    type OnDrop = Detach;
    fn target(&mut self) -> &mut Self {
        self
    }
    async fn aexit(&mut self, exit: Exit<'_>) -> Result<(), Infallible> {
        sleep(SECOND).await;
        self.1.push(format!("{} {exit:?}", self.0));
        Ok(())
    }
}

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
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        for _ in 0..3 {
            group.create_task(after(1, Err::<(), _>(CRASH)));
        }
        group.create_task(waits(Noted::new("t2", &log)));
        let _noted = Noted::new("the block", &log);
        sleep(10 * SECOND).await;
        log.push("never");
    });
    let errors = errors(result);
    assert!((1..=3).contains(&errors.len()) && errors.iter().all(|error| *error == CRASH));
    let mut ended = log.take();
    ended.sort();
    assert_eq!(ended, ["t2", "the block"]);
}

#[tokio::test(start_paused = true)]
async fn cancellation_from_outside_while_it_waits() {
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
async fn taskgroup_07_and_17_and_22_cancellation_from_outside_in_the_block() {
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

/// Python's children fail as they are cancelled; here their exits do, and the errors are told to the observers.
#[tokio::test(start_paused = true)]
async fn taskgroup_08_and_11_and_12_exits_of_children_are_awaited_when_it_is_cancelled() {
    let (log, began) = (Log::default(), Instant::now());
    let logs = log.clone();
    let runner = create_task(async move {
        async_with!(_outer = Group::new() => {
            async_with!(inner = Group::new() => {
                for _ in 0..5 {
                    let slow = Slow("child", logs.clone());
                    inner.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
                }
                sleep(10 * SECOND).await;
            })
        })
    });
    sleep(SECOND).await;
    runner.cancel();
    assert!(runner.await.is_err());
    assert_eq!(began.elapsed(), 2 * SECOND, "it is over when they are");
    assert_eq!(log.take(), ["child Cancelled"; 5]);
    assert_eq!(cleanup::pending(), 0);
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

/// Nested groups are errors of groups: in Python's words, an `ExceptionGroup` of an `ExceptionGroup`.
#[tokio::test(start_paused = true)]
async fn nested_groups_match_by_type_at_any_depth() {
    let inner = async {
        async_with!(group = TaskGroup::<AnyError>::new() => {
            group.create_task(async { Err::<(), AnyError>(CRASH.into()) });
        })?;
        Ok(())
    };
    let result = async_with!(group = TaskGroup::<AnyError>::new() => {
        group.create_task(inner);
    });
    let errors = result.unwrap_err();
    assert_eq!(errors.to_string(), "unhandled errors in a TaskGroup (1 sub-exception)");
    assert!(errors.errors()[0].is::<ErrorGroup<AnyError>>());
    let (none, errors) = errors.split_type::<std::io::Error>();
    assert!(none.is_empty());
    let (found, rest) = errors.unwrap().split_type::<Failed>();
    assert_eq!(found, [CRASH]);
    assert!(rest.is_none());
}

/// Of tasks that fail in one turn of the runtime, none is cancelled by another.
#[tokio::test(start_paused = true)]
async fn errors_of_one_turn_are_all_there_and_match_by_a_predicate() {
    let result = async_with!(group = Group::new() => {
        group.create_task(async { Err::<(), _>(Failed("a")) });
        group.create_task(async { Err::<(), _>(Failed("b")) });
    });
    let all = result.unwrap_err();
    assert_eq!(all.iter().count(), 2);
    assert_eq!((&all).into_iter().count(), 2);
    let (a, others) = all.split(|error| error.0 == "a");
    assert_eq!(a.unwrap().into_errors(), [Failed("a")]);
    assert_eq!(others.unwrap().into_iter().collect::<Vec<_>>(), [Failed("b")]);
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

#[tokio::test(start_paused = true)]
async fn error_and_cancel() {
    let log = Log::default();
    let logs = log.clone();
    let runner = create_task(async move {
        async_with!(group = Group::new() => {
            group.create_task(after(1, Err::<(), _>(CRASH)));
            let slow = Slow("slow", logs);
            group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
        })
    });
    sleep(SECOND * 3 / 2).await;
    assert!(!runner.done());
    runner.cancel();
    assert!(runner.await.is_err(), "cancelled, while it waits for a child that it has cancelled");
    assert_eq!(log.take(), ["slow Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_over_when_the_exits_in_it_are() {
    let (log, began) = (Log::default(), Instant::now());
    let logs = log.clone();
    let result = async_with!(group = Group::new() => {
        let slow = Slow("child's", logs);
        group.create_task(async move { async_with!(_slow = slow => { pending::<Result<(), Failed>>().await }) });
        group.create_task(after(1, Err::<(), _>(CRASH)));
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(began.elapsed(), 2 * SECOND);
    assert_eq!(log.take(), ["child's Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn the_exits_in_the_block_come_before_the_groups() {
    let log = Log::default();
    let noted = Noted::new("task", &log);
    let result = async_with!(group = Group::new() => {
        group.create_task(after(1, Err::<(), _>(CRASH)));
        group.create_task(waits(noted));
        async_with!(_slow = Slow("block's", log.clone()) => { pending::<()>().await });
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(log.take(), ["task", "block's Cancelled"]);
}

/// The block that awaits a task sees no failure of it that the group does not see first.
#[tokio::test(start_paused = true)]
async fn a_block_that_awaits_the_task_which_fails_is_interrupted() {
    let log = Log::default();
    let result = async_with!(group = Group::new() => {
        let sibling = group.create_task(pending::<Result<(), _>>());
        let fails = group.create_task(after(1, Err::<(), _>(CRASH)));
        let seen = futures::future::select(fails, sibling).await;
        log.push(format!("{:?}", seen.factor_first().0));
    });
    assert_eq!(errors(result), [CRASH]);
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handle_outside_says_that_the_group_has_the_error() {
    let (to, handle) = oneshot::channel();
    let result = async_with!(group = Group::new() => {
        to.send(group.create_task(after(1, Err::<(), _>(CRASH)))).unwrap();
    });
    assert_eq!(errors(result), [CRASH]);
    assert_eq!(handle.await.unwrap().await, Err(Error::Raised(Grouped)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_task_goes_on_when_the_others_are_over() {
    let log = Log::default();
    let group = async_with(Group::new(), async |group| {
        group.create_task(waits(Noted::new("sibling", &log)));
        group.create_task(async {
            sleep(SECOND).await;
            panic!("doh!") as Result<(), Failed>
        });
        pending::<Result<(), Failed>>().await
    });
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(log.take(), ["sibling"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_block_goes_on_when_the_tasks_are_over() {
    let log = Log::default();
    let group = async_with(Group::new(), async |group| {
        group.create_task(waits(Noted::new("task", &log)));
        yield_now().await;
        panic!("doh!") as Result<(), Failed>
    });
    let payload = AssertUnwindSafe(group).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"doh!"));
    assert_eq!(log.take(), ["task"]);
}

/// `select!`, tokio's `timeout`: dropped anywhere, nothing of the group is left when the cleanups are over.
#[tokio::test(start_paused = true)]
async fn dropped_at_any_moment_no_task_is_left() {
    for after in 0..6 {
        let log = Log::default();
        let group = async {
            async_with!(group = Group::new() => {
                for _ in 0..3 {
                    group.create_task(waits(Noted::new("task", &log)));
                }
                sleep(3 * SECOND).await;
            })
        };
        assert!(timeout(after * SECOND, group).await.is_err());
        cleanup::drain(LONG).await.unwrap();
        assert_eq!(log.take(), ["task"; 3], "after {after} s");
    }
}

#[tokio::test]
async fn dropped_without_having_been_entered_it_cancels() {
    let (log, group) = (Log::default(), Group::new());
    let task = group.create_task(waits(Noted::new("task", &log)));
    yield_now().await;
    drop(group);
    assert_eq!(task.await, Err(Error::Cancelled));
    assert_eq!(log.take(), ["task"]);
}

#[tokio::test]
async fn a_group_of_none_ends_at_once() {
    assert_eq!(async_with!(_group = Group::new() => { 7 }).unwrap(), 7);
    assert_eq!(cleanup::pending(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads() {
    for n in 0..50_u32 {
        let result = async_with!(group = TaskGroup::<u32>::new() => {
            for task in 0..20 {
                group.create_task(async move {
                    yield_now().await;
                    if task == n % 25 { Err(task) } else { Ok(()) }
                });
            }
        });
        match result {
            Ok(()) => assert!(n % 25 >= 20),
            Err(errors) => assert_eq!(errors.into_errors(), [n % 25]),
        }
    }
}
