//! Each way to leave a block, with each policy, in each shape, by the function and by the macro.

use std::fmt::Debug;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use withal::cleanup::{CleanupEvent, drain, observe};
use withal::context::{
    AsyncContextManager, AsyncExitStack, AsyncGuard, Detach, DropAfterChildren, DropNow, Error, Restart,
    async_with,
};
use withal_test_support::event_log::{BlockAt, Blockable, EventLog};
use withal_test_support::probes;

probes!(Now: DropNow, Held: DropAfterChildren, Detached: Detach, Restarted: Restart);

/// A probe with any of the policies.
trait Probe:
    AsyncContextManager<Guard: AsyncGuard<Target = u32, Error = String, Suppression = ()> + Send + 'static>
    + Send
    + 'static
{
    fn probe(log: &EventLog, name: &str, block_at: BlockAt) -> Self;
}

macro_rules! probe {
    ($($name:ident),+) => {$(
        impl Probe for $name {
            fn probe(log: &EventLog, name: &str, block_at: BlockAt) -> Self {
                Self::new(log, name).block_at(block_at)
            }
        }
    )+};
}

probe!(Now, Held, Detached, Restarted);

/// The ways to leave a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Success,
    Question,
    Return,
    Break,
    Continue,
    LabelledBreak,
    Panic,
    DroppedInEnter,
    DroppedInBody,
    DroppedInExit,
    ShutDown,
    NoRuntime,
}

use Way::*;

const WAYS: [Way; 12] = [
    Success,
    Question,
    Return,
    Break,
    Continue,
    LabelledBreak,
    Panic,
    DroppedInEnter,
    DroppedInBody,
    DroppedInExit,
    ShutDown,
    NoRuntime,
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    One,
    Three,
    Stack,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Function,
    Macro,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Policy {
    DropNow,
    DropAfterChildren,
    Detach,
    Restart,
}

/// Returns the place in which the innermost manager blocks.
fn block_at(way: Way) -> BlockAt {
    match way {
        DroppedInEnter => BlockAt::InEnter,
        DroppedInExit => BlockAt::InExit,
        _ => BlockAt::Nowhere,
    }
}

/// The end of a block of the macro.
macro_rules! leave {
    ($way:expr, $outer:lifetime) => {
        match $way {
            Success | DroppedInExit => "value",
            Question => Err("error".to_owned())?,
            Return => return Ok("returned"),
            Break => break,
            Continue => continue,
            LabelledBreak => break $outer,
            Panic => panic!("panic"),
            DroppedInEnter | DroppedInBody | ShutDown | NoRuntime => pending().await,
        }
    };
}

type Outcome = Result<&'static str, String>;

async fn one_by_macro<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let mut rounds = 0;
    'outer: loop {
        loop {
            rounds += 1;
            if rounds > 1 {
                return Ok("continued");
            }
            let value = async_with!(loop, 'outer; n = P::probe(log, "a", block_at(way)) => {
                assert_eq!(*n, 7);
                leave!(way, 'outer)
            })?;
            return Ok(value);
        }
        #[allow(unreachable_code, reason = "by `break`")]
        return Ok("broken");
    }
    Ok("broken out")
}

async fn three_by_macro<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let mut rounds = 0;
    'outer: loop {
        loop {
            rounds += 1;
            if rounds > 1 {
                return Ok("continued");
            }
            let [first, second, third] =
                [("a", BlockAt::Nowhere), ("b", BlockAt::Nowhere), ("c", block_at(way))]
                    .map(|(name, block_at)| move || P::probe(log, name, block_at));
            let value = async_with!(loop, 'outer; n = first(), m = second(), l = third() => {
                assert_eq!((*n, *m, *l), (7, 7, 7));
                leave!(way, 'outer)
            })?;
            return Ok(value);
        }
        #[allow(unreachable_code, reason = "by `break`")]
        return Ok("broken");
    }
    Ok("broken out")
}

