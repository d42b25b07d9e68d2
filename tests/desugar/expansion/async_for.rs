//! Compares each form of `async_for!` with the loop of PEP 492, also when dropped at each await.

use std::pin::pin;

use futures::executor::block_on;
use futures::{Stream, StreamExt};
use proptest::prelude::*;
use withal::async_for;
use withal::desugar::{aiter, anext};

use super::Log;
use super::steps::{Program, Step, Steps, any_program};
use withal::testing::cancel_at_every_await;

type Outcome = Result<&'static str, &'static str>;

/// A loop block or an `else` block. In an `else`, `break` and `continue` refer to the loop around.
macro_rules! block {
    ($log:expr, $name:literal, $step:expr, $outer:lifetime) => {{
        $log.record(format_args!("{}: {:?}", $name, $step));
        match $step {
            Step::Pass => {}
            Step::Await => tokio::task::yield_now().await,
            Step::Continue => continue,
            Step::Break => break,
            Step::ContinueOuter => continue $outer,
            Step::BreakOuter => break $outer,
            Step::Fail => Err("failed")?,
            Step::Return => return Ok("returned"),
        }
        $log.record(format_args!("{}: end", $name));
    }};
}

async fn plain_by_macro(log: Log, program: Program) -> Outcome {
    'outer: for (steps, _) in &program.rounds {
        async_for!(step in Steps::new(&log, steps) => {
            block!(log, "block", step, 'outer);
        });
        log.record("after");
    }
    Ok("at the end")
}

async fn plain_by_hand(log: Log, program: Program) -> Outcome {
    'outer: for (steps, _) in &program.rounds {
        {
            let mut iter = pin!(aiter(Steps::new(&log, steps)));
            let mut running = true;
            while running {
                match anext(&mut iter).await {
                    None => running = false,
                    Some(step) => block!(log, "block", step, 'outer),
                }
            }
        }
        log.record("after");
    }
    Ok("at the end")
}

