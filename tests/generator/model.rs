//! Property tests: random operations on random bodies never crash or stall, and deliver and drop each value once.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use proptest::prelude::*;
use tokio_test::task;
use withal::coroutine::State;
use withal::generator::{AsyncGeneratorExt, Error, Hooks, try_generator};

use withal_test_support::script::{Act, LiveTokens, Report, Token, Y, any_act, body as run_script};

#[derive(Debug, Clone, Copy)]
enum Operation {
    Start,
    Send,
    Throw,
    Close,
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![4 => Just(Operation::Start), 6 => Just(Operation::Send), 2 => Just(Operation::Throw), 1 => Just(Operation::Close)]
}

type Outcome = Result<Option<Token>, Error<Token, Token>>;

/// The observed results, and the properties that they must have.
#[derive(Default)]
struct Seen {
    received: Vec<usize>,
    ignored: usize,
}

impl Seen {
    fn record(&mut self, n: usize, before: State, outcome: &Outcome) {
        match outcome {
            Ok(Some(token)) => self.received.push(token.id),
            Err(Error::NotStarted(token)) => assert_eq!((before, token.id), (State::Created, 1000 + n)),
            Err(Error::Running(Some(token))) => assert_eq!(token.id, 1000 + n, "the value is returned"),
            Err(Error::ValueExpected) => assert_eq!(before, State::Suspended),
            Err(Error::IgnoredExit) => self.ignored += 1,
            Ok(None) | Err(_) => {}
        }
    }

    fn check(&self, report: &Report) {
        let received = &self.received;
        assert!(received.is_sorted_by(|a, b| a < b), "received in order and once: {received:?}");
        let beyond = report.resumed_beyond(received);
        assert!(beyond <= self.ignored, "a yield was resumed whose value was not received: {received:?}");
    }
}

/// Polls until the operation is ready, until it has been polled `polls` times, or until it waits for ever.
fn poll<F: Future>(operation: F, polls: usize, report: &Report) -> Option<F::Output> {
    let operation = pin!(operation);
    let mut operation = task::spawn(operation);
    for _ in 0..polls {
        if let Poll::Ready(output) = operation.poll() {
            return Some(output);
        }
        if !operation.is_woken() {
            assert!(report.awaits(), "a pending operation awaits a future of the body");
            return None;
        }
    }
    None
}

/// Polls each operation the given number of times, and then drops it.
fn play(script: &[Act], operations: &[(Operation, usize)]) {
    let (live, report) = (LiveTokens::default(), Report::default());
    let mut generator =
        Box::pin(try_generator(async |mut y: Y<'_>| run_script(script, &mut y, &report, &live).await));
    let mut seen = Seen::default();
    for (n, &(operation, polls)) in operations.iter().enumerate() {
        let before = generator.state();
        let outcome = catch_unwind(AssertUnwindSafe(|| match operation {
            Operation::Start => poll(generator.start(), polls, &report),
            Operation::Send => poll(generator.asend(Token::new(1000 + n, &live)), polls, &report),
            Operation::Throw => poll(generator.athrow(Token::new(2000 + n, &live)), polls, &report),
            Operation::Close => poll(generator.aclose(), polls, &report).map(|closed| closed.map(|()| None)),
        }));
        match outcome {
            Err(_) => assert_eq!(generator.state(), State::Closed, "a panic closes the generator"),
            Ok(Some(outcome)) => seen.record(n, before, &outcome),
            Ok(None) if polls == 0 => {
                assert_eq!(generator.state(), before, "an operation that was not polled has no effect");
            }
            Ok(None) => assert_eq!(generator.state(), State::Running),
        }
        if generator.state() == State::Closed {
            assert_eq!(live.count(), 0, "a closed generator has dropped its body");
        }
    }
    if !operations.iter().any(|(operation, _)| matches!(operation, Operation::Throw | Operation::Close)) {
        // Without throws and closes, every polled yield is delivered. Run the body to its end, or until it waits for ever.
        for n in 0..40 {
            let is_suspended = generator.state() == State::Suspended;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                if is_suspended {
                    poll(generator.asend(Token::new(1000, &live)), 5, &report)
                } else {
                    poll(generator.start(), 5, &report)
                }
            }));
            match outcome {
                Ok(Some(outcome)) => seen.record(n, State::Running, &outcome),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        let lost = report.unseen(&seen.received);
        // A value yielded in the step that panics is dropped.
        assert!(script.contains(&Act::Panic) || lost.is_empty(), "lost: {lost:?}");
    }
    seen.check(&report);
    drop(generator);
    assert_eq!(live.count(), 0, "every token has been dropped");
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Create(Operation),
    Poll(usize),
    Drop(usize),
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => any_operation().prop_map(Action::Create),
        4 => (0_usize..4).prop_map(Action::Poll),
        1 => (0_usize..4).prop_map(Action::Drop),
    ]
}

