//! `async_with!` beside the expansion of PEP 492: each way out of the block, with one, two and three managers, each of
//! which passes on what is under way, swallows it, or fails itself.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::LocalBoxFuture;
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, async_with};

use super::Log;
use super::managers::{How, Manager, Plan, Says};

/// How a block is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Value,
    Question,
    Return,
    ReturnError,
    Panic,
    Break,
    Continue,
    BreakOuter,
    ContinueOuter,
}

use Way::*;

/// Those that no loop is needed for.
const STRAIGHT: &[Way] = &[Value, Question, Return, ReturnError, Panic];
const ALL: &[Way] =
    &[Value, Question, Return, ReturnError, Panic, Break, Continue, BreakOuter, ContinueOuter];

type Outcome = Result<&'static str, String>;

/// Without the hook, which prints.
fn panics() -> ! {
    resume_unwind(Box::new("panic"))
}

macro_rules! by_macro {
    ($straight:ident, $in_loops:ident: $($target:ident = $at:literal),+) => {
        async fn $straight<V: Says>(log: Log, managers: &[Plan], way: Way) -> Outcome {
            let value = async_with!($($target = Manager::<V>::new(&log, managers[$at])),+ => {
                $(*$target += 1 + $at;)+
                tokio::task::yield_now().await;
                log.record("block");
                match way {
                    Question => Err("error".to_owned())?,
                    Return => return Ok("returned"),
                    ReturnError => return Err("error".to_owned()),
                    Panic => panics(),
                    _ => "value",
                }
            });
            log.record(format_args!("value: {:?}", value.map(|value| Some(value)$(.and_then(one!($target V)))+)));
            Ok("at the end")
        }

        /// Twice round the outer loop, twice round the inner one: the first block is left that way, and none of the
        /// others.
        async fn $in_loops<V: Says>(log: Log, managers: &[Plan], way: Way) -> Outcome {
            let mut ways = VecDeque::from([way]);
            'outer: for _ in 0..2 {
                log.record("outer");
                for _ in 0..2 {
                    log.record("inner");
                    let value = async_with!(loop, 'outer; $($target = Manager::<V>::new(&log, managers[$at])),+ => {
                        $(*$target += 1 + $at;)+
                        tokio::task::yield_now().await;
                        log.record("block");
                        match ways.pop_front().unwrap_or(Value) {
                            Value => "value",
                            Question => Err("error".to_owned())?,
                            Return => return Ok("returned"),
                            ReturnError => return Err("error".to_owned()),
                            Panic => panics(),
                            Break => break,
                            Continue => continue,
                            BreakOuter => break 'outer,
                            ContinueOuter => continue 'outer,
                        }
                    });
                    log.record(format_args!("value: {:?}", value.map(|value| Some(value)$(.and_then(one!($target V)))+)));
                }
                log.record("after inner");
            }
            Ok("at the end")
        }
    };
}

/// One for each manager.
macro_rules! one {
    ($target:ident $verdict:ident) => {
        $verdict::value
    };
}

by_macro!(one_straight, one_in_loops: a = 0);
by_macro!(two_straight, two_in_loops: a = 0, b = 1);
by_macro!(three_straight, three_in_loops: a = 0, b = 1, c = 2);

/// How a block was left, by hand: what crosses it is a value.
enum Left {
    /// `None` where a manager has swallowed an error.
    Value(Option<&'static str>),
    Returned(&'static str),
    Failed(String),
    /// By a manager.
    Raised(String),
    Jump(Way),
}

async fn block(log: &Log, targets: Vec<&mut usize>, way: Way) -> Left {
    for (at, target) in targets.into_iter().enumerate() {
        *target += 1 + at;
    }
    tokio::task::yield_now().await;
    log.record("block");
    match way {
        Value => Left::Value(Some("value")),
        Question | ReturnError => Left::Failed("error".to_owned()),
        Return => Left::Returned("returned"),
        Panic => panics(),
        jump => Left::Jump(jump),
    }
}

/// `async with a as x, b as y: BLOCK`, by hand. Several managers are one statement inside of another.
fn expansion<'a, V: Says>(
    log: &'a Log,
    managers: &'a [Plan],
    targets: Vec<&'a mut usize>,
    ways: &'a mut VecDeque<Way>,
) -> LocalBoxFuture<'a, Left> {
    let [manager, managers @ ..] = managers else {
        return async move { block(log, targets, ways.pop_front().unwrap_or(Value)).await }.boxed_local();
    };
    async move {
        // mgr = (EXPR)
        // VAR = await aenter(mgr)
        let mut mgr = match Manager::<V>::new(log, *manager).aenter().await {
            Ok(mgr) => mgr,
            Err(error) => return Left::Raised(error),
        };
        let mut targets = targets;
        targets.push(mgr.target());
        // try: BLOCK
        let left = AssertUnwindSafe(expansion::<V>(log, managers, targets, ways)).catch_unwind().await;
        match left {
            // except: if not await aexit(mgr, *sys.exc_info()): raise
            Err(mut payload) => {
                // A panic is never swallowed, and no error of an exit takes its place.
                drop(mgr.aexit(ExitReason::Panic(&mut *payload)).await);
                drop(mgr);
                resume_unwind(payload)
            }
            Ok(Left::Failed(mut error)) => match mgr.aexit(ExitReason::Error(&mut error)).await {
                Ok(verdict) if verdict.suppressed::<()>().is_some() => Left::Value(None),
                // Python raises the exit's, with the block's as its context; here the block's goes on.
                Ok(_) | Err(_) => Left::Failed(error),
            },
            Ok(Left::Raised(mut error)) => match mgr.aexit(ExitReason::Error(&mut error)).await {
                Ok(verdict) if verdict.suppressed::<()>().is_some() => Left::Value(None),
                Ok(_) | Err(_) => Left::Raised(error),
            },
            // else: await aexit(mgr, None, None, None)
            Ok(left) => match mgr.aexit(ExitReason::Ok).await {
                Ok(_) => left,
                Err(error) => Left::Raised(error),
            },
        }
    }
    .boxed_local()
}

