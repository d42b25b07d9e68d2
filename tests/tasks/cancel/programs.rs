//! The programs. Each is in a scope `a`, and uses a part of `tasks` in a scope `a.*`, with further scopes inside.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use futures::StreamExt;
use tokio::task::yield_now;
use withal::context::{Detach, Restart, async_with};
use withal::tasks::{
    ErrorGroup, Spawner, TaskGroup, ThreadPoolExecutor, TimeoutError, as_completed, create_task, gather,
    shield, timeout, wait,
};

use super::Output;
use withal_test_support::event_log::EventLog;
use withal_test_support::probes;

probes!(Detached: Detach, Restarted: Restart);

const SOON: Duration = Duration::from_millis(5);

type Group = TaskGroup<String>;

async fn child(log: EventLog, name: &'static str) -> Output {
    async_with!(n = Detached::new(&log, name) => {
        yield_now().await;
        *n
    })
}

async fn slower(log: EventLog, name: &'static str) -> Output {
    async_with!(n = Restarted::new(&log, name) => {
        yield_now().await;
        yield_now().await;
        *n
    })
}

async fn fails(log: EventLog, name: &'static str) -> Output {
    async_with!(_n = Restarted::new(&log, name) => { yield_now().await; })?;
    Err("failed".to_owned())
}

/// Ends only when it is cancelled.
async fn stays(log: EventLog, name: &'static str) -> Output {
    async_with!(_n = Detached::new(&log, name) => { pending::<Output>().await? })
}

/// Returns the first error: on several threads, one task may have been cancelled by the failure of the other.
fn failed(errors: ErrorGroup<String>) -> String {
    errors.into_iter().next().expect("an error group is never empty")
}

pub(super) async fn plain(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            let one = group.create_task(child(log.clone(), "a.group.one"));
            let two = group.create_task(child(log.clone(), "a.group.two"));
            group.create_task(child(log.clone(), "a.group.three"));
            yield_now().await;
            one.await.unwrap() + two.await.unwrap()
        })
        .map_err(failed)?
    })
}

pub(super) async fn of_one(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Detached::new(&log, "a.group") => {
        async_with!(group = Group::new() => { group.create_task(child(log.clone(), "a.group.one")); })
            .map_err(failed)?;
        yield_now().await;
        7
    })
}

pub(super) async fn by_the_function(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Detached::new(&log, "a.group") => {
        let group = async_with(Group::new(), async |group| {
            let one = group.create_task(child(log.clone(), "a.group.one"));
            let two = group.create_task(child(log.clone(), "a.group.two"));
            Ok::<_, String>(one.await.unwrap() + two.await.unwrap())
        });
        group.await.map_err(|error| error.to_string())?
    })
}

pub(super) async fn nested(log: EventLog) -> Output {
    async fn inner(log: EventLog) -> Output {
        async_with!(_b = Detached::new(&log, "a.group.b") => {
            async_with!(group = Group::new() => {
                group.create_task(child(log.clone(), "a.group.b.one"));
                group.create_task(child(log.clone(), "a.group.b.two")).await.unwrap()
            })
            .map_err(failed)?
        })
    }
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            let one = group.create_task(inner(log.clone()));
            let two = async_with!(_c = Detached::new(&log, "a.group.c") => {
                async_with!(group = Group::new() => {
                    group.create_task(child(log.clone(), "a.group.c.one")).await.unwrap()
                })
                .map_err(failed)?
            })?;
            one.await.unwrap() + two
        })
        .map_err(failed)?
    })
}

pub(super) async fn failing(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            group.create_task(fails(log.clone(), "a.group.one"));
            group.create_task(fails(log.clone(), "a.group.two"));
            group.create_task(stays(log.clone(), "a.group.three"));
            stays(log.clone(), "a.group.four").await?
        })
        .map_err(failed)?
    })
}

pub(super) async fn made_by_tasks(log: EventLog) -> Output {
    async fn makes(log: EventLog, spawner: Spawner<String>) -> Output {
        async_with!(n = Detached::new(&log, "a.group.one") => {
            // Rejected if the group ends first.
            drop(spawner.create_task(child(log.clone(), "a.group.two")));
            yield_now().await;
            *n
        })
    }
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            let spawner = group.spawner();
            group.create_task(makes(log.clone(), spawner)).await.unwrap()
        })
        .map_err(failed)?
    })
}

