//! User code that fails: each call into it is counted, and one of the calls panics.
//!
//! [`fail_each_call`] repeats a scenario, once for each call into user code, and panics in that call. So the search is
//! systematic: every destructor, waker, closure, conversion and poll of the user panics once, at every step that reaches
//! it. The [`Token`]s show that each value is dropped exactly once. They are allocated, so valgrind, Miri and the
//! sanitizers see each use of a value that is not there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::process::abort;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::{iter, thread};

use withal::coroutine::{Thrown, Yielder};
use withal::generator::try_generator;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static PANICS_AT: Cell<usize> = const { Cell::new(usize::MAX) };
    static FAILED_IN_DROP: Cell<bool> = const { Cell::new(false) };
    static NEXT_ID: Cell<usize> = const { Cell::new(0) };
    static LIVE: RefCell<BTreeSet<usize>> = const { RefCell::new(BTreeSet::new()) };
}

/// Marks a call into user code: panics if it is the chosen one.
pub fn user_call() {
    panic_if_chosen(false);
}

fn panic_if_chosen(is_drop: bool) {
    let call = CALLS.replace(CALLS.get() + 1);
    // A second panic during an unwind would abort the process.
    if call == PANICS_AT.get() && !thread::panicking() {
        FAILED_IN_DROP.set(is_drop);
        resume_unwind(Box::new("a call into user code fails"));
    }
}

/// Runs `scenario` without a panic, and then once for each of its calls into user code, with a panic in that call.
///
/// After each run, all tokens must have been dropped, unless `leaks` is `true`. If a destructor panics, tokens may leak:
/// the language leaks the value that a function is returning if the destructor of a local variable panics
/// (<https://github.com/rust-lang/rust/issues/47949>). No token is ever dropped twice. Returns the number of runs.
pub fn fail_each_call(leaks: bool, scenario: impl Fn()) -> usize {
    for (run, panics_at) in iter::once(usize::MAX).chain(0..).enumerate() {
        CALLS.set(0);
        FAILED_IN_DROP.set(false);
        PANICS_AT.set(panics_at);
        scenario();
        PANICS_AT.set(usize::MAX);
        let live = LIVE.take();
        let leaks = leaks || FAILED_IN_DROP.get();
        assert!(leaks || live.is_empty(), "not dropped after a panic in call {panics_at}: tokens {live:?}");
        if panics_at != usize::MAX && panics_at >= CALLS.get() {
            return run;
        }
    }
    unreachable!("the scenario never ends")
}

/// A value with an allocation, whose destructor is user code.
#[derive(Debug)]
pub struct Token(Box<usize>);

impl Token {
    pub fn new() -> Self {
        let id = NEXT_ID.replace(NEXT_ID.get() + 1);
        LIVE.with_borrow_mut(|live| live.insert(id));
        Self(Box::new(id))
    }
}

impl Default for Token {
    fn default() -> Self {
        user_call();
        Self::new()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if !LIVE.with_borrow_mut(|live| live.remove(&self.0)) {
            eprintln!("token {} is dropped twice", self.0);
            abort();
        }
        panic_if_chosen(true);
    }
}

/// An error whose conversion into what a body can raise is user code.
pub struct Raises(pub Token);

impl From<Raises> for Thrown<Token> {
    fn from(raises: Raises) -> Self {
        user_call();
        Self::Error(raises.0)
    }
}

/// A waker whose wake and last drop are user code.
pub fn waker() -> Waker {
    struct FaultyWake {
        _token: Token,
    }
    impl Wake for FaultyWake {
        fn wake(self: Arc<Self>) {
            user_call();
        }
    }
    Waker::from(Arc::new(FaultyWake { _token: Token::new() }))
}

/// A value to reply with.
pub trait Reply: Default {
    fn create() -> Self;
}

impl Reply for Token {
    fn create() -> Self {
        Self::new()
    }
}

impl Reply for () {
    fn create() {}
}

/// Completes at its second poll. Its polls and its destructor are user code.
struct Delay {
    _token: Token,
    is_polled: bool,
}

impl Delay {
    fn new() -> Self {
        Self { _token: Token::new(), is_polled: false }
    }
}

impl Future for Delay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        user_call();
        if self.is_polled {
            return Poll::Ready(());
        }
        self.is_polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    Yield,
    /// Catches what is raised, and continues.
    Catch,
    /// Polls a yield once, and drops it.
    Drop,
    /// Polls a yield twice in one step, and then awaits it.
    Twice,
    /// Awaits a yield with wakers of its own.
    Foreign,
    /// Polls a yield once with a waker of its own, and drops it.
    DropForeign,
    /// Polls a yield in two steps, and drops it.
    Late,
    Await,
    Interruptible,
    InterruptibleForeign,
    /// Delegates to a generator that yields twice.
    Delegate,
    Fail,
    Return,
}

