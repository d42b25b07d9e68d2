//! Managers that are optional, and managers that are one of two.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, RwLock};
use tokio::task::yield_now;
use withal::cleanup::drain;
use withal::context::{
    AsyncExitStack, Detach, DropAfterChildren, DropNow, EitherError, EitherManager, Restart, async_with,
    nullcontext, on_exit, read, suppress, write,
};
use withal::testing::cancel_at_every_await;
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::probes;

use crate::managers::{OnExit, drop_while_pending, on_exit as exits, records_exit};

probes!(Now: DropNow, Held: DropAfterChildren, Detached: Detach, Restarted: Restart);

const ENOUGH: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_optional_lock_is_entered_if_there_is_one() {
    async fn add(total: Option<&Mutex<u32>>, n: u32) -> u32 {
        async_with!(total = total => {
            assert_eq!(total.is_some(), total.as_mut().is_some());
            match total.as_mut() {
                Some(total) => { *total += n; *total }
                None => n,
            }
        })
    }
    let mutex = Mutex::new(1);
    assert_eq!(add(Some(&mutex), 2).await, 3);
    assert_eq!(add(None, 2).await, 2);
    assert!(mutex.try_lock().is_ok());
}

#[tokio::test]
async fn an_optional_manager_has_the_error_of_the_manager() {
    async fn run(log: &EventLog, name: Option<&str>) -> Result<u32, String> {
        let manager = name.map(|name| Detached::new(log, name));
        async_with!(n = manager => { n.as_mut().copied().unwrap_or(1) })
    }
    let log = EventLog::new();
    assert_eq!(run(&log, Some("a")).await, Ok(7));
    assert_eq!(run(&log, None).await, Ok(1));
    assert_eq!(log.entries(), "+a <a:ok a>");
}

#[tokio::test]
async fn an_optional_manager_suppresses_if_the_manager_does() {
    async fn parse(text: &str, lenient: bool) -> Result<Option<u32>, std::num::ParseIntError> {
        let manager = lenient.then(|| suppress(|_: &std::num::ParseIntError| true));
        Ok(async_with!(_ = manager => { text.parse::<u32>()? }))
    }
    assert_eq!(parse("7", false).await, Ok(Some(7)));
    assert_eq!(parse("x", true).await, Ok(None));
    assert!(parse("x", false).await.is_err());
}

/// Each policy, in an optional manager and on both sides of one of two, dropped at every await.
#[tokio::test]
async fn every_policy_applies_through_a_choice() {
    async fn program(log: EventLog) -> Result<u32, String> {
        macro_rules! choices {
            ($($policy:ident $other:ident $name:literal;)*) => {$(
                async_with!(_ = Some($policy::new(&log, $name)) => { yield_now().await; })?;
                let first = EitherManager::<_, $other>::First($policy::new(&log, concat!($name, "1")));
                async_with!(_ = first => { yield_now().await; })?;
                let second = EitherManager::<$other, _>::Second($policy::new(&log, concat!($name, "2")));
                async_with!(_ = second => {
                    async_with!(_ = Detached::new(&log, concat!($name, "2.in")) => { yield_now().await; })?;
                })?;
            )*};
        }
        choices! {
            Detached Now "a"; Detached Held "b"; Detached Restarted "c"; Detached Detached "d";
            Restarted Now "e"; Restarted Held "f"; Restarted Restarted "g"; Restarted Detached "h";
            Held Now "i"; Held Held "j"; Held Restarted "k"; Held Detached "l";
        }
        Ok(1)
    }
    let dropped: Vec<String> =
        ["i", "j", "k", "l"].iter().flat_map(|name| ["", "1", "2"].map(|n| format!("{name}{n}"))).collect();
    let dropped: Vec<&str> = dropped.iter().map(String::as_str).collect();
    let log = std::sync::Mutex::new(EventLog::new());
    let drops = cancel_at_every_await(|| {
        let new = EventLog::new();
        *log.lock().unwrap() = new.clone();
        program(new)
    })
    .check(async |_| {
        drain(ENOUGH).await.unwrap();
        let log = log.lock().unwrap().clone();
        log.check(&dropped);
    });
    assert!(drops.await > 100);
}

#[tokio::test]
async fn a_borrowed_guard_beside_a_detached_one_is_dropped_with_its_block() {
    let (log, mutex) = (EventLog::new(), Mutex::new(1));
    let manager = EitherManager::<_, Detached>::First(&mutex);
    drop_while_pending(async { async_with!(_ = manager => { pending::<()>().await }) }).await;
    assert!(mutex.try_lock().is_ok());
    let manager = EitherManager::<&Mutex<u32>, _>::Second(Detached::new(&log, "a").block_at(BlockAt::InExit));
    drop_while_pending(async { async_with!(_ = manager => {}) }).await;
    log.open_gate();
    drain(ENOUGH).await.unwrap();
    assert_eq!(log.entries(), "+a <a:ok a>");
}

#[tokio::test]
async fn one_of_two_managers_lends_the_target_of_either() {
    async fn next(shared: Option<&Mutex<u32>>) -> u32 {
        let manager = match shared {
            Some(counter) => EitherManager::First(counter),
            None => EitherManager::Second(nullcontext(0)),
        };
        async_with!(counter = manager => {
            *counter.get() += 1;
            *counter.get()
        })
    }
    assert_eq!(next(Some(&Mutex::new(6))).await, 7);
    assert_eq!(next(None).await, 1);

    // Targets of different types.
    let lock = RwLock::new(7);
    for exclusive in [false, true] {
        let manager =
            if exclusive { EitherManager::First(write(&lock)) } else { EitherManager::Second(read(&lock)) };
        let n = async_with!(guard = manager => {
            if let Some(n) = guard.first() { *n += 1; *n } else { **guard.second().unwrap() }
        });
        assert_eq!(n, if exclusive { 8 } else { 7 });
    }
}

