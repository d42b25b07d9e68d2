//! What is awaited of a generator.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use withal::coroutine::State;

use super::generators::{Generator, Outcome, Stepped, outcome};
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;

/// Python's awaitable of an operation: it can be thrown into.
pub(super) struct Awaitable {
    /// Dropped before the generator that it is on.
    progress: Progress,
    operation: Operation,
    was_suspended: bool,
    /// What went on last was a throw: Python sees then when it is done.
    is_thrown_into: bool,
    generator: Arc<Generator<Value>>,
}

enum Progress {
    New,
    Going(BoxFuture<'static, Came>),
    Spent,
}

/// What the crate says, and what Python makes of it where it has ended before.
enum Came {
    To(Stepped<Value>),
    /// An operation is done then, and a throw comes back.
    OnEnded(Option<Raised>, Stepped<Value>),
}

impl Awaitable {
    /// It is made, and will be polled at once.
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

    /// It is made, and polled some time, if ever.
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

    /// It is used though it is done, which Python does not see of an `athrow` that was suspended and then resumed.
    fn exclude_if_unseen(&self) {
        let is_unseen = self.was_suspended && !self.is_thrown_into;
        if is_unseen && matches!(self.operation, Operation::Athrow(_)) {
            self.generator.identity.world.exclude(Rule::AthrowAgain);
        }
    }

    /// It is closed though it is done: nothing comes of it, unless Python does not see that.
    pub(super) fn close_spent(&self) {
        if self.generator.state() != Some(State::Closed) {
            self.exclude_if_unseen();
        }
    }

    /// Raises `raised` where the generator is suspended: the operation is dropped, and what it has begun goes on with a
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
        // Dropped first: it has the generator.
        self.progress = Progress::Spent;
        let going = async move {
            let state = generator.state();
            if !is_new && state != Some(State::Running) {
                // A line that no trace of `CPython` has.
                generator.identity.world.log(format_args!("in the middle of a step it is {state:?}"));
            }
            generator.identity.thrown(&raised, state);
            let back = (is_new && state == Some(State::Closed)).then(|| raised.clone());
            let stepped = generator.athrow(raised).await;
            if back.is_some() { Came::OnEnded(back, stepped) } else { Came::To(stepped) }
        };
        self.progress = Progress::Going(going.boxed());
    }

    fn begin(&self) -> BoxFuture<'static, Came> {
        let (generator, operation) = (Arc::clone(&self.generator), self.operation);
        let state = generator.state();
        generator.identity.exclude_if_wedged();
        match operation {
            Operation::Anext | Operation::Asend(_) if state.is_some() => generator.identity.goes_on(),
            Operation::Anext | Operation::Asend(_) => {}
            Operation::Athrow(_) => generator.identity.exclude_if_told(state),
            Operation::Aclose => generator.identity.tell(state),
        }
        let was_over = state == Some(State::Closed);
        async move {
            match operation {
                Operation::Anext | Operation::Asend(None) if state == Some(State::Created) => {
                    Came::To(generator.start().await)
                }
                Operation::Anext => Came::To(generator.asend(None).await),
                Operation::Asend(value) => Came::To(generator.asend(value).await),
                Operation::Athrow(error) => {
                    let raised = Raised::of(error);
                    generator.identity.thrown(&raised, state);
                    let stepped = generator.athrow(raised).await;
                    if was_over { Came::OnEnded(None, stepped) } else { Came::To(stepped) }
                }
                Operation::Aclose => Came::To(generator.aclose().await),
            }
        }
        .boxed()
    }

    fn outcome(&self, came: Came) -> Outcome {
        let world = &self.generator.identity.world;
        match came {
            Came::To(stepped) => outcome(world, self.operation, stepped),
            // The crate has said that it has ended: so it is done.
            Came::OnEnded(None, Ok(None)) => Ok(None),
            Came::OnEnded(Some(raised), Ok(None)) => {
                let is_close = matches!(self.operation, Operation::Aclose);
                if is_close && raised.is_end_of_close() {
                    return Ok(None);
                }
                if raised.kind() == Kind::StopIteration {
                    world.exclude(Rule::StopAsResult);
                }
                Err(raised)
            }
            Came::OnEnded(_, stepped) => panic!("an ended generator says {stepped:?}"),
        }
    }
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.was_suspended && matches!(self.progress, Progress::Going(_)) {
            self.generator.identity.wedge();
        }
    }
}

impl Future for Awaitable {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if self.is_new() {
            self.progress = Progress::Going(self.begin());
        }
        let Progress::Going(going) = &mut self.progress else {
            self.exclude_if_unseen();
            let message = match self.operation {
                Operation::Anext | Operation::Asend(_) => "reuse-asend",
                Operation::Athrow(_) | Operation::Aclose => "reuse-athrow",
            };
            return Poll::Ready(Err(Raised::with(Kind::Runtime, message)));
        };
        let polled = going.poll_unpin(cx);
        self.generator.identity.expect_hook();
        let Poll::Ready(came) = polled else {
            self.was_suspended = true;
            // It is resumed next, unless it is thrown into.
            self.is_thrown_into = false;
            return Poll::Pending;
        };
        self.progress = Progress::Spent;
        Poll::Ready(self.outcome(came))
    }
}
