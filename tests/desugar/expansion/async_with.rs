//! Compares `async_with!` with the expansion of PEP 492: each exit path of the block, with one, two and three managers, each
//! of which propagates the error, suppresses it, or fails.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::LocalBoxFuture;
use withal::context::{AsyncContextManager, AsyncGuard, ExitReason, async_with};

use super::Log;
use super::managers::{ExitPlan, FromBool, Manager, Plan};

/// An exit path of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExitPath {
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

use ExitPath::*;

/// The exit paths that need no loop.
const STRAIGHT: &[ExitPath] = &[Value, Question, Return, ReturnError, Panic];
const ALL: &[ExitPath] =
    &[Value, Question, Return, ReturnError, Panic, Break, Continue, BreakOuter, ContinueOuter];

type Outcome = Result<&'static str, String>;

/// Panics without calling the panic hook, which would print.
fn panics() -> ! {
    resume_unwind(Box::new("panic"))
}

macro_rules! by_macro {
    ($straight:ident, $in_loops:ident: $($target:ident = $at:literal),+) => {
        async fn $straight<V: FromBool>(log: Log, managers: &[Plan], path: ExitPath) -> Outcome {
            let value = async_with!($($target = Manager::<V>::new(&log, managers[$at])),+ => {
                $(*$target += 1 + $at;)+
                tokio::task::yield_now().await;
                log.record("block");
                match path {
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

        /// Two iterations of the outer loop and of the inner one. The first block exits along the given path, the others
        /// complete.
        async fn $in_loops<V: FromBool>(log: Log, managers: &[Plan], path: ExitPath) -> Outcome {
            let mut paths = VecDeque::from([path]);
            'outer: for _ in 0..2 {
                log.record("outer");
                for _ in 0..2 {
                    log.record("inner");
                    let value = async_with!(loop, 'outer; $($target = Manager::<V>::new(&log, managers[$at])),+ => {
                        $(*$target += 1 + $at;)+
                        tokio::task::yield_now().await;
                        log.record("block");
                        match paths.pop_front().unwrap_or(Value) {
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

/// One function per manager.
macro_rules! one {
    ($target:ident $suppression:ident) => {
        $suppression::value
    };
}

by_macro!(one_straight, one_in_loops: a = 0);
by_macro!(two_straight, two_in_loops: a = 0, b = 1);
by_macro!(three_straight, three_in_loops: a = 0, b = 1, c = 2);

/// The outcome of a block in the expansion by hand, as a value.
enum BlockExit {
    /// `None` if a manager suppressed an error.
    Value(Option<&'static str>),
    Returned(&'static str),
    Failed(String),
    /// The error of a manager.
    Raised(String),
    Jump(ExitPath),
}

async fn block(log: &Log, targets: Vec<&mut usize>, path: ExitPath) -> BlockExit {
    for (at, target) in targets.into_iter().enumerate() {
        *target += 1 + at;
    }
    tokio::task::yield_now().await;
    log.record("block");
    match path {
        Value => BlockExit::Value(Some("value")),
        Question | ReturnError => BlockExit::Failed("error".to_owned()),
        Return => BlockExit::Returned("returned"),
        Panic => panics(),
        jump => BlockExit::Jump(jump),
    }
}

/// `async with a as x, b as y: BLOCK`, by hand. Several managers are nested statements.
fn expansion<'a, V: FromBool>(
    log: &'a Log,
    managers: &'a [Plan],
    targets: Vec<&'a mut usize>,
    paths: &'a mut VecDeque<ExitPath>,
) -> LocalBoxFuture<'a, BlockExit> {
    let [manager, managers @ ..] = managers else {
        return async move { block(log, targets, paths.pop_front().unwrap_or(Value)).await }.boxed_local();
    };
    async move {
        // mgr = (EXPR)
        // VAR = await aenter(mgr)
        let mut mgr = match Manager::<V>::new(log, *manager).aenter().await {
            Ok(mgr) => mgr,
            Err(error) => return BlockExit::Raised(error),
        };
        let mut targets = targets;
        targets.push(mgr.target());
        // try: BLOCK
        let exit = AssertUnwindSafe(expansion::<V>(log, managers, targets, paths)).catch_unwind().await;
        match exit {
            // except: if not await aexit(mgr, *sys.exc_info()): raise
            Err(mut payload) => {
                // A panic is never suppressed, and the error of an exit does not replace it.
                drop(mgr.aexit(ExitReason::Panic(&mut *payload)).await);
                drop(mgr);
                resume_unwind(payload)
            }
            Ok(BlockExit::Failed(mut error)) => match mgr.aexit(ExitReason::Error(&mut error)).await {
                Ok(suppression) if suppression.suppressed::<()>().is_some() => BlockExit::Value(None),
                // Python raises the exit's error, with the block's as its `__context__`. withal keeps the block's error.
                Ok(_) | Err(_) => BlockExit::Failed(error),
            },
            Ok(BlockExit::Raised(mut error)) => match mgr.aexit(ExitReason::Error(&mut error)).await {
                Ok(suppression) if suppression.suppressed::<()>().is_some() => BlockExit::Value(None),
                Ok(_) | Err(_) => BlockExit::Raised(error),
            },
            // else: await aexit(mgr, None, None, None)
            Ok(exit) => match mgr.aexit(ExitReason::Ok).await {
                Ok(_) => exit,
                Err(error) => BlockExit::Raised(error),
            },
        }
    }
    .boxed_local()
}

async fn straight_by_hand<V: FromBool>(log: Log, managers: &[Plan], path: ExitPath) -> Outcome {
    let value = match expansion::<V>(&log, managers, Vec::new(), &mut [path].into()).await {
        BlockExit::Value(value) => Ok(value),
        BlockExit::Raised(error) => Err(error),
        BlockExit::Returned(value) => return Ok(value),
        BlockExit::Failed(error) => return Err(error),
        BlockExit::Jump(path) => unreachable!("{path:?} outside of a loop"),
    };
    log.record(format_args!("value: {value:?}"));
    Ok("at the end")
}

async fn in_loops_by_hand<V: FromBool>(log: Log, managers: &[Plan], path: ExitPath) -> Outcome {
    let mut paths = VecDeque::from([path]);
    'outer: for _ in 0..2 {
        log.record("outer");
        for _ in 0..2 {
            log.record("inner");
            let value = match expansion::<V>(&log, managers, Vec::new(), &mut paths).await {
                BlockExit::Value(value) => Ok(value),
                BlockExit::Raised(error) => Err(error),
                BlockExit::Returned(value) => return Ok(value),
                BlockExit::Failed(error) => return Err(error),
                BlockExit::Jump(Break) => break,
                BlockExit::Jump(Continue) => continue,
                BlockExit::Jump(BreakOuter) => break 'outer,
                BlockExit::Jump(_) => continue 'outer,
            };
            log.record(format_args!("value: {value:?}"));
        }
        log.record("after inner");
    }
    Ok("at the end")
}

/// Returns the outcome or the panic message of a program, and its events.
fn run<P: Future<Output = Outcome>>(
    program: impl FnOnce(Log) -> P,
) -> (Result<Outcome, String>, Vec<String>) {
    let log = Log::default();
    let ended = block_on(AssertUnwindSafe(program(log.clone())).catch_unwind());
    (ended.map_err(|payload| (*payload.downcast_ref::<&str>().unwrap()).to_owned()), log.take())
}

/// Returns all combinations of what the given number of managers can do.
fn plans(managers: usize) -> Vec<Vec<Plan>> {
    let mut plans = vec![Vec::new()];
    for name in ["a", "b", "c"].into_iter().take(managers) {
        let each = [ExitPlan::Propagates, ExitPlan::Suppresses, ExitPlan::Fails]
            .into_iter()
            .flat_map(|exits| [true, false].map(|enters| Plan { name, enters, exits }));
        plans = plans
            .iter()
            .flat_map(|before| each.clone().map(move |plan| [&before[..], &[plan]].concat()))
            .collect();
    }
    plans
}

/// Runs each program with managers that never suppress an error, and with managers that may.
macro_rules! event_for_event {
    ($($form:ident: $managers:literal, $paths:expr, $by_macro:ident, $by_hand:ident;)+) => {$(
        #[test]
        fn $form() {
            for plans in plans($managers) {
                for &path in $paths {
                    let program = format!("{path:?} {plans:?}");
                    let ours = run(|log| $by_macro::<()>(log, &plans, path));
                    assert_eq!(ours, run(|log| $by_hand::<()>(log, &plans, path)), "{program}");
                    let ours = run(|log| $by_macro::<bool>(log, &plans, path));
                    assert_eq!(ours, run(|log| $by_hand::<bool>(log, &plans, path)), "{program}");
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
