//! The awaitables of a generator's operations.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use withal::coroutine::State;

use super::generators::{Generator, OperationResult, Outcome, outcome};
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;

/// Python's awaitable of an operation, which can be thrown into.
pub(super) struct Awaitable {
    /// Dropped before the generator that it borrows from.
    progress: Progress,
    operation: Operation,
    was_suspended: bool,
    /// The last resumption was a throw. Only then does Python notice later that the awaitable is done.
    is_thrown_into: bool,
    generator: Arc<Generator<Value>>,
}

enum Progress {
    New,
    Running(BoxFuture<'static, Completion>),
    Spent,
}

/// The result of an operation, and for a generator that had ended before, what Python makes of it.
enum Completion {
    Step(OperationResult<Value>),
    /// The operation is done, and an error that was thrown into it is raised again.
    OnEnded(Option<Raised>, OperationResult<Value>),
}

impl Awaitable {
    /// Makes an awaitable that is polled at once.
    pub(super) fn new(generator: &Arc<Generator<Value>>, operation: Operation) -> Self {
        generator.identity.announce_unless_hooked();
        Self {
            progress: Progress::New,
            operation,
            was_suspended: false,
            is_thrown_into: false,
            generator: Arc::clone(generator),
        }
    }

    /// Makes an awaitable that is polled later, or never.
    pub(super) fn for_later(generator: &Arc<Generator<Value>>, operation: Operation) -> Self {
        generator.identity.announce();
        Self::new(generator, operation)
    }

    fn is_new(&self) -> bool {
        matches!(self.progress, Progress::New)
    }

    pub(super) fn is_spent(&self) -> bool {
        matches!(self.progress, Progress::Spent)
    }

    /// Excludes the rest when the awaitable is used after its end, and Python does not notice: for an `athrow` that
    /// was suspended and then resumed.
    fn exclude_if_unseen(&self) {
        let is_unseen = self.was_suspended && !self.is_thrown_into;
        if is_unseen && matches!(self.operation, Operation::Athrow(_)) {
            self.generator.identity.world.exclude(Rule::AthrowAgain);
        }
    }

    /// Closes an awaitable that is done, which has no effect, unless Python does not notice that it is done.
    pub(super) fn close_spent(&self) {
        if self.generator.state() != Some(State::Closed) {
            self.exclude_if_unseen();
        }
    }

    /// Raises `raised` where the generator is suspended: drops the operation, and continues what it has started by a
    /// throw.
    pub(super) fn throw(&mut self, raised: Raised) {
        if self.is_spent() {
            return;
        }
        let generator = Arc::clone(&self.generator);
        let is_new = self.is_new();
        if is_new {
            generator.identity.exclude_if_wedged();
        }
        self.is_thrown_into = true;
        // Dropped first: the operation borrows the generator.
        self.progress = Progress::Spent;
        let future = async move {
            let state = generator.state();
            if !is_new && state != Some(State::Running) {
                // A line that appears in no trace of `CPython`.
                generator.identity.world.log(format_args!("in the middle of a step it is {state:?}"));
            }
            generator.identity.thrown(&raised, state);
            let back = (is_new && state == Some(State::Closed)).then(|| raised.clone());
            let result = generator.athrow(raised).await;
            if back.is_some() { Completion::OnEnded(back, result) } else { Completion::Step(result) }
        };
        self.progress = Progress::Running(future.boxed());
    }

    fn begin(&self) -> BoxFuture<'static, Completion> {
        let (generator, operation) = (Arc::clone(&self.generator), self.operation);
        let state = generator.state();
        generator.identity.exclude_if_wedged();
        match operation {
            Operation::Anext | Operation::Asend(_) if state.is_some() => generator.identity.resumed(),
            Operation::Anext | Operation::Asend(_) => {}
            Operation::Athrow(_) => generator.identity.exclude_if_closing(state),
            Operation::Aclose => generator.identity.start_close(state),
        }
        let was_closed = state == Some(State::Closed);
        async move {
            match operation {
                Operation::Anext | Operation::Asend(None) if state == Some(State::Created) => {
                    Completion::Step(generator.start().await)
                }
                Operation::Anext => Completion::Step(generator.asend(None).await),
                Operation::Asend(value) => Completion::Step(generator.asend(value).await),
                Operation::Athrow(error) => {
                    let raised = Raised::of(error);
                    generator.identity.thrown(&raised, state);
                    let result = generator.athrow(raised).await;
                    if was_closed { Completion::OnEnded(None, result) } else { Completion::Step(result) }
                }
                Operation::Aclose => Completion::Step(generator.aclose().await),
            }
        }
        .boxed()
    }

    fn outcome(&self, completion: Completion) -> Outcome {
        let world = &self.generator.identity.world;
        match completion {
            Completion::Step(result) => outcome(world, self.operation, result),
            // The crate reports the end of the generator: the operation is done.
            Completion::OnEnded(None, Ok(None)) => Ok(None),
            Completion::OnEnded(Some(raised), Ok(None)) => {
                let is_close = matches!(self.operation, Operation::Aclose);
                if is_close && raised.is_end_of_close() {
                    return Ok(None);
                }
                if raised.kind() == Kind::StopIteration {
                    world.exclude(Rule::StopAsResult);
                }
                Err(raised)
            }
            Completion::OnEnded(_, result) => panic!("an ended generator returned {result:?}"),
        }
    }
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.was_suspended && matches!(self.progress, Progress::Running(_)) {
            self.generator.identity.mark_wedged();
        }
    }
}

impl Future for Awaitable {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if self.is_new() {
            self.progress = Progress::Running(self.begin());
        }
        let Progress::Running(future) = &mut self.progress else {
            self.exclude_if_unseen();
            let message = match self.operation {
                Operation::Anext | Operation::Asend(_) => "reuse-asend",
                Operation::Athrow(_) | Operation::Aclose => "reuse-athrow",
            };
            return Poll::Ready(Err(Raised::with(Kind::Runtime, message)));
        };
        let polled = future.poll_unpin(cx);
        self.generator.identity.expect_hook();
        let Poll::Ready(completion) = polled else {
            self.was_suspended = true;
            // The next poll resumes it, unless something is thrown in before.
            self.is_thrown_into = false;
            return Poll::Pending;
        };
        self.progress = Progress::Spent;
        Poll::Ready(self.outcome(completion))
    }
}