async fn stack_by_macro<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let mut rounds = 0;
    'outer: loop {
        loop {
            rounds += 1;
            if rounds > 1 {
                return Ok("continued");
            }
            let value = async_with!(loop, 'outer; stack = AsyncExitStack::new() => {
                let mut guards = Vec::new();
                for name in ["a", "b", "c"] {
                    let at = if name == "c" { block_at(way) } else { BlockAt::Nowhere };
                    guards.push(stack.enter_async_context(P::probe(log, name, at)).await?);
                }
                assert!(guards.iter_mut().all(|n| *n.target() == 7));
                leave!(way, 'outer)
            });
            return Ok(value.map_err(|errors| errors.to_string())?.expect("no error is suppressed"));
        }
        #[allow(unreachable_code, reason = "by `break`")]
        return Ok("broken");
    }
    Ok("broken out")
}

/// The body's last words, as a function's.
async fn leave(way: Way) -> Outcome {
    match way {
        Success | DroppedInExit => Ok("value"),
        Question => Err("error".to_owned())?,
        Return => Ok("returned"),
        Panic => panic!("panic"),
        DroppedInEnter | DroppedInBody | ShutDown | NoRuntime => pending().await,
        Break | Continue | LabelledBreak => unreachable!("{way:?} does not compile in a closure"),
    }
}

async fn one_by_function<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let block = async |n: &mut u32| {
        assert_eq!(*n, 7);
        leave(way).await
    };
    async_with(P::probe(log, "a", block_at(way)), block).await.map_err(Error::into_first)
}

async fn three_by_function<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let [a, b] = ["a", "b"].map(|name| P::probe(log, name, BlockAt::Nowhere));
    let c = P::probe(log, "c", block_at(way));
    let nested = async_with(a, async |_| {
        let nested = async_with(b, async |_| {
            async_with(c, async |_| leave(way).await).await.map_err(Error::into_first)
        });
        nested.await.map_err(Error::into_first)
    });
    nested.await.map_err(Error::into_first)
}

