//! `run_all` and `yield_now`.

use std::sync::Mutex;
use std::time::Duration;

use futures::channel::oneshot;
use withal::coroutine::{BoxCoroutine, Error, coroutine, run_all, try_coroutine, yield_now};

fn steps<'a>(
    log: &'a Mutex<Vec<String>>,
    name: &'static str,
    steps: &'a [&str],
) -> BoxCoroutine<'a, (), (), usize> {
    coroutine(async move |mut y| {
        for (n, step) in steps.iter().enumerate() {
            if n > 0 {
                yield_now(&mut y).await?;
            }
            log.lock().unwrap().push(format!("{name}: {step}"));
        }
        Ok(steps.len())
    })
    .boxed()
}

#[test]
fn coroutines_run_in_turn() {
    let log = Mutex::default();
    let script = ["Start", "a", "b", "end"];
    assert_eq!(run_all([steps(&log, "C1", &script), steps(&log, "C2", &script)]), Ok(vec![4, 4]));
    let expected = ["C1: Start", "C2: Start", "C1: a", "C2: a", "C1: b", "C2: b", "C1: end", "C2: end"];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn a_coroutine_that_has_returned_is_skipped() {
    let log = Mutex::default();
    let coroutines = [
        steps(&log, "a", &["0", "1"]),
        steps(&log, "b", &["0"]),
        steps(&log, "c", &[]),
        steps(&log, "d", &["0", "1", "2"]),
    ];
    assert_eq!(run_all(coroutines), Ok(vec![2, 1, 0, 3]), "in the order of the arguments");
    assert_eq!(*log.lock().unwrap(), ["a: 0", "b: 0", "d: 0", "a: 1", "d: 1", "d: 2"]);
    assert_eq!(run_all(Vec::<BoxCoroutine<'_>>::new()), Ok(vec![]));
}

#[test]
fn the_first_error_is_returned() {
    let endless = || {
        try_coroutine(async |mut y| {
            loop {
                yield_now(&mut y).await?;
            }
        })
        .boxed()
    };
    let fails = try_coroutine(async |mut y| {
        yield_now(&mut y).await?;
        Err::<(), _>("failed".into())
    });
    assert_eq!(run_all([endless(), fails.boxed(), endless()]), Err(Error::Raised("failed")));
}

#[test]
fn a_pending_coroutine_is_woken_by_another_thread() {
    let (tx, rx) = oneshot::channel();
    let waits = coroutine(async |_| Ok(rx.await.expect("sent below")));
    let sends = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        tx.send(6).unwrap();
    });
    let turns = coroutine(async |mut y| {
        yield_now(&mut y).await?;
        yield_now(&mut y).await?;
        Ok(3)
    });
    assert_eq!(run_all([waits.boxed(), turns.boxed()]), Ok(vec![6, 3]));
    sends.join().unwrap();
}

#[test]
fn a_pending_coroutine_is_woken_by_another_coroutine() {
    let (tx, rx) = oneshot::channel();
    let waits = coroutine(async |_| Ok(rx.await.expect("sent below")));
    let sends = coroutine(async |mut y| {
        yield_now(&mut y).await?;
        tx.send("hello").expect("the receiver waits");
        Ok("sent")
    });
    assert_eq!(run_all([waits.boxed(), sends.boxed()]), Ok(vec!["hello", "sent"]));
}
