//! The tasks of a loop.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::thread;

use tokio::time::sleep;
use withal::tasks::{Error, EventLoop, LoopError, Promise, ThreadPoolExecutor, create_task};

use super::{SECOND, logs, new, yield_once};
use crate::{Failed, Log, LogOnDrop};

#[test]
fn callbacks_and_tasks_share_one_queue() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.call_soon(logs(&log, "first")).unwrap();
    let steps = log.clone();
    let task = event_loop.create_task(async move {
        for n in 0..3 {
            steps.push(format!("step {n}"));
            tokio::task::yield_now().await;
        }
        Ok::<_, Failed>(())
    });
    let (inner_loop, outer_log) = (event_loop.clone(), log.clone());
    let callback = move || {
        outer_log.push("second");
        inner_loop.call_soon(logs(&outer_log, "third")).map(drop)
    };
    event_loop.call_soon(callback).unwrap();
    assert_eq!(event_loop.run_until_complete(task.unwrap()).unwrap(), Ok(()));
    let steps = log.take();
    assert_eq!(steps[..3], ["first", "step 0", "second"], "in the order in which they became ready");
    assert_eq!(steps.len(), 6);
}

/// Tasks that wake themselves are polled once in each iteration, as in asyncio.
#[test]
fn tasks_take_turns() {
    let (event_loop, log) = (new(), Log::default());
    let turns = |name: &'static str| {
        let log = log.clone();
        event_loop
            .create_task(async move {
                for n in 0..3 {
                    log.push(format!("{name}{n}"));
                    yield_once().await;
                }
                Ok::<_, Failed>(())
            })
            .unwrap()
    };
    let (a, b) = (turns("a"), turns("b"));
    event_loop.run_until_complete(async { (a.await, b.await) }).unwrap().1.unwrap();
    assert_eq!(log.take(), ["a0", "b0", "a1", "b1", "a2", "b2"]);
}

/// The error or panic of a task is its result, not an error of a callback.
#[test]
fn a_failed_task_does_not_call_the_exception_handler() {
    let (event_loop, log) = (new(), Log::default());
    let handles = log.clone();
    event_loop.set_exception_handler(move |exception| handles.push(exception));
    let panics = event_loop.create_task(async { panic!("doh!") as Result<(), Failed> }).unwrap();
    let fails = event_loop.create_task(async { Err::<(), _>(Failed("test")) }).unwrap();
    event_loop.run_until_complete(async { sleep(SECOND).await }).unwrap();
    assert!(matches!(panics.result(), Err(Error::Panicked(_))));
    assert_eq!(fails.result(), Err(Error::Raised(&Failed("test"))));
    assert!(log.take().is_empty());
}

#[test]
fn prompt_cancellation() {
    let event_loop = new();
    let task = event_loop.create_task(pending::<Result<(), Failed>>()).unwrap();
    let abort_handle = task.abort_handle();
    let main = event_loop.create_task(async move {
        let event_loop = EventLoop::current().unwrap();
        event_loop.call_soon(move || assert!(abort_handle.cancel())).unwrap();
        let outcome = task.await;
        event_loop.stop();
        Ok::<_, Failed>(outcome)
    });
    event_loop.run_forever().unwrap();
    assert_eq!(main.unwrap().result(), Ok(&Err(Error::Cancelled)));
}

#[test]
fn run_in_executor() {
    let (event_loop, executor) = (new(), ThreadPoolExecutor::new(1).unwrap());
    let job = || Ok::<_, Failed>(("yo", thread::current().id()));
    let future = executor.submit(job).unwrap();
    let (result, id) = event_loop.run_until_complete(future).unwrap().unwrap();
    assert_eq!(result, "yo");
    assert_ne!(id, thread::current().id());
}

#[test]
fn a_task_is_cancelled_in_the_next_iteration() {
    let (event_loop, log) = (new(), Log::default());
    let noted = LogOnDrop::new("dropped", &log);
    let task = event_loop
        .create_task(async move {
            let _noted = noted;
            pending::<Result<(), Failed>>().await
        })
        .unwrap();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert!(task.cancel());
    assert!(log.take().is_empty());
    assert_eq!(event_loop.run_until_complete(task), Ok(Err(Error::Cancelled)));
    assert_eq!(log.take(), ["dropped"]);
}

/// Tasks of the loop may hold `Rc`s, and may await promises and tokio's tasks and timers.
#[test]
fn tasks_await_promises_and_tokio_tasks() {
    let event_loop = new();
    let shared = Rc::new(Cell::new(0));
    let adds = Rc::clone(&shared);
    let (promise, future) = Promise::<u32, Failed>::new();
    event_loop.call_later(SECOND, move || promise.set_result(3).map_err(|_| "cancelled")).unwrap();
    let sum = async move {
        let of_promise = future.await.unwrap();
        let of_tokio = create_task(async { Ok::<_, Failed>(sleep(SECOND).await).map(|()| 4) }).await.unwrap();
        let of_local = tokio::task::spawn_local({
            let adds = Rc::clone(&adds);
            async move { adds.replace(5) }
        });
        of_local.await.unwrap() + of_promise + of_tokio
    };
    assert_eq!(event_loop.run_until_complete(sum), Ok(7));
    assert_eq!(shared.get(), 5);
}

#[test]
fn tokios_budget_does_not_change_the_order() {
    let (event_loop, log) = (new(), Log::default());
    let tasks: Vec<_> = (0..3)
        .map(|name| {
            let log = log.clone();
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            (0..200).for_each(|n| sender.send(n).unwrap());
            let reads = async move {
                for _ in 0..200 {
                    receiver.recv().await.ok_or(Failed("closed"))?;
                }
                log.push(name);
                Ok::<_, Failed>(())
            };
            event_loop.create_task(reads).unwrap()
        })
        .collect();
    event_loop.run_until_complete(yield_once()).unwrap();
    assert_eq!(log.take(), ["0", "1", "2"]);
    assert!(tasks.iter().all(withal::tasks::TaskHandle::done));
}

/// Uses the loop when it is dropped.
struct UsesLoop(EventLoop);

impl Drop for UsesLoop {
    fn drop(&mut self) {
        let refused = self.0.create_task(async { Ok::<_, Failed>(()) });
        assert_eq!(refused.unwrap_err(), LoopError::Closed);
    }
}

#[test]
fn a_rejected_task_is_dropped_and_may_use_the_loop() {
    let (event_loop, log) = (new(), Log::default());
    event_loop.close().unwrap();
    let (noted, uses) = (LogOnDrop::new("dropped", &log), UsesLoop(event_loop.clone()));
    let work = async move {
        let _held = (noted, uses);
        Ok::<_, Failed>(())
    };
    assert_eq!(event_loop.create_task(work).unwrap_err(), LoopError::Closed);
    assert_eq!(log.take(), ["dropped"]);
}
