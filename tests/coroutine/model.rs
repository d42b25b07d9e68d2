//! Random bodies, driven at random: no crash, no stall, no value lost or told twice, and a ledger that balances.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use proptest::prelude::*;
use withal::coroutine::{Error, State, Step, Thrown, Yielder, try_coroutine};

/// A value that is in the ledger as long as it lives.
#[derive(Debug)]
struct Token {
    id: usize,
    ledger: Rc<Cell<usize>>,
}

impl Token {
    fn new(id: usize, ledger: &Rc<Cell<usize>>) -> Self {
        ledger.set(ledger.get() + 1);
        Self { id, ledger: Rc::clone(ledger) }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger.set(self.ledger.get() - 1);
    }
}

impl Default for Token {
    /// Sent by `resume`.
    fn default() -> Self {
        Self::new(usize::MAX, &Rc::new(Cell::new(0)))
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Yield,
    /// Catches what is thrown, and goes on.
    Catch,
    InUnordered,
    InJoin,
    /// In a race that the yield loses before its answer comes.
    Lose,
    /// In a race that is won by who was first ready: the answer, with luck.
    Race,
    Await,
    WaitForEver,
    Fail,
    Panic,
    Return,
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Resume,
    Send,
    Throw,
    Close,
}

/// What the body tells the test.
#[derive(Default)]
struct Told {
    /// The yields that were answered.
    answered: RefCell<Vec<usize>>,
    /// Whether it awaits what is no yield.
    awaits: Cell<bool>,
}

impl Told {
    async fn awaiting<F: Future>(&self, future: F) -> F::Output {
        self.awaits.set(true);
        let value = future.await;
        self.awaits.set(false);
        value
    }
}

type Y<'g> = Yielder<'g, Token, Token, Thrown<Token>>;

async fn act(
    act: Act,
    id: usize,
    y: &mut Y<'_>,
    told: &Told,
    ledger: &Rc<Cell<usize>>,
) -> Result<bool, Thrown<Token>> {
    let value = Token::new(id, ledger);
    let answered = || told.answered.borrow_mut().push(id);
    match act {
        Act::Yield => drop(y.yield_(value).await.inspect(|_| answered())?),
        Act::Catch => drop(y.yield_(value).await.inspect(|_| answered())),
        Act::InUnordered => {
            let mut set = FuturesUnordered::from_iter([y.yield_(value)]);
            drop(set.next().await.expect("one is in it").inspect(|_| answered())?);
        }
        Act::InJoin => {
            let (answer, ()) = futures::join!(y.yield_(value), told.awaiting(tokio::task::yield_now()));
            drop(answer.inspect(|_| answered())?);
        }
        Act::Lose => drop(select(y.yield_(value), ready(())).await),
        Act::Race => {
            let mut other = pin!(tokio::task::yield_now());
            if let Either::Right((answer, _)) = select(&mut other, y.yield_(value)).await {
                drop(answer.inspect(|_| answered())?);
            }
        }
        Act::Await => told.awaiting(tokio::task::yield_now()).await,
        Act::WaitForEver => told.awaiting(y.wait(pending())).await?,
        Act::Fail => return Err(value.into()),
        Act::Panic => std::panic::resume_unwind(Box::new(value.id)),
        Act::Return => return Ok(true),
    }
    Ok(false)
}

/// Drives a body through a script, and says how many values it took out of the body and dropped itself.
fn play(script: &[Act], drive: &[Move]) {
    let (ledger, told) = (Rc::new(Cell::new(0)), Told::default());
    let mut body = try_coroutine(async |mut y: Y<'_>| {
        for (id, &step) in script.iter().enumerate() {
            if act(step, id, &mut y, &told, &ledger).await? {
                break;
            }
        }
        Ok(Token::new(script.len(), &ledger))
    });
    let (mut received, mut ignored) = (Vec::new(), 0);
    for (n, &drive) in drive.iter().enumerate() {
        let before = body.state();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match drive {
            Move::Resume => body.resume().map(Some),
            Move::Send => body.send(Token::new(1000 + n, &ledger)).map(Some),
            Move::Throw => body.throw(Token::new(2000 + n, &ledger)).map(Some),
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
            Err(Error::Waiting) => assert!(told.awaits.get(), "waits for nothing but what it awaits"),
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
            assert_eq!(ledger.get(), 0, "nothing is left of it");
        }
    }
    assert!(received.is_sorted_by(|a, b| a < b), "in order, and none twice: {received:?}");
    let unseen = told.answered.borrow().iter().filter(|id| !received.contains(id)).count();
    assert!(unseen <= ignored, "an answer to what was not told: {received:?}, {:?}", told.answered);
    drop(body);
    assert_eq!(ledger.get(), 0, "created and dropped balance");
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Yield),
        3 => Just(Act::Catch),
        2 => Just(Act::InUnordered),
        2 => Just(Act::InJoin),
        2 => Just(Act::Lose),
        2 => Just(Act::Race),
        2 => Just(Act::Await),
        1 => Just(Act::WaitForEver),
        1 => Just(Act::Fail),
        1 => Just(Act::Panic),
        1 => Just(Act::Return),
    ]
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
