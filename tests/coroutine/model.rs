//! Random bodies with random drivers: no crash, no stall, no value lost or delivered twice, and every value dropped once.

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

/// Runs a body that follows `script`, and checks each step of its driver.
fn play(script: &[Act], moves: &[Move]) {
    let (live, report) = (LiveTokens::default(), Report::default());
    let mut body = try_coroutine(async |mut y: Y<'_>| {
        run_script(script, &mut y, &report, &live).await?;
        Ok(Token::new(script.len(), &live))
    });
    let (mut received, mut ignored) = (Vec::new(), 0);
    for (n, &next) in moves.iter().enumerate() {
        let before = body.state();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match next {
            Move::Resume => body.resume().map(Some),
            Move::Send => body.send(Token::new(1000 + n, &live)).map(Some),
            Move::Throw => body.throw(Token::new(2000 + n, &live)).map(Some),
            Move::Close => body.close().map(|value| value.map(Step::Complete)),
        }));
        let Ok(stepped) = panics else {
            assert_eq!(body.state(), State::Closed, "a panic closes the coroutine");
            continue;
        };
        match &stepped {
            Ok(Some(Step::Yielded(token))) => received.push(token.id),
            Ok(Some(Step::Complete(token))) => assert_eq!(token.id, script.len()),
            Ok(None) => {}
            Err(Error::Pending) => assert!(report.awaits(), "pending although the script awaits nothing"),
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
            assert_eq!(live.count(), 0, "all values are dropped");
        }
    }
    if !moves.iter().any(|next| matches!(next, Move::Throw | Move::Close)) {
        // Undisturbed, it runs to its end, or until it is pending for ever.
        for _ in 0..40 {
            let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.resume()));
            match step {
                Ok(Ok(Step::Yielded(token))) => received.push(token.id),
                Ok(Err(Error::Pending)) => {}
                Ok(_) => break,
                // The values that were yielded in this step are dropped with the body.
                Err(_) => return,
            }
        }
        let panicked = script.contains(&Act::Panic);
        assert!(panicked || report.unseen(&received).is_empty(), "lost: {:?}", report.unseen(&received));
    }
    assert!(received.is_sorted_by(|a, b| a < b), "delivered in order, and once: {received:?}");
    assert!(
        report.resumed_beyond(&received) <= ignored,
        "a reply to a value that was not delivered: {received:?}"
    );
    drop(body);
    assert_eq!(live.count(), 0, "every value is dropped once");
}

fn any_move() -> impl Strategy<Value = Move> {
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
    fn random_bodies_with_random_drivers(
        script in proptest::collection::vec(any_act(), 0..8),
        moves in proptest::collection::vec(any_move(), 0..14),
    ) {
        play(&script, &moves);
    }
}
