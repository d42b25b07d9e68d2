//! The items of the loops: each item is a step that the block executes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use proptest::prelude::*;
use withal::desugar::AsyncIterable;

use super::Log;

/// A step of a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Pass,
    Await,
    Continue,
    Break,
    ContinueOuter,
    BreakOuter,
    Fail,
    Return,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Pass),
        3 => Just(Step::Await),
        2 => Just(Step::Continue),
        1 => Just(Step::Break),
        1 => Just(Step::ContinueOuter),
        1 => Just(Step::BreakOuter),
        1 => Just(Step::Fail),
        1 => Just(Step::Return),
    ]
}

/// A nested loop: for each iteration of the outer loop, the steps of the inner one and the step of its `else`.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) rounds: Vec<(Vec<Step>, Step)>,
}

pub(super) fn any_program() -> impl Strategy<Value = Program> {
    let round = (proptest::collection::vec(any_step(), 0..5), any_step());
    proptest::collection::vec(round, 1..4).prop_map(|rounds| Program { rounds })
}

/// The iterable. It records the call of `aiter`.
pub(super) struct Steps {
    log: Log,
    steps: VecDeque<Step>,
}

impl Steps {
    pub(super) fn new(log: &Log, steps: &[Step]) -> Self {
        Self { log: log.clone(), steps: steps.iter().copied().collect() }
    }
}

impl AsyncIterable for Steps {
    type Item = Step;
    type AsyncIter = Iter;

    fn aiter(self) -> Iter {
        self.log.record("aiter");
        Iter { steps: self, is_ready: false }
    }
}

/// The stream. It is pending once per item, and records each poll, each item, its end, and its drop.
pub(super) struct Iter {
    steps: Steps,
    is_ready: bool,
}

impl Stream for Iter {
    type Item = Step;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            self.steps.log.record("anext");
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let step = self.steps.steps.pop_front();
        self.steps.log.record(format_args!("anext: {step:?}"));
        Poll::Ready(step)
    }
}

impl Drop for Iter {
    fn drop(&mut self) {
        self.steps.log.record("dropped");
    }
}
