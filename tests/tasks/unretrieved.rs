//! Errors and panics that are not retrieved before the handle is dropped, and that are therefore reported.

use std::convert::Infallible;
use std::future::pending;
use std::panic::Location;
use std::sync::{Arc, Mutex};

use tokio::task::yield_now;
use withal::cleanup::{CleanupEvent, ObserverGuard, observe};
use withal::context::async_with;
use withal::tasks::{
    BoxError, Error, EventLoop, Promise, TaskGroup, TaskHandle, ThreadPoolExecutor, as_completed,
    create_task, gather, wait,
};
use withal_test_support::child_process::stderr_of;

/// The error of a test. The tests of this process share the observers, so each test has its own label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fails(&'static str);

/// Records the errors and panics with one label.
struct Recorder {
    entries: Arc<Mutex<Vec<(&'static str, Location<'static>)>>>,
    _observer: ObserverGuard,
}

impl Recorder {
    fn of(label: &'static str) -> Self {
        let entries = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&entries);
        let observer = observe(move |event| {
            let (is_ours, location) = match event {
                CleanupEvent::TaskFailed { error, location, .. } => {
                    (error.downcast_ref() == Some(&Fails(label)), location)
                }
                CleanupEvent::TaskPanicked { payload, location, .. } => {
                    (payload.downcast_ref() == Some(&label), location)
                }
                _ => return,
            };
            if is_ours {
                recorded.lock().unwrap().push((event.name(), **location));
            }
        });
        Self { entries, _observer: observer }
    }

    /// The names of the recorded tasks and futures.
    fn names(&self) -> Vec<&'static str> {
        self.entries.lock().unwrap().iter().map(|(name, _)| *name).collect()
    }
}

fn failing(label: &'static str) -> TaskHandle<(), Fails> {
    create_task(async move { Err(Fails(label)) })
}