pub const ACTS: [Act; 13] = [
    Act::Yield,
    Act::Catch,
    Act::Drop,
    Act::Twice,
    Act::Foreign,
    Act::DropForeign,
    Act::Late,
    Act::Await,
    Act::Interruptible,
    Act::InterruptibleForeign,
    Act::Delegate,
    Act::Fail,
    Act::Return,
];

/// All scripts of at most one act, and those of two acts of which the first leaves something behind.
pub fn scripts() -> impl Iterator<Item = Vec<Act>> {
    let leaving = [Act::Catch, Act::Drop, Act::Twice, Act::Foreign, Act::DropForeign, Act::Late];
    let pairs = leaving.into_iter().flat_map(|first| ACTS.map(|second| vec![first, second]));
    // Miri takes a second for what takes a millisecond otherwise.
    let step = if cfg!(miri) { 11 } else { 1 };
    iter::once(vec![]).chain(ACTS.map(|act| vec![act])).chain(pairs).step_by(step)
}

type Y<'g, S> = Yielder<'g, Token, S, Thrown<Token>>;

/// A body of [`body`].
type BodyFuture<'g, R> = Pin<Box<dyn Future<Output = Result<R, Thrown<Token>>> + 'g>>;

/// A local variable of a body that reenters the coroutine: its destructor yields.
struct YieldsInDrop<'g, S> {
    y: Y<'g, S>,
    is_enabled: bool,
}

impl<S> Drop for YieldsInDrop<'_, S> {
    fn drop(&mut self) {
        for _ in 0..if self.is_enabled { 2 } else { 0 } {
            let mut yielded = pin!(self.y.yield_(Token::new()));
            drop(yielded.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        }
    }
}

/// Creates a body that follows `script`. If `reenters` is `true`, one of its destructors yields.
pub fn body<S: Reply + 'static, R: 'static>(
    script: Vec<Act>,
    reenters: bool,
    waker: fn() -> Waker,
    output: fn() -> R,
) -> impl for<'g> AsyncFnOnce(Y<'g, S>) -> Result<R, Thrown<Token>> {
    let captured = Token::new();
    body_fn(move |y| {
        user_call();
        Box::pin(async move {
            let _captured = captured;
            let _before = Token::new();
            let mut local = YieldsInDrop { y, is_enabled: reenters };
            for act in script {
                if run(act, &mut local.y, waker).await? {
                    break;
                }
            }
            user_call();
            Ok(output())
        })
    })
}

/// Makes the compiler accept a closure for every `'g`.
fn body_fn<S, R, F: for<'g> FnOnce(Y<'g, S>) -> BodyFuture<'g, R>>(body: F) -> F {
    body
}

async fn run<S: Reply + 'static>(
    act: Act,
    y: &mut Y<'_, S>,
    waker: fn() -> Waker,
) -> Result<bool, Thrown<Token>> {
    let _local = Token::new();
    user_call();
    match act {
        Act::Yield => drop(y.yield_(Token::new()).await?),
        Act::Catch => drop(y.yield_(Token::new()).await),
        Act::Drop => poll_once(y.yield_(Token::new())).await,
        Act::Twice => {
            let mut yielded = y.yield_(Token::new());
            let mut early = None;
            poll_fn(|cx| {
                for _ in 0..2 {
                    if let (None, Poll::Ready(reply)) = (&early, Pin::new(&mut yielded).poll(cx)) {
                        early = Some(reply);
                    }
                }
                Poll::Ready(())
            })
            .await;
            match early {
                Some(reply) => drop(reply?),
                None => drop(yielded.await?),
            }
        }
        Act::Foreign => drop(with_waker(y.yield_(Token::new()), waker).await?),
        Act::DropForeign => poll_once(with_waker(y.yield_(Token::new()), waker)).await,
        Act::Late => {
            let mut yielded = y.yield_(Token::new());
            let mut polls = 0;
            poll_fn(|cx| {
                polls += 1;
                if polls == 1 && Pin::new(&mut yielded).poll(cx).is_pending() {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
            .await;
        }
        Act::Await => Delay::new().await,
        Act::Interruptible => y.interruptible(Delay::new()).await?,
        Act::InterruptibleForeign => with_waker(pin!(y.interruptible(Delay::new())), waker).await?,
        Act::Delegate => {
            let inner = body(vec![Act::Yield, Act::Catch], false, waker, || ());
            Box::pin(y.yield_from(Box::pin(try_generator(inner)))).await?;
        }
        Act::Fail => return Err(Token::new().into()),
        Act::Return => return Ok(true),
    }
    Ok(false)
}

/// Polls a future once with the context of the body, and drops it.
async fn poll_once(future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|cx| {
        drop(future.as_mut().poll(cx));
        Poll::Ready(())
    })
    .await;
}

/// Polls a future with a new waker each time. The waker of the body is never passed on.
async fn with_waker<F: Future>(future: F, waker: fn() -> Waker) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker()));
        if polled.is_pending() {
            // Without a wake of the driver, which polls until the body is closed.
            cx.waker().wake_by_ref();
        }
        polled
    })
    .await
}
