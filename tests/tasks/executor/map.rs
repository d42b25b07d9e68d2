//! `ThreadPoolExecutor::map`.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use futures::StreamExt;
use withal::tasks::Error;

use super::{executor, fine, gate};
use crate::{Failed, Log};

#[test]
fn map() {
    let squares = executor(3).map(0..10, |n: u32| fine(n * n)).unwrap();
    assert_eq!(squares.collect::<Result<Vec<_>, _>>(), Ok((0..10).map(|n| n * n).collect()));
}

#[test]
fn map_exception() {
    let divide = |(a, b): (u32, u32)| a.checked_div(b).ok_or(Failed("division by zero"));
    let mut quotients = executor(2).map([(1, 2), (1, 3), (1, 0), (1, 5)], divide).unwrap();
    assert_eq!(quotients.next(), Some(Ok(0)));
    assert_eq!(quotients.next(), Some(Ok(0)));
    assert_eq!(quotients.next(), Some(Err(Error::Raised(Failed("division by zero")))));
    assert_eq!(quotients.next(), None, "an error ends the iteration");
}

#[test]
fn map_timeout() {
    let executor = executor(3);
    let (opens, opened) = mpsc::channel::<()>();
    let opened = Mutex::new(opened);
    let wait = move |is_slow| {
        fine(if is_slow {
            opened.lock().unwrap().recv().unwrap_or_default();
        })
    };
    let mut waited = executor.map([false, false, true], wait).unwrap();
    assert_eq!(waited.next(), Some(Ok(())));
    assert_eq!(waited.next(), Some(Ok(())));
    let mut waited = waited.timeout(Duration::from_millis(1));
    assert_eq!(waited.next(), Some(Err(Error::TimedOut)));
    assert_eq!(waited.next(), None);
    drop(opens);
}

#[test]
fn map_current_future_cancel() {
    let (executor, log) = (executor(1), Log::default());
    let first = gate(&executor);
    let logs = log.clone();
    let mut mapped =
        executor.map(["second", "third"], move |name| fine(logs.push(name))).unwrap().timeout(Duration::ZERO);
    assert_eq!(mapped.next(), Some(Err(Error::TimedOut)));
    drop(first);
    executor.shutdown().wait();
    assert!(log.take().is_empty(), "neither has started");
}

#[test]
fn map_submits_without_iteration() {
    let (executor, log) = (executor(2), Log::default());
    let logs = log.clone();
    drop(executor.map(0..10, move |n| fine(logs.push(n))).unwrap());
    executor.shutdown().wait();
    assert_eq!(log.take().len(), 10);
}

#[test]
fn dropping_a_started_map_cancels_the_rest() {
    let (executor, log) = (executor(1), Log::default());
    let (opens, opened) = mpsc::channel::<()>();
    let (opened, logs) = (Mutex::new(opened), log.clone());
    let work = move |n| {
        logs.push(n);
        if n == 1 {
            opened.lock().unwrap().recv().ok();
        }
        fine(())
    };
    let mut mapped = executor.map(0..10, work).unwrap();
    assert_eq!(mapped.next(), Some(Ok(())));
    drop(mapped);
    drop(opens);
    executor.shutdown().wait();
    assert!(log.take().len() <= 2, "the one that was returned, and at most one that was running");
}

#[tokio::test]
async fn map_as_a_stream() {
    let executor = executor(3);
    let mapped = executor.map(0..10, |n| if n == 4 { Err(Failed("four")) } else { Ok(n) }).unwrap();
    let outcomes: Vec<_> = mapped.into_stream().collect().await;
    assert_eq!(outcomes, [Ok(0), Ok(1), Ok(2), Ok(3), Err(Error::Raised(Failed("four")))]);
}