async fn ended<T, E>(task: &TaskHandle<T, E>) {
    while !task.done() {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_failed_task_is_reported_once_whenever_its_handle_is_dropped() {
    let recorder = Recorder::of("before and after");
    drop(failing("before and after"));
    for _ in 0..3 {
        yield_now().await;
    }
    assert_eq!(recorder.names(), ["task"], "dropped before the task has failed");
    let task = failing("before and after");
    ended(&task).await;
    assert_eq!(recorder.names(), ["task"], "still retrievable");
    drop(task);
    assert_eq!(recorder.names(), ["task"; 2], "dropped after the task has failed");
}

#[tokio::test]
async fn a_panicked_task_is_reported_with_its_payload() {
    let recorder = Recorder::of("panics, unretrieved");
    let panics =
        || create_task(async { if true { panic!("panics, unretrieved") } else { Ok::<(), Infallible>(()) } });
    let task = panics();
    ended(&task).await;
    drop(task);
    assert_eq!(recorder.names(), ["task"]);
    assert!(panics().await.unwrap_err().is_panic());
    assert_eq!(recorder.names(), ["task"]);
}

#[tokio::test]
async fn the_location_is_that_of_the_call() {
    let recorder = Recorder::of("location");
    let here = Location::caller();
    let task = create_task(async { Err::<(), _>(Fails("location")) });
    ended(&task).await;
    drop(task);
    let [(_, location)] = recorder.entries.lock().unwrap()[..] else { panic!("one report") };
    assert_eq!((location.file(), location.line()), (here.file(), here.line() + 1));
}

/// Each way to retrieve an error, and those that do not.
#[tokio::test]
async fn a_retrieved_error_is_not_reported() {
    type Way = fn(&mut TaskHandle<(), Fails>);
    let recorder = Recorder::of("ways");
    let ways: [(Way, bool); 8] = [
        (|task| drop(task.result().unwrap_err()), true),
        (|task| drop(task.exception().unwrap()), true),
        (|task| drop(task.blocking_result().unwrap_err()), true),
        (|task| task.add_done_callback(|_| {}), false),
        (|task| assert!(task.done()), false),
        (|task| assert!(!task.cancelled()), false),
        (|task| assert!(!task.cancel()), false),
        (|task| drop(task.abort_handle()), false),
    ];
    for (index, (way, is_retrieved)) in ways.into_iter().enumerate() {
        let reported = recorder.names().len();
        let mut task = failing("ways");
        ended(&task).await;
        way(&mut task);
        drop(task);
        assert_eq!(recorder.names().len() - reported, usize::from(!is_retrieved), "way {index}");
    }
    let reported = recorder.names().len();
    assert_eq!(failing("ways").await, Err(Error::Raised(Fails("ways"))));
    let task = failing("ways");
    ended(&task).await;
    assert!(task.into_result().is_err());
    assert_eq!(recorder.names().len(), reported);
    // A callback borrows the error, and does not retrieve it, whenever it is added.
    let task = failing("ways");
    task.add_done_callback(|result| assert!(result.is_err()));
    drop(task);
    for _ in 0..3 {
        yield_now().await;
    }
    assert_eq!(recorder.names().len(), reported + 1);
    let task = failing("ways");
    ended(&task).await;
    task.add_done_callback(|result| assert!(result.is_err()));
    assert!(task.result().is_err());
    drop(task);
    assert_eq!(recorder.names().len(), reported + 1);
}

#[tokio::test]
async fn a_result_that_is_not_ready_retrieves_nothing() {
    let recorder = Recorder::of("not ready");
    let task = failing("not ready");
    assert_eq!(task.result(), Err(Error::NotReady));
    assert_eq!(task.into_result(), Err(Error::NotReady));
    yield_now().await;
    assert_eq!(recorder.names(), ["task"]);
}

#[tokio::test]
async fn values_and_cancelled_tasks_are_not_reported() {
    let recorder = Recorder::of("no failure");
    drop(create_task(async { Ok::<_, Fails>(()) }));
    let task = create_task(async { pending::<Result<(), Fails>>().await });
    yield_now().await;
    task.cancel();
    drop(task);
    let (promise, handle) = Promise::<(), Fails>::new();
    drop(handle);
    drop(promise);
    yield_now().await;
    assert!(recorder.names().is_empty());
}

#[test]
fn promises_jobs_and_tasks_of_a_loop_are_reported() {
    let recorder = Recorder::of("kinds");
    let fail = || Err::<(), _>(Fails("kinds"));
    let (promise, handle) = Promise::<(), Fails>::new();
    promise.set_exception(Fails("kinds")).unwrap();
    drop(handle);
    let (promise, handle) = Promise::<(), Fails>::new();
    drop(handle);
    promise.set_exception(Fails("kinds")).unwrap();
    assert_eq!(recorder.names(), ["future"; 2]);

    let executor = ThreadPoolExecutor::new(1).unwrap();
    drop(executor.submit(fail).unwrap());
    drop(executor.map([1, 2], move |_| fail()).unwrap().next());
    executor.shutdown().wait();
    // The job of the second item has failed, or was cancelled after the first one.
    assert!((3..=4).contains(&recorder.names().len()), "{:?}", recorder.names());

    let reported = recorder.names().len();
    let event_loop = EventLoop::new().unwrap();
    let task = event_loop.create_task(async move { fail() }).unwrap();
    event_loop.run_until_complete(async move { drop(task) }).unwrap();
    event_loop.run_until_complete(yield_now()).unwrap();
    assert_eq!(recorder.names()[reported..], ["task"]);
}

#[tokio::test]
async fn a_group_reports_the_errors_of_its_tasks_itself() {
    let recorder = Recorder::of("group");
    let result = async_with!(group = TaskGroup::new() => {
        group.create_task(async { Err::<(), _>(Fails("group")) });
        pending::<()>().await;
    });
    assert_eq!(result.unwrap_err().errors(), [Fails("group")]);
    assert!(recorder.names().is_empty());
}

#[tokio::test]
async fn the_errors_that_gather_does_not_return_are_reported() {
    let recorder = Recorder::of("gather");
    let tasks = [failing("gather"), failing("gather"), failing("gather")];
    ended(&tasks[2]).await;
    assert!(gather(tasks).await.is_err());
    assert_eq!(recorder.names(), ["task"; 2], "those that had failed before");
    let later = create_task(async {
        for _ in 0..3 {
            yield_now().await;
        }
        Err::<(), _>(Fails("gather"))
    });
    assert!(gather([failing("gather"), later]).await.is_err());
    assert_eq!(recorder.names().len(), 2);
    for _ in 0..5 {
        yield_now().await;
    }
    assert_eq!(recorder.names().len(), 3, "that of a task that has failed later");
    let results = gather([failing("gather"), failing("gather")]).return_exceptions().await;
    assert!(results.iter().all(Result::is_err));
    assert_eq!(recorder.names().len(), 3, "all errors are returned");
}

#[tokio::test]
async fn handles_in_wait_and_as_completed_are_reported_if_they_are_dropped() {
    let recorder = Recorder::of("wait");
    let tasks = [failing("wait"), failing("wait")];
    ended(&tasks[1]).await;
    drop(wait(tasks).await);
    assert!(recorder.names().is_empty(), "`wait` returns the errors");
    let tasks = [failing("wait"), failing("wait")];
    ended(&tasks[1]).await;
    drop(as_completed(tasks));
    assert_eq!(recorder.names(), ["task"; 2]);
}

/// Without an observer, it is one line.
#[test]
fn unretrieved_errors_are_printed() {
    let lines = stderr_of("unretrieved::unretrieved_errors_are_printed", || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            drop(create_task(async { Err::<(), _>(BoxError::from(std::io::Error::other("reset"))) }));
            drop(create_task(async { if true { panic!("a bug") } else { Ok::<(), Infallible>(()) } }));
            yield_now().await;
            yield_now().await;
        });
    });
    let Some(lines) = lines else { return };
    let [failed, panicked] = &lines[..] else { panic!("{lines:?}") };
    assert!(
        failed.starts_with("withal: the error of the task created at tests/tasks/unretrieved.rs:"),
        "{failed}"
    );
    assert!(failed.ends_with(" was never retrieved: reset"), "{failed}");
    assert!(
        panicked.starts_with("withal: the panic of the task created at tests/tasks/unretrieved.rs:"),
        "{panicked}"
    );
    assert!(panicked.ends_with(" was never retrieved: a bug"), "{panicked}");
}