async fn stack_by_function<P: Probe>(log: &EventLog, way: Way) -> Outcome {
    let value = async_with(AsyncExitStack::new(), async |stack| {
        let mut guards = Vec::new();
        for name in ["a", "b", "c"] {
            let at = if name == "c" { block_at(way) } else { BlockAt::Nowhere };
            guards.push(stack.enter_async_context(P::probe(log, name, at)).await?);
        }
        assert!(guards.iter_mut().all(|n| *n.target() == 7));
        leave(way).await
    });
    match value.await {
        Ok(value) => Ok(value.expect("no error is suppressed")),
        Err(Error::Block(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

type Program = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn program<P: Probe>(log: EventLog, way: Way, shape: Shape, form: Form) -> Program {
    match (shape, form) {
        (Shape::One, Form::Macro) => Box::pin(async move { one_by_macro::<P>(&log, way).await }),
        (Shape::Three, Form::Macro) => Box::pin(async move { three_by_macro::<P>(&log, way).await }),
        (Shape::Stack, Form::Macro) => Box::pin(async move { stack_by_macro::<P>(&log, way).await }),
        (Shape::One, Form::Function) => Box::pin(async move { one_by_function::<P>(&log, way).await }),
        (Shape::Three, Form::Function) => Box::pin(async move { three_by_function::<P>(&log, way).await }),
        (Shape::Stack, Form::Function) => Box::pin(async move { stack_by_function::<P>(&log, way).await }),
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Polls the program until it makes no more progress.
fn poll(program: &mut Program) {
    for _ in 0..20 {
        assert!(program.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

/// Runs the program, and returns its value, its error or panic as text, or `dropped`.
fn run(mut program: Program, way: Way, log: &EventLog) -> String {
    match way {
        Success | Question | Return | Break | Continue | LabelledBreak | Panic => {
            let runtime = runtime();
            match catch_unwind(AssertUnwindSafe(|| runtime.block_on(program))) {
                Ok(Ok(value)) => value.to_owned(),
                Ok(Err(error)) => error,
                Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
            }
        }
        DroppedInEnter | DroppedInBody | DroppedInExit => {
            runtime().block_on(async {
                poll(&mut program);
                drop(program);
                log.open_gate();
                drain(Duration::from_secs(60)).await.unwrap();
            });
            "dropped".to_owned()
        }
        ShutDown => {
            let runtime = runtime();
            runtime.block_on(async {
                drop(tokio::spawn(program));
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            });
            drop(runtime);
            "dropped".to_owned()
        }
        NoRuntime => {
            poll(&mut program);
            drop(program);
            "dropped".to_owned()
        }
    }
}

/// Returns the expected result, log and number of abandoned exits, or `None` if the program would not compile.
fn expected(way: Way, policy: Policy, shape: Shape, form: Form) -> Option<(&'static str, String, usize)> {
    let names: &[&str] = if shape == Shape::One { &["a"] } else { &["a", "b", "c"] };
    let innermost = names[names.len() - 1];
    let entered = if way == DroppedInEnter { &names[..names.len() - 1] } else { names };
    let enters = entered.iter().map(|name| format!("+{name}"));
    let exits = |kind: &str| {
        entered.iter().rev().map(|name| format!("<{name}:{kind} {name}>")).collect::<Vec<_>>().join(" ")
    };
    let dropped = || entered.iter().rev().map(|name| format!("~{name}")).collect::<Vec<_>>().join(" ");
    // A stack has its own policy, whatever it contains.
    let awaits = shape == Shape::Stack || matches!(policy, Policy::Detach | Policy::Restart);
    let (result, exits, abandoned) = match way {
        Break | Continue | LabelledBreak if form == Form::Function => return None,
        Success => ("value", exits("ok"), 0),
        Question => ("error", exits("error"), 0),
        Return => ("returned", exits("ok"), 0),
        Break => ("broken", exits("ok"), 0),
        Continue => ("continued", exits("ok"), 0),
        LabelledBreak => ("broken out", exits("ok"), 0),
        Panic => ("panic", exits("panic"), 0),
        DroppedInEnter | DroppedInBody if awaits => ("dropped", exits("cancelled"), 0),
        DroppedInEnter | DroppedInBody => ("dropped", dropped(), 0),
        DroppedInExit => {
            let begun = format!("<{innermost}:ok ");
            let exits = match policy {
                _ if shape == Shape::Stack => exits("ok"),
                Policy::DropNow | Policy::DropAfterChildren => begun + &dropped(),
                Policy::Detach => exits("cancelled").replacen("cancelled", "ok", 1),
                Policy::Restart => begun + &exits("cancelled"),
            };
            ("dropped", exits, 0)
        }
        ShutDown | NoRuntime if shape == Shape::Stack => ("dropped", dropped(), 1),
        ShutDown | NoRuntime => ("dropped", dropped(), if awaits { names.len() } else { 0 }),
    };
    let entries = enters.chain([exits]).collect::<Vec<_>>().join(" ").trim().to_owned();
    Some((result, entries, abandoned))
}

fn cells<P: Probe>(policy: Policy) -> usize {
    let mut cells = 0;
    for way in WAYS {
        for shape in [Shape::One, Shape::Three, Shape::Stack] {
            for form in [Form::Function, Form::Macro] {
                cells += 1;
                let Some((expected, entries, abandoned)) = expected(way, policy, shape, form) else {
                    continue;
                };
                let cell = format!("{way:?} {policy:?} {shape:?} {form:?}");
                let log = EventLog::new();
                let events = Arc::new(Mutex::new(Vec::new()));
                let hook = Arc::clone(&events);
                let _observer = observe(move |event| {
                    // Other tests of this process report failures of stacks, but abandon none.
                    let is_stack = event.name().ends_with("AsyncExitStackGuard") && is_abandoned(event);
                    if event.name().contains("::table::") || is_stack {
                        hook.lock().unwrap().push(is_abandoned(event));
                    }
                });
                let result = run(program::<P>(log.clone(), way, shape, form), way, &log);
                assert_eq!((result.as_str(), log.entries()), (expected, entries), "{cell}");
                assert_eq!(*events.lock().unwrap(), vec![true; abandoned], "{cell}");
            }
        }
    }
    cells
}

fn is_abandoned(event: &CleanupEvent<'_>) -> bool {
    matches!(event, CleanupEvent::Abandoned { .. })
}

/// Jumps cannot leave a closure: see `tests/ui/context/break_in_function.rs`.
#[test]
fn every_cell_of_the_table() {
    let cells = cells::<Now>(Policy::DropNow)
        + cells::<Held>(Policy::DropAfterChildren)
        + cells::<Detached>(Policy::Detach)
        + cells::<Restarted>(Policy::Restart);
    assert_eq!(cells, 12 * 4 * 3 * 2);
}