async fn straight_by_hand<V: Says>(log: Log, managers: &[Plan], way: Way) -> Outcome {
    let value = match expansion::<V>(&log, managers, Vec::new(), &mut [way].into()).await {
        Left::Value(value) => Ok(value),
        Left::Raised(error) => Err(error),
        Left::Returned(value) => return Ok(value),
        Left::Failed(error) => return Err(error),
        Left::Jump(way) => unreachable!("{way:?} in no loop"),
    };
    log.record(format_args!("value: {value:?}"));
    Ok("at the end")
}

async fn in_loops_by_hand<V: Says>(log: Log, managers: &[Plan], way: Way) -> Outcome {
    let mut ways = VecDeque::from([way]);
    'outer: for _ in 0..2 {
        log.record("outer");
        for _ in 0..2 {
            log.record("inner");
            let value = match expansion::<V>(&log, managers, Vec::new(), &mut ways).await {
                Left::Value(value) => Ok(value),
                Left::Raised(error) => Err(error),
                Left::Returned(value) => return Ok(value),
                Left::Failed(error) => return Err(error),
                Left::Jump(Break) => break,
                Left::Jump(Continue) => continue,
                Left::Jump(BreakOuter) => break 'outer,
                Left::Jump(_) => continue 'outer,
            };
            log.record(format_args!("value: {value:?}"));
        }
        log.record("after inner");
    }
    Ok("at the end")
}

/// What it comes to, or panics with, and what happens.
fn run<P: Future<Output = Outcome>>(
    program: impl FnOnce(Log) -> P,
) -> (Result<Outcome, String>, Vec<String>) {
    let log = Log::default();
    let ended = block_on(AssertUnwindSafe(program(log.clone())).catch_unwind());
    (ended.map_err(|payload| (*payload.downcast_ref::<&str>().unwrap()).to_owned()), log.take())
}

/// All that so many managers can do.
fn plans(managers: usize) -> Vec<Vec<Plan>> {
    let mut plans = vec![Vec::new()];
    for name in ["a", "b", "c"].into_iter().take(managers) {
        let each = [How::Passes, How::Swallows, How::Fails]
            .into_iter()
            .flat_map(|exits| [true, false].map(|enters| Plan { name, enters, exits }));
        plans = plans
            .iter()
            .flat_map(|before| each.clone().map(move |plan| [&before[..], &[plan]].concat()))
            .collect();
    }
    plans
}

/// Each program, by managers that never swallow, and by those that may.
macro_rules! event_for_event {
    ($($form:ident: $managers:literal, $ways:expr, $by_macro:ident, $by_hand:ident;)+) => {$(
        #[test]
        fn $form() {
            for plans in plans($managers) {
                for &way in $ways {
                    let program = format!("{way:?} {plans:?}");
                    let ours = run(|log| $by_macro::<()>(log, &plans, way));
                    assert_eq!(ours, run(|log| $by_hand::<()>(log, &plans, way)), "{program}");
                    let ours = run(|log| $by_macro::<bool>(log, &plans, way));
                    assert_eq!(ours, run(|log| $by_hand::<bool>(log, &plans, way)), "{program}");
                }
            }
        }
    )+};
}

event_for_event! {
    one_manager: 1, STRAIGHT, one_straight, straight_by_hand;
    two_managers: 2, STRAIGHT, two_straight, straight_by_hand;
    three_managers: 3, STRAIGHT, three_straight, straight_by_hand;
    one_manager_in_loops: 1, ALL, one_in_loops, in_loops_by_hand;
    two_managers_in_loops: 2, ALL, two_in_loops, in_loops_by_hand;
    three_managers_in_loops: 3, ALL, three_in_loops, in_loops_by_hand;
}