/// An observer, and the destructor of the error, are user code.
#[tokio::test]
async fn an_error_may_use_its_task_while_it_is_reported_and_dropped() {
    #[derive(Debug)]
    struct Reentrant(Arc<Mutex<Vec<bool>>>, withal::tasks::AbortHandle);

    impl Drop for Reentrant {
        fn drop(&mut self) {
            self.0.lock().unwrap().push(self.1.cancel());
        }
    }

    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let observer = observe(move |event| {
        if let CleanupEvent::TaskFailed { error, .. } = event {
            if let Some(Reentrant(_, abort_handle)) = error.downcast_ref() {
                seen.lock().unwrap().push(abort_handle.done());
            }
        }
    });
    let (promise, handle) = Promise::<(), Reentrant>::new();
    let abort_handle = handle.abort_handle();
    assert!(promise.set_exception(Reentrant(Arc::clone(&log), abort_handle)).is_ok());
    drop(handle);
    drop(observer);
    assert_eq!(*log.lock().unwrap(), [true], "the error owns a handle of its own task, a cycle");
}

/// The events of a group of `Fails` with one label.
fn events_of_groups(label: &'static str) -> (Arc<Mutex<Vec<String>>>, ObserverGuard) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&events);
    let observer = observe(move |event| {
        let text = event.error_text().unwrap_or_default();
        if text.contains(label) {
            recorded.lock().unwrap().push(format!("{event}: {text}"));
        }
    });
    (events, observer)
}

#[tokio::test]
async fn the_failures_of_a_group_that_is_never_entered_are_reported_once() {
    let (events, _observer) = events_of_groups("never entered");
    let group = TaskGroup::<Fails>::new();
    drop(group.create_task(async { Err::<(), _>(Fails("never entered")) }));
    drop(group.create_task(async { if true { panic!("never entered") } else { Ok(()) } }));
    for _ in 0..5 {
        yield_now().await;
    }
    assert!(events.lock().unwrap().is_empty());
    drop(group);
    let expected = [
        r#"cleanup TaskGroup failed: 1 of 2 tasks failed: Fails("never entered")"#,
        "cleanup TaskGroup panicked: never entered",
    ];
    assert_eq!(*events.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_failure_after_the_drop_of_a_group_is_reported() {
    let (events, _observer) = events_of_groups("fails late");
    let group = TaskGroup::<Fails>::new();
    let (sender, mut receiver) = tokio::sync::oneshot::channel();
    drop(group.create_task(async move {
        // The task drops its own group, and fails before it reaches an await.
        drop::<TaskGroup<Fails>>(receiver.try_recv().unwrap());
        Err::<(), _>(Fails("fails late"))
    }));
    assert!(sender.send(group).is_ok());
    for _ in 0..5 {
        yield_now().await;
    }
    assert_eq!(
        *events.lock().unwrap(),
        [r#"cleanup TaskGroup failed: 1 of 1 tasks failed: Fails("fails late")"#]
    );
}
