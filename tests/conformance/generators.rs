//! The generators of a program, and what is awaited of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use withal::coroutine::{State, Thrown};
use withal::generator::{Error, Hooks, ManagedGenerator, try_generator};

use super::frame::{Mouth, run_function};
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::{Dropped, World};

type Managed = ManagedGenerator<Value, Value, Thrown<Raised>>;

type Failure = Error<Value, Raised>;

/// A generator, with the name that the traces give it.
pub(super) struct Generator {
    name: String,
    number: usize,
    managed: Managed,
    world: Arc<World>,
    is_iterated: AtomicBool,
    is_told: AtomicBool,
    is_wedged: AtomicBool,
}

impl Generator {
    pub(super) fn new(world: &Arc<World>, function: usize) -> Arc<Self> {
        let number = world.next_generator();
        let name = format!("g{function}.{number}");
        let (of_body, of_hook) = (Arc::clone(world), Arc::clone(world));
        let its_name = name.clone();
        let hooks = Hooks::default().firstiter(|_| {}).finalizer(move |closing| {
            of_hook.dropped(Dropped { name: its_name.clone(), number, closing: Some(closing) });
        });
        let generator = try_generator(async move |y| {
            let mouth = Mouth::Generator(y.into());
            let returned = run_function(&of_body, &mouth, function).await;
            returned.map(drop).map_err(Raised::into_thrown)
        });
        Arc::new(Self {
            name,
            number,
            managed: generator.managed_by(hooks),
            world: Arc::clone(world),
            is_iterated: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            is_wedged: AtomicBool::new(false),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_over(&self) -> bool {
        self.managed.state() == Some(State::Closed)
    }

    fn exclude_if_wedged(&self) {
        if self.is_wedged.load(Ordering::Relaxed) {
            self.world.exclude(Rule::Wedged);
        }
    }

    fn exclude_if_told(&self) {
        if self.is_told.load(Ordering::Relaxed) && !self.is_over() {
            self.world.exclude(Rule::ClosedBefore);
        }
    }

    /// Python calls the first hook when an operation is made, and here it is called when that is polled.
    pub(super) fn iterate(self: &Arc<Self>) {
        if !self.is_iterated.swap(true, Ordering::Relaxed) {
            self.world.log(format_args!("hook first {}", self.name));
            self.world.begun(Arc::downgrade(self));
        }
    }

    pub(super) fn awaitable(self: &Arc<Self>, operation: Operation) -> Awaitable {
        self.iterate();
        Awaitable { generator: Arc::clone(self), operation, state: Progress::New, was_suspended: false }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.exclude_if_wedged();
        self.exclude_if_told();
        // Its finalizer hook has nothing to do then, and is not called; that of Python is.
        if self.is_iterated.load(Ordering::Relaxed) && self.managed.state() == Some(State::Created) {
            let (name, number) = (self.name.clone(), self.number);
            self.world.dropped(Dropped { name, number, closing: None });
        }
    }
}

/// What an operation gives, as Python has it: the end is an exception.
pub(super) type Outcome = Result<Value, Raised>;

/// Python's awaitable of an operation: it can be thrown into.
pub(super) struct Awaitable {
    generator: Arc<Generator>,
    operation: Operation,
    state: Progress,
    was_suspended: bool,
}

enum Progress {
    New,
    Going(BoxFuture<'static, Result<Value, Ended>>),
    Spent,
}

/// Why there is no value.
enum Ended {
    Stop,
    /// It was at an end before.
    Over(Option<Raised>),
    Failed(Failure),
}

impl Awaitable {
    pub(super) fn is_new(&self) -> bool {
        matches!(self.state, Progress::New)
    }

    /// Also says so of one that Python takes for another.
    pub(super) fn is_spent(&self) -> bool {
        let is_spent = matches!(self.state, Progress::Spent);
        if is_spent && self.was_suspended && matches!(self.operation, Operation::Athrow(_)) {
            self.generator.world.exclude(Rule::AthrowAgain);
        }
        is_spent
    }

    /// It was closed, and awaits once more.
    pub(super) fn ignored_close(&self) {
        self.generator.is_wedged.store(true, Ordering::Relaxed);
    }

    /// Raises `raised` where the generator is suspended: the operation is dropped, and what it has begun goes on with a
    /// throw.
    pub(super) fn throw(&mut self, raised: Raised) {
        if self.is_spent() {
            return;
        }
        let is_new = self.is_new();
        self.generator.exclude_if_wedged();
        // Dropped first: it has the generator.
        self.state = Progress::Spent;
        let managed = self.generator.managed.clone();
        self.state = Progress::Going(
            async move {
                if is_new && managed.state() == Some(State::Closed) {
                    return Err(Ended::Over(Some(raised)));
                }
                ended(managed.athrow(raised.into_thrown()).await)
            }
            .boxed(),
        );
    }

    fn begin(&self) -> BoxFuture<'static, Result<Value, Ended>> {
        self.generator.exclude_if_wedged();
        if matches!(self.operation, Operation::Athrow(_) | Operation::Aclose) {
            self.generator.exclude_if_told();
        }
        if matches!(self.operation, Operation::Aclose) {
            self.generator.is_told.store(true, Ordering::Relaxed);
        }
        let (managed, operation) = (self.generator.managed.clone(), self.operation);
        async move {
            let state = managed.state();
            let stepped = match operation {
                Operation::Anext | Operation::Asend(None) if state == Some(State::Created) => {
                    managed.start().await
                }
                Operation::Anext => managed.asend(None).await,
                Operation::Asend(value) => managed.asend(value).await,
                Operation::Athrow(_) | Operation::Aclose if state == Some(State::Closed) => {
                    return Err(Ended::Over(None));
                }
                Operation::Athrow(error) => managed.athrow(Raised::of(error).into_thrown()).await,
                Operation::Aclose => managed.aclose().await.map(|()| None),
            };
            ended(stepped)
        }
        .boxed()
    }

    fn outcome(&self, result: Result<Value, Ended>) -> Outcome {
        let is_close = matches!(self.operation, Operation::Aclose);
        let runtime = |message| Raised::with(Kind::Runtime, message);
        let raised = match result {
            Ok(_) if is_close => runtime("ignored-ge"),
            Ok(value) => return Ok(value),
            Err(Ended::Over(None)) => return Ok(None),
            Err(Ended::Over(Some(raised))) => {
                if is_close && matches!(raised.kind(), Kind::GeneratorExit | Kind::StopAsyncIteration) {
                    return Ok(None);
                }
                if raised.kind() == Kind::StopIteration {
                    self.generator.world.exclude(Rule::StopAsResult);
                }
                return Err(raised);
            }
            Err(Ended::Stop) if is_close => return Ok(None),
            Err(Ended::Stop) => Raised::bare(Kind::StopAsyncIteration),
            Err(Ended::Failed(failure)) => match failure {
                Error::NotStarted(_) => Raised::with(Kind::Type, "nonnone-agen"),
                Error::Running(_) => runtime(match self.operation {
                    Operation::Anext | Operation::Asend(_) => "running-anext",
                    Operation::Athrow(_) => "running-athrow",
                    Operation::Aclose => "running-aclose",
                }),
                Error::IgnoredExit => runtime("ignored-ge"),
                Error::Exited if is_close => return Ok(None),
                Error::Exited => return Err(Raised::bare(Kind::GeneratorExit)),
                Error::Raised(raised) if is_close && raised.kind() == Kind::GeneratorExit => return Ok(None),
                Error::Raised(raised) => return Err(raised),
                other => panic!("{other}"),
            },
        };
        Err(self.generator.world.raise(raised))
    }
}

impl Drop for Awaitable {
    fn drop(&mut self) {
        if self.was_suspended && matches!(self.state, Progress::Going(_)) {
            self.ignored_close();
        }
    }
}

fn ended(stepped: Result<Option<Value>, Failure>) -> Result<Value, Ended> {
    stepped.map_err(Ended::Failed)?.ok_or(Ended::Stop)
}

impl Future for Awaitable {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if self.is_new() {
            self.state = Progress::Going(self.begin());
        }
        self.is_spent();
        let Progress::Going(going) = &mut self.state else {
            let message = match self.operation {
                Operation::Anext | Operation::Asend(_) => "reuse-asend",
                Operation::Athrow(_) | Operation::Aclose => "reuse-athrow",
            };
            return Poll::Ready(Err(Raised::with(Kind::Runtime, message)));
        };
        let Poll::Ready(result) = going.poll_unpin(cx) else {
            self.was_suspended = true;
            return Poll::Pending;
        };
        self.state = Progress::Spent;
        Poll::Ready(self.outcome(result))
    }
}