type BoxedOperation = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Overlapping operations of several holders of a managed generator.
fn share(script: Vec<Act>, actions: &[Action]) {
    let (live, report) = (LiveTokens::default(), Arc::new(Report::default()));
    let close = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&close);
    let (body_live, body_report) = (live.clone(), Arc::clone(&report));
    let managed =
        try_generator(async move |mut y: Y<'_>| run_script(&script, &mut y, &body_report, &body_live).await)
            .managed_with(
                Hooks::default()
                    .firstiter(|_| ())
                    .finalizer(move |pending| *sink.lock().unwrap() = Some(pending)),
            );
    let mut seen = Seen::default();
    let mut operations: Vec<(usize, BoxedOperation)> = Vec::new();
    for (n, &action) in actions.iter().enumerate() {
        match action {
            Action::Create(operation) => operations.push((
                n,
                match operation {
                    Operation::Start => Box::pin(managed.start()),
                    Operation::Send => Box::pin(managed.asend(Token::new(1000 + n, &live))),
                    Operation::Throw => Box::pin(managed.athrow(Token::new(2000 + n, &live))),
                    Operation::Close => {
                        let closed = managed.aclose();
                        Box::pin(async { closed.await.map(|()| None) })
                    }
                },
            )),
            Action::Poll(at) if at < operations.len() => {
                let before = managed.state();
                let (created, operation) = &mut operations[at];
                let polled = catch_unwind(AssertUnwindSafe(|| task::spawn(operation.as_mut()).poll()));
                match polled {
                    Ok(Poll::Pending) => {
                        assert_eq!(managed.state(), None, "the operation has checked out the generator");
                        continue;
                    }
                    Ok(Poll::Ready(outcome)) => {
                        let is_refused = matches!(outcome, Err(Error::Running(_)));
                        assert!(before.is_none() <= is_refused || managed.state().is_some());
                        seen.record(*created, before.unwrap_or(State::Running), &outcome);
                    }
                    Err(_) => {
                        assert_eq!(managed.state(), Some(State::Closed), "a panic closes the generator");
                    }
                }
                drop(operations.remove(at));
            }
            Action::Drop(at) if at < operations.len() => drop(operations.remove(at)),
            Action::Poll(_) | Action::Drop(_) => {}
        }
    }
    seen.check(&report);
    drop(operations);
    let state = managed.state().expect("no operation is in progress");
    drop(managed);
    let close = close.lock().unwrap().take();
    assert_eq!(close.is_some(), matches!(state, State::Suspended | State::Running));
    if let Some(close) = close {
        drop(catch_unwind(AssertUnwindSafe(|| poll(close, 50, &report))));
    }
    assert_eq!(live.count(), 0, "every token has been dropped");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 20 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_operations_on_any_body(
        script in proptest::collection::vec(any_act(), 0..8),
        operations in proptest::collection::vec((any_operation(), 0_usize..5), 0..14),
    ) {
        play(&script, &operations);
    }

    #[test]
    fn any_overlapping_operations_on_any_managed_body(
        script in proptest::collection::vec(any_act(), 0..8),
        actions in proptest::collection::vec(any_action(), 0..30),
    ) {
        share(script, &actions);
    }
}