#[tokio::test]
async fn the_errors_of_one_of_two_managers_are_merged() {
    type Fails<E> = OnExit<DropNow, (), E>;
    fn fails<E: Clone + Send + 'static>(error: E) -> Fails<E> {
        exits(move |_| ready(Err(error.clone())))
    }
    let only_first = EitherManager::<_, Fails<Infallible>>::First(fails("first".to_owned()));
    let result: Result<(), String> = async_with!(_ = only_first => {});
    assert_eq!(result, Err("first".to_owned()));
    let only_second = EitherManager::<Fails<Infallible>, _>::Second(fails("second".to_owned()));
    let result: Result<(), String> = async_with!(_ = only_second => {});
    assert_eq!(result, Err("second".to_owned()));
    let same = EitherManager::<Fails<String>, _>::Second(fails("same".to_owned()));
    let result: Result<(), String> = async_with!(_ = same => {});
    assert_eq!(result, Err("same".to_owned()));
    let different = EitherManager::<Fails<u32>, _>::Second(fails("different".to_owned()));
    let result: Result<(), EitherError<u32, String>> = async_with!(_ = different => {});
    assert_eq!(result, Err(EitherError::Second("different".to_owned())));
    // Beside managers that cannot fail, and through the function.
    let (mutex, other) = (Mutex::new(1), Mutex::new(2));
    let only_first = EitherManager::<_, Fails<Infallible>>::First(fails(7));
    let result: Result<(), i32> = async_with!(_ = &mutex, _ = only_first, _ = Some(&other) => {});
    assert_eq!(result, Err(7));
    let neither = EitherManager::<_, &Mutex<u32>>::First(&mutex);
    let n = async_with(neither, async |n| Ok::<_, Infallible>(*n.get())).await;
    assert_eq!(n.unwrap(), 1);
}

#[tokio::test]
async fn one_of_two_managers_suppresses_if_either_does() {
    async fn run(suppresses: bool, fails: bool) -> Result<Option<u32>, io::Error> {
        let manager = if suppresses {
            EitherManager::First(suppress(|_: &io::Error| true))
        } else {
            EitherManager::Second(nullcontext(()))
        };
        Ok(async_with!(_ = manager => {
            if fails {
                Err(io::Error::other("refused"))?;
            }
            7
        }))
    }
    assert_eq!(run(true, false).await.unwrap(), Some(7));
    assert_eq!(run(false, false).await.unwrap(), Some(7));
    assert_eq!(run(true, true).await.unwrap(), None);
    assert!(run(false, true).await.is_err());
}

#[tokio::test]
async fn choices_nest_and_are_entered_on_a_stack() {
    let log = EventLog::new();
    let choice = |n: u32| match n {
        0 => None,
        1 => Some(EitherManager::First(Detached::new(&log, "a"))),
        _ => Some(EitherManager::Second(records_exit::<Restart, Infallible>(&log))),
    };
    let value = async_with!(stack = AsyncExitStack::new() => {
        for n in 0..3 {
            stack.enter_async_context(choice(n)).await.unwrap();
        }
    });
    assert_eq!(value.unwrap(), Some(()));
    assert_eq!(log.entries(), "+a ok <a:ok a>");
}

#[tokio::test]
async fn choices_are_send_also_with_lifetimes_in_their_types() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    let names = Arc::new(Mutex::new(vec!["a"]));
    let task = is_send(async move {
        let manager = EitherManager::<_, Arc<Mutex<Vec<&'static str>>>>::First(names.clone());
        let either = async_with!(names = manager => { yield_now().await; names.get().len() });
        let option =
            async_with!(names = Some(names) => { yield_now().await; names.as_mut().map_or(0, |n| n.len()) });
        either + option
    });
    assert_eq!(tokio::spawn(task).await.unwrap(), 2);
    let session = on_exit(vec!["a"], async |names, _| {
        yield_now().await;
        drop(names);
    });
    assert_eq!(
        tokio::spawn(is_send(async {
            async_with!(n = Some(session) => { yield_now().await; n.as_mut().map(|n| n.len()) })
        }))
        .await
        .unwrap(),
        Some(1)
    );
}

/// The runtime on which the block was polled is the fallback of the inner exit, too.
#[test]
fn an_exit_that_is_first_polled_outside_of_a_runtime_is_not_lost() {
    let log = EventLog::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let manager: EitherManager<Detached, Detached> =
        EitherManager::First(Detached::new(&log, "a").block_at(BlockAt::InExit));
    let mut scope =
        tokio_test::task::spawn(async move { async_with!(_ = manager => { receiver.await.unwrap() }) });
    {
        // The enter and the block.
        let _entered = runtime.enter();
        assert!(scope.poll().is_pending());
        assert!(scope.poll().is_pending());
    }
    sender.send(()).unwrap();
    assert!(scope.poll().is_pending());
    assert!(!log.entries().contains("a>"), "the exit is suspended: {}", log.entries());
    drop(scope);
    log.open_gate();
    runtime.block_on(drain(ENOUGH)).unwrap();
    assert!(log.entries().contains("a>"), "{}", log.entries());
}
