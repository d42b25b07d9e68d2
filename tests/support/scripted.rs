//! Bodies that do as a script says, of values that are in a ledger.

use std::future::{Future, pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use proptest::prelude::*;
use withal::coroutine::{Thrown, Yielder};

/// How many values live.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<AtomicUsize>);

impl Ledger {
    pub(crate) fn open(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that is in the ledger as long as it lives.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) id: usize,
    ledger: Ledger,
}

impl Token {
    pub(crate) fn new(id: usize, ledger: &Ledger) -> Self {
        ledger.0.fetch_add(1, Ordering::Relaxed);
        Self { id, ledger: ledger.clone() }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Token {
    /// An answer that nobody made.
    fn default() -> Self {
        Self::new(usize::MAX, &Ledger::default())
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    Yield,
    /// Catches what is thrown, and goes on.
    Catch,
    InUnordered,
    InJoin,
    /// In a race that the yield loses before its answer comes.
    Lose,
    /// Two of them, in one step.
    LoseTwo,
    /// In a race that is won by who was first ready: the answer, with luck.
    Race,
    Await,
    WaitForEver,
    WaitInUnordered,
    Fail,
    Panic,
    Return,
}

/// What the body tells the test.
#[derive(Default)]
pub(crate) struct Told {
    /// The yields that were polled.
    polled: Mutex<Vec<usize>>,
    /// The yields that were answered.
    answered: Mutex<Vec<usize>>,
    /// Whether it awaits what is no yield.
    awaits: AtomicBool,
}

impl Told {
    pub(crate) fn awaits(&self) -> bool {
        self.awaits.load(Ordering::Relaxed)
    }

    /// How many answers there were to what is not among `received`.
    pub(crate) fn answers_beyond(&self, received: &[usize]) -> usize {
        self.answered.lock().unwrap().iter().filter(|id| !received.contains(id)).count()
    }

    /// What was yielded and is not among `received`.
    pub(crate) fn unseen(&self, received: &[usize]) -> Vec<usize> {
        self.polled.lock().unwrap().iter().filter(|id| !received.contains(id)).copied().collect()
    }

    async fn awaiting<F: Future>(&self, future: F) -> F::Output {
        self.awaits.store(true, Ordering::Relaxed);
        let value = future.await;
        self.awaits.store(false, Ordering::Relaxed);
        value
    }
}

pub(crate) type Y<'g> = Yielder<'g, Token, Token, Thrown<Token>>;

async fn act(
    act: Act,
    id: usize,
    y: &mut Y<'_>,
    told: &Told,
    ledger: &Ledger,
) -> Result<bool, Thrown<Token>> {
    let value = Token::new(id, ledger);
    let answered = || told.answered.lock().unwrap().push(id);
    let polled = |id| told.polled.lock().unwrap().push(id);
    // In a race it depends on who is first.
    if matches!(act, Act::Yield | Act::Catch | Act::InUnordered | Act::InJoin | Act::Lose | Act::LoseTwo) {
        polled(id);
    }
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
        Act::LoseTwo => {
            drop(select(y.yield_(value), ready(())).await);
            polled(id + 1);
            drop(select(y.yield_(Token::new(id + 1, ledger)), ready(())).await);
        }
        Act::Race => {
            let mut other = pin!(tokio::task::yield_now());
            if let Either::Right((answer, _)) = select(&mut other, y.yield_(value)).await {
                drop(answer.inspect(|_| answered())?);
            }
        }
        Act::Await => told.awaiting(tokio::task::yield_now()).await,
        Act::WaitForEver => told.awaiting(y.wait(pending())).await?,
        Act::WaitInUnordered => {
            let mut set = FuturesUnordered::from_iter([y.wait(tokio::task::yield_now())]);
            told.awaiting(set.next()).await.expect("one is in it")?;
        }
        Act::Fail => return Err(value.into()),
        Act::Panic => std::panic::resume_unwind(Box::new(value.id)),
        Act::Return => return Ok(true),
    }
    Ok(false)
}

/// The body itself: it goes through the script until that ends or says so.
pub(crate) async fn body(
    script: &[Act],
    y: &mut Y<'_>,
    told: &Told,
    ledger: &Ledger,
) -> Result<(), Thrown<Token>> {
    for (id, &step) in script.iter().enumerate() {
        // Some have two values.
        if act(step, 2 * id, y, told, ledger).await? {
            break;
        }
    }
    Ok(())
}

pub(crate) fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Yield),
        3 => Just(Act::Catch),
        2 => Just(Act::InUnordered),
        2 => Just(Act::InJoin),
        2 => Just(Act::Lose),
        1 => Just(Act::LoseTwo),
        2 => Just(Act::Race),
        2 => Just(Act::Await),
        1 => Just(Act::WaitForEver),
        2 => Just(Act::WaitInUnordered),
        1 => Just(Act::Fail),
        1 => Just(Act::Panic),
        1 => Just(Act::Return),
    ]
}
