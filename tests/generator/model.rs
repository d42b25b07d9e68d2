//! Random bodies, operated on at random: no crash, no stall, no value lost or report twice, and a live that balances.

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
enum Ask {
    Start,
    Send,
    Throw,
    Close,
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![4 => Just(Ask::Start), 6 => Just(Ask::Send), 2 => Just(Ask::Throw), 1 => Just(Ask::Close)]
}

type Outcome = Result<Option<Token>, Error<Token, Token>>;

/// What was seen, and what has to hold of it.
#[derive(Default)]
struct Seen {
    received: Vec<usize>,
    ignored: usize,
}

impl Seen {
    fn see(&mut self, n: usize, before: State, outcome: &Outcome) {
        match outcome {
            Ok(Some(token)) => self.received.push(token.id),
            Err(Error::NotStarted(token)) => assert_eq!((before, token.id), (State::Created, 1000 + n)),
            Err(Error::Running(Some(token))) => assert_eq!(token.id, 1000 + n, "the value comes back"),
            Err(Error::ValueExpected) => assert_eq!(before, State::Suspended),
            Err(Error::IgnoredExit) => self.ignored += 1,
            Ok(None) | Err(_) => {}
        }
    }

    fn hold(&self, report: &Report) {
        let received = &self.received;
        assert!(received.is_sorted_by(|a, b| a < b), "in order, and none twice: {received:?}");
        let beyond = report.resumed_beyond(received);
        assert!(beyond <= self.ignored, "an answer to what was not report: {received:?}");
    }
}

/// Polls until it is ready, or was polled so often, or waits for what never comes.
fn poll<F: Future>(operation: F, polls: usize, report: &Report) -> Option<F::Output> {
    let operation = pin!(operation);
    let mut operation = task::spawn(operation);
    for _ in 0..polls {
        if let Poll::Ready(output) = operation.poll() {
            return Some(output);
        }
        if !operation.is_woken() {
            assert!(report.awaits(), "waits for nothing but what it awaits");
            return None;
        }
    }
    None
}

/// Each operation is polled so often and then dropped.
fn play(script: &[Act], asks: &[(Ask, usize)]) {
    let (live, report) = (LiveTokens::default(), Report::default());
    let mut generator =
        Box::pin(try_generator(async |mut y: Y<'_>| run_script(script, &mut y, &report, &live).await));
    let mut seen = Seen::default();
    for (n, &(ask, polls)) in asks.iter().enumerate() {
        let before = generator.state();
        let outcome = catch_unwind(AssertUnwindSafe(|| match ask {
            Ask::Start => poll(generator.start(), polls, &report),
            Ask::Send => poll(generator.asend(Token::new(1000 + n, &live)), polls, &report),
            Ask::Throw => poll(generator.athrow(Token::new(2000 + n, &live)), polls, &report),
            Ask::Close => poll(generator.aclose(), polls, &report).map(|closed| closed.map(|()| None)),
        }));
        match outcome {
            Err(_) => assert_eq!(generator.state(), State::Closed, "a panic ends it"),
            Ok(Some(outcome)) => seen.see(n, before, &outcome),
            Ok(None) if polls == 0 => assert_eq!(generator.state(), before, "nothing happens unpolled"),
            Ok(None) => assert_eq!(generator.state(), State::Running),
        }
        if generator.state() == State::Closed {
            assert_eq!(live.count(), 0, "nothing is left of it");
        }
    }
    if !asks.iter().any(|(ask, _)| matches!(ask, Ask::Throw | Ask::Close)) {
        // Nothing disturbs it: to the end, or until it waits for ever.
        for n in 0..40 {
            let is_answered = generator.state() == State::Suspended;
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                if is_answered {
                    poll(generator.asend(Token::new(1000, &live)), 5, &report)
                } else {
                    poll(generator.start(), 5, &report)
                }
            }));
            match outcome {
                Ok(Some(outcome)) => seen.see(n, State::Running, &outcome),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        let lost = report.unseen(&seen.received);
        // What was yielded in the step that panics is dropped with it.
        assert!(script.contains(&Act::Panic) || lost.is_empty(), "lost: {lost:?}");
    }
    seen.hold(&report);
    drop(generator);
    assert_eq!(live.count(), 0, "created and dropped balance");
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Make(Ask),
    Poll(usize),
    Drop(usize),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => any_ask().prop_map(Move::Make),
        4 => (0_usize..4).prop_map(Move::Poll),
        1 => (0_usize..4).prop_map(Move::Drop),
    ]
}

type Operation = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Operations of several holders at once.
fn share(script: Vec<Act>, moves: &[Move]) {
    let (live, report) = (LiveTokens::default(), Arc::new(Report::default()));
    let closing = Arc::new(Mutex::new(None));
    let to_close = Arc::clone(&closing);
    let (theirs, tells) = (live.clone(), Arc::clone(&report));
    let managed = try_generator(async move |mut y: Y<'_>| run_script(&script, &mut y, &tells, &theirs).await)
        .managed_with(
            Hooks::default()
                .firstiter(|_| ())
                .finalizer(move |closing| *to_close.lock().unwrap() = Some(closing)),
        );
    let mut seen = Seen::default();
    let mut operations: Vec<(usize, Operation)> = Vec::new();
    for (n, &step) in moves.iter().enumerate() {
        match step {
            Move::Make(ask) => operations.push((
                n,
                match ask {
                    Ask::Start => Box::pin(managed.start()),
                    Ask::Send => Box::pin(managed.asend(Token::new(1000 + n, &live))),
                    Ask::Throw => Box::pin(managed.athrow(Token::new(2000 + n, &live))),
                    Ask::Close => {
                        let closed = managed.aclose();
                        Box::pin(async { closed.await.map(|()| None) })
                    }
                },
            )),
            Move::Poll(at) if at < operations.len() => {
                let before = managed.state();
                let (made, operation) = &mut operations[at];
                let polled = catch_unwind(AssertUnwindSafe(|| task::spawn(operation.as_mut()).poll()));
                match polled {
                    Ok(Poll::Pending) => {
                        assert_eq!(managed.state(), None, "it has the generator");
                        continue;
                    }
                    Ok(Poll::Ready(outcome)) => {
                        let is_refused = matches!(outcome, Err(Error::Running(_)));
                        assert!(before.is_none() <= is_refused || managed.state().is_some());
                        seen.see(*made, before.unwrap_or(State::Running), &outcome);
                    }
                    Err(_) => assert_eq!(managed.state(), Some(State::Closed), "a panic ends it"),
                }
                drop(operations.remove(at));
            }
            Move::Drop(at) if at < operations.len() => drop(operations.remove(at)),
            Move::Poll(_) | Move::Drop(_) => {}
        }
    }
    seen.hold(&report);
    drop(operations);
    let left = managed.state().expect("no operation is left");
    drop(managed);
    let closing = closing.lock().unwrap().take();
    assert_eq!(closing.is_some(), matches!(left, State::Suspended | State::Running));
    if let Some(closing) = closing {
        drop(catch_unwind(AssertUnwindSafe(|| poll(closing, 50, &report))));
    }
    assert_eq!(live.count(), 0, "created and dropped balance");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 20 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_body_operated_on_in_any_way(
        script in proptest::collection::vec(any_act(), 0..8),
        asks in proptest::collection::vec((any_ask(), 0_usize..5), 0..14),
    ) {
        play(&script, &asks);
    }

    #[test]
    fn any_body_shared_by_several(
        script in proptest::collection::vec(any_act(), 0..8),
        moves in proptest::collection::vec(any_move(), 0..30),
    ) {
        share(script, &moves);
    }
}