async fn else_by_macro(log: Log, program: Program) -> Outcome {
    'outer: for (steps, at_end) in &program.rounds {
        async_for!(step in Steps::new(&log, steps) => {
            block!(log, "block", step, 'outer);
        } else {
            block!(log, "else", at_end, 'outer);
        });
        log.record("after");
    }
    Ok("at the end")
}

/// The iterator is dropped before the `else` runs, as `CPython` pops it from its stack.
async fn else_by_hand(log: Log, program: Program) -> Outcome {
    'outer: for (steps, at_end) in &program.rounds {
        let mut running = true;
        {
            let mut iter = pin!(aiter(Steps::new(&log, steps)));
            while running {
                match anext(&mut iter).await {
                    None => running = false,
                    Some(step) => block!(log, "block", step, 'outer),
                }
            }
        }
        if !running {
            block!(log, "else", at_end, 'outer);
        }
        log.record("after");
    }
    Ok("at the end")
}

/// The outer loop is labelled, and the inner loop breaks it.
async fn labelled_by_macro(log: Log, program: Program) -> Outcome {
    async_for!('outer: _ in Steps::new(&log, &[Step::Pass; 2]) => {
        for (steps, at_end) in &program.rounds {
            async_for!('inner: step in Steps::new(&log, steps) => {
                if let Step::Await = step {
                    continue 'inner;
                }
                block!(log, "block", step, 'outer);
            } else {
                block!(log, "inner else", at_end, 'outer);
            });
            log.record("after");
        }
    } else {
        log.record("outer else");
    });
    Ok("at the end")
}

async fn labelled_by_hand(log: Log, program: Program) -> Outcome {
    let mut outer_running = true;
    {
        let mut outer = pin!(aiter(Steps::new(&log, &[Step::Pass; 2])));
        'outer: while outer_running {
            let Some(_) = anext(&mut outer).await else {
                outer_running = false;
                continue;
            };
            for (steps, at_end) in &program.rounds {
                let mut running = true;
                {
                    let mut iter = pin!(aiter(Steps::new(&log, steps)));
                    'inner: while running {
                        match anext(&mut iter).await {
                            None => running = false,
                            Some(step) => {
                                if let Step::Await = step {
                                    continue 'inner;
                                }
                                block!(log, "block", step, 'outer);
                            }
                        }
                    }
                }
                if !running {
                    block!(log, "inner else", at_end, 'outer);
                }
                log.record("after");
            }
        }
    }
    if !outer_running {
        log.record("outer else");
    }
    Ok("at the end")
}

/// A stream whose items may be errors. The block propagates them with `?`.
fn results(log: &Log, steps: &[Step]) -> impl Stream<Item = Result<Step, &'static str>> + use<> {
    aiter(Steps::new(log, steps)).map(|step| match step {
        Step::Fail => Err("the stream failed"),
        step => Ok(step),
    })
}

async fn fallible_by_macro(log: Log, program: Program) -> Outcome {
    'outer: for (steps, at_end) in &program.rounds {
        async_for!(item in results(&log, steps) => {
            let step = item?;
            block!(log, "block", step, 'outer);
        } else {
            block!(log, "else", at_end, 'outer);
        });
        log.record("after");
    }
    Ok("at the end")
}

async fn fallible_by_hand(log: Log, program: Program) -> Outcome {
    'outer: for (steps, at_end) in &program.rounds {
        let mut running = true;
        {
            let mut iter = pin!(aiter(results(&log, steps)));
            while running {
                match anext(&mut iter).await {
                    None => running = false,
                    Some(item) => {
                        let step = item?;
                        block!(log, "block", step, 'outer);
                    }
                }
            }
        }
        if !running {
            block!(log, "else", at_end, 'outer);
        }
        log.record("after");
    }
    Ok("at the end")
}

/// The iterator is borrowed: all iterations of the outer loop read from the same one.
async fn borrowed_by_macro(log: Log, program: Program) -> Outcome {
    let steps: Vec<_> = program.rounds.iter().flat_map(|(steps, _)| steps.clone()).collect();
    let mut iter = pin!(aiter(Steps::new(&log, &steps)));
    'outer: for (_, at_end) in &program.rounds {
        async_for!(step in iter.as_mut() => {
            block!(log, "block", step, 'outer);
        } else {
            block!(log, "else", at_end, 'outer);
        });
        log.record("after");
    }
    Ok("at the end")
}

async fn borrowed_by_hand(log: Log, program: Program) -> Outcome {
    let steps: Vec<_> = program.rounds.iter().flat_map(|(steps, _)| steps.clone()).collect();
    let mut iter = pin!(aiter(Steps::new(&log, &steps)));
    'outer: for (_, at_end) in &program.rounds {
        let mut running = true;
        while running {
            match anext(&mut iter).await {
                None => running = false,
                Some(step) => block!(log, "block", step, 'outer),
            }
        }
        if !running {
            block!(log, "else", at_end, 'outer);
        }
        log.record("after");
    }
    Ok("at the end")
}

/// Returns the outcome and the events of a program that is dropped at each of its awaits, and of one that completes.
fn runs<P: Future<Output = Outcome>>(program: impl Fn(Log) -> P) -> Vec<(Option<Outcome>, Vec<String>)> {
    let (log, mut runs) = (Log::default(), Vec::new());
    let record = async |outcome| runs.push((outcome, log.take()));
    block_on(cancel_at_every_await(|| program(log.clone())).check(record));
    runs
}

macro_rules! event_for_event {
    ($($form:ident: $by_macro:ident, $by_hand:ident;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

            $(
                #[test]
                fn $form(program in any_program()) {
                    let ours = runs(|log| $by_macro(log, program.clone()));
                    prop_assert_eq!(ours, runs(|log| $by_hand(log, program.clone())));
                }
            )+
        }
    };
}

event_for_event! {
    plain: plain_by_macro, plain_by_hand;
    with_else: else_by_macro, else_by_hand;
    labelled: labelled_by_macro, labelled_by_hand;
    fallible: fallible_by_macro, fallible_by_hand;
    borrowed: borrowed_by_macro, borrowed_by_hand;
}