pub(super) async fn limited(log: EventLog) -> Output {
    async_with!(n = Detached::new(&log, "a"), _limit = Restarted::new(&log, "a.limit") => {
        let late = async_with!(_limit = timeout(SOON) => {
            async_with!(_b = Detached::new(&log, "a.limit.b"), _c = Restarted::new(&log, "a.limit.b.c") => {
                pending::<()>().await;
            })?;
        });
        assert_eq!(late, Err(TimeoutError::Elapsed));
        assert!(log.entries().ends_with("a.limit.b>"), "the exits inside are awaited");
        yield_now().await;
        *n
    })
}

pub(super) async fn limited_group(log: EventLog) -> Output {
    async_with!(n = Detached::new(&log, "a"), _limit = Restarted::new(&log, "a.limit") => {
        let late = async_with!(_limit = timeout(SOON) => {
            async_with!(_group = Detached::new(&log, "a.limit.group") => {
                async_with!(group = Group::new() => {
                    group.create_task(stays(log.clone(), "a.limit.group.one"));
                    group.create_task(stays(log.clone(), "a.limit.group.two"));
                })
                .map_err(failed)?;
            })?;
        });
        assert_eq!(late, Err(TimeoutError::Elapsed));
        assert!(log.entries().ends_with("a.limit.group>"), "the exits inside are awaited");
        yield_now().await;
        *n
    })
}

pub(super) async fn gathered(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _gather = Restarted::new(&log, "a.gather") => {
        let tasks = ["a.gather.one", "a.gather.two"].map(|name| create_task(child(log.clone(), name)));
        gather(tasks).await.map_err(|error| error.into_raised().unwrap())?.into_iter().sum()
    })
}

/// Logs if it is dropped before it has completed.
async fn uninterrupted(log: EventLog, name: &'static str) -> Output {
    struct DropBeforeEnd(EventLog, Option<&'static str>);
    impl Drop for DropBeforeEnd {
        fn drop(&mut self) {
            if let Some(name) = self.1 {
                self.0.record(format_args!("~{name}"));
            }
        }
    }
    let mut uninterrupted = DropBeforeEnd(log.clone(), Some(name));
    let output = child(log, name).await;
    uninterrupted.1 = None;
    output
}

pub(super) async fn shielded(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _shield = Restarted::new(&log, "a.shield") => {
        let one = shield(uninterrupted(log.clone(), "a.shield.one")).await?;
        one + shield(group_of(log.clone(), "a.shield.two")).await?
    })
}

async fn group_of(log: EventLog, name: &'static str) -> Output {
    async_with!(group = Group::new() => { group.create_task(uninterrupted(log, name)).await.unwrap() })
        .map_err(failed)
}

pub(super) async fn waited_for(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            let one = group.create_task(child(log.clone(), "a.group.one"));
            let two = group.create_task(slower(log.clone(), "a.group.two"));
            let first = wait([one, two]).first_completed().await;
            yield_now().await;
            let rest = wait(first.pending.into_iter().map(|(_, task)| task)).await;
            first.done.into_iter().chain(rest.done).map(|(_, done)| done.unwrap()).sum::<u32>()
        })
        .map_err(failed)?
    })
}

pub(super) async fn completed(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _completed = Restarted::new(&log, "a.completed") => {
        let names = ["a.completed.one", "a.completed.two"];
        let mut completed = as_completed(names.map(|name| Box::pin(child(log.clone(), name))));
        let mut sum = 0;
        while let Some((_, n)) = completed.next().await {
            sum += n?;
        }
        sum
    })
}

pub(super) async fn tasks_completed(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _group = Restarted::new(&log, "a.group") => {
        async_with!(group = Group::new() => {
            let tasks = ["a.group.one", "a.group.two"].map(|name| group.create_task(child(log.clone(), name)));
            let mut completed = as_completed(tasks);
            let mut sum = 0;
            while let Some((_, n)) = completed.next().await {
                sum += n.unwrap();
            }
            sum
        })
        .map_err(failed)?
    })
}

pub(super) async fn on_threads(log: EventLog) -> Output {
    async_with!(_a = Detached::new(&log, "a"), _pool = Restarted::new(&log, "a.pool") => {
        async_with!(executor = ThreadPoolExecutor::new(1).unwrap() => {
            let [one, two] = ["a.pool.one", "a.pool.two"].map(|name| {
                let log = log.clone();
                executor.submit(move || {
                    log.record(format_args!("+{name}"));
                    std::thread::yield_now();
                    log.record(format_args!("{name}>"));
                    Ok::<_, Infallible>(7)
                })
                .unwrap()
            });
            one.await.unwrap() + two.await.unwrap()
        })
    })
}
