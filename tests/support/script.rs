//! Coroutine bodies that follow a script of random actions, and count the values they create.

use std::future::{Future, pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use proptest::prelude::*;
use withal::coroutine::{Thrown, Yielder};

/// The number of tokens that are alive.
#[derive(Debug, Clone, Default)]
pub struct LiveTokens(Arc<AtomicUsize>);

impl LiveTokens {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that is counted while it is alive.
#[derive(Debug)]
pub struct Token {
    pub id: usize,
    live: LiveTokens,
}

impl Token {
    pub fn new(id: usize, live: &LiveTokens) -> Self {
        live.0.fetch_add(1, Ordering::Relaxed);
        Self { id, live: live.clone() }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.live.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Token {
    /// The sent value of a yield that was resumed without one.
    fn default() -> Self {
        Self::new(usize::MAX, &LiveTokens::default())
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    Yield,
    /// Catches what is thrown, and continues.
    Catch,
    InUnordered,
    InJoin,
    /// Yields in a race that the yield loses before it is resumed.
    Lose,
    /// Yields in two such races, in one step.
    LoseTwo,
    /// Yields in a race that the first ready future wins, which may be the yield.
    Race,
    Await,
    WaitForEver,
    WaitInUnordered,
    Fail,
    Panic,
    Return,
}

/// The report of a body to its test.
#[derive(Default)]
pub struct Report {
    /// The ids of the yields that were polled.
    polled: Mutex<Vec<usize>>,
    /// The ids of the yields that were resumed.
    resumed: Mutex<Vec<usize>>,
    /// `true` while the body awaits a future other than a yield.
    awaits: AtomicBool,
}

impl Report {
    pub fn awaits(&self) -> bool {
        self.awaits.load(Ordering::Relaxed)
    }

    /// Returns the number of yields that were resumed and are not among `received`.
    pub fn resumed_beyond(&self, received: &[usize]) -> usize {
        self.resumed.lock().unwrap().iter().filter(|id| !received.contains(id)).count()
    }

    /// Returns the yields that were polled and are not among `received`.
    pub fn unseen(&self, received: &[usize]) -> Vec<usize> {
        self.polled.lock().unwrap().iter().filter(|id| !received.contains(id)).copied().collect()
    }

    async fn awaiting<F: Future>(&self, future: F) -> F::Output {
        self.awaits.store(true, Ordering::Relaxed);
        let value = future.await;
        self.awaits.store(false, Ordering::Relaxed);
        value
    }
}

pub type Y<'g> = Yielder<'g, Token, Token, Thrown<Token>>;

async fn act(
    act: Act,
    id: usize,
    y: &mut Y<'_>,
    report: &Report,
    live: &LiveTokens,
) -> Result<bool, Thrown<Token>> {
    let value = Token::new(id, live);
    let resumed = || report.resumed.lock().unwrap().push(id);
    let polled = |id| report.polled.lock().unwrap().push(id);
    // Whether a yield in a race is polled depends on the order.
    if matches!(act, Act::Yield | Act::Catch | Act::InUnordered | Act::InJoin | Act::Lose | Act::LoseTwo) {
        polled(id);
    }
    match act {
        Act::Yield => drop(y.yield_(value).await.inspect(|_| resumed())?),
        Act::Catch => drop(y.yield_(value).await.inspect(|_| resumed())),
        Act::InUnordered => {
            let mut set = FuturesUnordered::from_iter([y.yield_(value)]);
            drop(set.next().await.expect("the set holds one future").inspect(|_| resumed())?);
        }
        Act::InJoin => {
            let (sent, ()) = futures::join!(y.yield_(value), report.awaiting(tokio::task::yield_now()));
            drop(sent.inspect(|_| resumed())?);
        }
        Act::Lose => drop(select(y.yield_(value), ready(())).await),
        Act::LoseTwo => {
            drop(select(y.yield_(value), ready(())).await);
            polled(id + 1);
            drop(select(y.yield_(Token::new(id + 1, live)), ready(())).await);
        }
        Act::Race => {
            let mut other = pin!(tokio::task::yield_now());
            if let Either::Right((sent, _)) = select(&mut other, y.yield_(value)).await {
                drop(sent.inspect(|_| resumed())?);
            }
        }
        Act::Await => report.awaiting(tokio::task::yield_now()).await,
        Act::WaitForEver => report.awaiting(y.interruptible(pending())).await?,
        Act::WaitInUnordered => {
            let mut set = FuturesUnordered::from_iter([y.interruptible(tokio::task::yield_now())]);
            report.awaiting(set.next()).await.expect("the set holds one future")?;
        }
        Act::Fail => return Err(value.into()),
        Act::Panic => std::panic::resume_unwind(Box::new(value.id)),
        Act::Return => return Ok(true),
    }
    Ok(false)
}

/// Runs the script until it ends or an action returns.
pub async fn body(
    script: &[Act],
    y: &mut Y<'_>,
    report: &Report,
    live: &LiveTokens,
) -> Result<(), Thrown<Token>> {
    for (id, &step) in script.iter().enumerate() {
        // Some actions create two tokens.
        if act(step, 2 * id, y, report, live).await? {
            break;
        }
    }
    Ok(())
}

pub fn any_act() -> impl Strategy<Value = Act> {
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
