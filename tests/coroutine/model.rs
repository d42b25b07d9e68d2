//! Random bodies, driven at random: no crash, no stall, no value lost or report twice, and a live that balances.

use proptest::prelude::*;
use withal::coroutine::{Error, State, Step, try_coroutine};

use withal_test_support::script::{Act, LiveTokens, Report, Token, Y, any_act, body as run_script};

#[derive(Debug, Clone, Copy)]
enum Move {
    Resume,
    Send,
    Throw,
    Close,
}

/// Drives a body through a script, and says how many values it took out of the body and dropped itself.
fn play(script: &[Act], drive: &[Move]) {
    let (live, report) = (LiveTokens::default(), Report::default());
    let mut body = try_coroutine(async |mut y: Y<'_>| {
        run_script(script, &mut y, &report, &live).await?;
        Ok(Token::new(script.len(), &live))
    });
    let (mut received, mut ignored) = (Vec::new(), 0);
    for (n, &drive) in drive.iter().enumerate() {
        let before = body.state();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match drive {
            Move::Resume => body.resume().map(Some),
            Move::Send => body.send(Token::new(1000 + n, &live)).map(Some),
            Move::Throw => body.throw(Token::new(2000 + n, &live)).map(Some),
            Move::Close => body.close().map(|value| value.map(Step::Complete)),
        }));
        let Ok(stepped) = panics else {
            assert_eq!(body.state(), State::Closed, "a panic ends it");
            continue;
        };
        match &stepped {
            Ok(Some(Step::Yielded(token))) => received.push(token.id),
            Ok(Some(Step::Complete(token))) => assert_eq!(token.id, script.len()),
            Ok(None) => {}
            Err(Error::Pending) => assert!(report.awaits(), "waits for nothing but what it awaits"),
            Err(Error::NotStarted(token)) => {
                assert_eq!((before, token.id), (State::Created, 1000 + n));
            }
            Err(Error::Running(token)) => {
                assert_eq!((before, token.id), (State::Running, 1000 + n));
            }
            Err(Error::AlreadyAwaited) => assert_eq!(before, State::Closed),
            Err(Error::IgnoredExit) => ignored += 1,
            Err(_) => assert_eq!(body.state(), State::Closed),
        }
        if body.state() == State::Closed {
            drop(stepped);
            assert_eq!(live.count(), 0, "nothing is left of it");
        }
    }
    if !drive.iter().any(|drive| matches!(drive, Move::Throw | Move::Close)) {
        // Nothing disturbs it: to the end, or until it waits for ever.
        for _ in 0..40 {
            let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.resume()));
            match step {
                Ok(Ok(Step::Yielded(token))) => received.push(token.id),
                Ok(Err(Error::Pending)) => {}
                Ok(_) => break,
                // What was yielded in that step is dropped with it.
                Err(_) => return,
            }
        }
        let panicked = script.contains(&Act::Panic);
        assert!(panicked || report.unseen(&received).is_empty(), "lost: {:?}", report.unseen(&received));
    }
    assert!(received.is_sorted_by(|a, b| a < b), "in order, and none twice: {received:?}");
    assert!(report.resumed_beyond(&received) <= ignored, "an answer to what was not report: {received:?}");
    drop(body);
    assert_eq!(live.count(), 0, "created and dropped balance");
}

fn any_drive() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => Just(Move::Resume),
        6 => Just(Move::Send),
        2 => Just(Move::Throw),
        1 => Just(Move::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 20 } else { 2000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_body_driven_in_any_way(
        script in proptest::collection::vec(any_act(), 0..8),
        drive in proptest::collection::vec(any_drive(), 0..14),
    ) {
        play(&script, &drive);
    }
}
