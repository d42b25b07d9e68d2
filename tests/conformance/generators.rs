//! The generators of a program.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::Mutex as AsyncMutex;
use withal::coroutine::{State, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, BoxAsyncGenerator, Error, ManagedGenerator, try_generator};

use super::frame::{YieldChannel, run_function};
use super::identity::Identity;
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Cutoff;
use super::world::{BoxClose, Mode, World};

pub(super) type Managed<S> = ManagedGenerator<Value, S, Thrown<Raised>>;

pub(super) type Pinned<S> = BoxAsyncGenerator<'static, Value, S, Thrown<Raised>>;

pub(super) type OperationResult<S> = Result<Option<Value>, Error<S, Raised>>;

/// The values that a generator's yields receive; a loop sends none.
pub(super) trait Sent: Send + Sync + 'static {
    const IS_LOOP: bool;

    fn channel(y: Yielder<'_, Value, Self, Thrown<Raised>>) -> YieldChannel<'_>
    where
        Self: Sized;
}

impl Sent for Value {
    const IS_LOOP: bool = false;

    fn channel(y: Yielder<'_, Self, Self, Thrown<Raised>>) -> YieldChannel<'_> {
        YieldChannel::Generator(y.into())
    }
}

impl Sent for () {
    const IS_LOOP: bool = true;

    fn channel(y: Yielder<'_, Value, Self, Thrown<Raised>>) -> YieldChannel<'_> {
        YieldChannel::Loop(y.into())
    }
}

/// A generator, with its name in the traces.
pub(super) struct Generator<S: Sent> {
    pub(super) identity: Arc<Identity>,
    pub(super) object: Object<S>,
}

/// The two kinds of generators of the crate.
pub(super) enum Object<S: Sent> {
    Managed(Managed<S>),
    /// `None` once another owner has taken it.
    Pinned(AsyncMutex<Option<Pinned<S>>>),
}

impl<S: Sent> Generator<S> {
    pub(super) fn new(world: &Arc<World>, function: usize) -> Arc<Self> {
        let identity = Identity::new(world, function);
        let of_body = Arc::clone(&identity);
        let is_stream = S::IS_LOOP && world.mode == Mode::Pinned;
        let generator = try_generator(async move |y: Yielder<'_, Value, S, Thrown<Raised>>| {
            let channel = S::channel(y);
            let returned = run_function(&of_body.world, &channel, function).await;
            returned.map(drop).map_err(|raised| of_body.leave_body(raised, is_stream))
        });
        let object = match world.mode {
            Mode::Pinned => Object::Pinned(AsyncMutex::new(Some(generator.boxed()))),
            Mode::Hooks | Mode::Asyncgens => Object::Managed(generator.managed_with(identity.hooks())),
        };
        let generator = Arc::new(Self { identity, object });
        let live: Arc<dyn AnyGenerator> = Arc::<Self>::clone(&generator);
        world.made(generator.identity.number, Arc::downgrade(&live));
        generator
    }

    /// Returns `None` while an operation is in progress.
    pub(super) fn state(&self) -> Option<State> {
        match &self.object {
            Object::Managed(managed) => managed.state(),
            Object::Pinned(pinned) => Some(pinned.try_lock().ok()?.as_ref()?.state()),
        }
    }

    pub(super) async fn athrow(&self, raised: Raised) -> OperationResult<S> {
        match &self.object {
            Object::Managed(managed) => managed.athrow(raised.into_thrown()).await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.athrow(raised.into_thrown()).await,
                _ => Err(self.would_be_shared()),
            },
        }
    }

    pub(super) async fn aclose(&self) -> OperationResult<S> {
        let closed = match &self.object {
            Object::Managed(managed) => managed.aclose().await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.aclose().await,
                _ => Err(self.would_be_shared()),
            },
        };
        closed.map(|()| None)
    }

    fn would_be_shared(&self) -> Error<S, Raised> {
        self.identity.world.cut_off(Cutoff::ModeLimit);
        Error::Running(None)
    }
}

impl Generator<Value> {
    pub(super) async fn start(&self) -> OperationResult<Value> {
        match &self.object {
            Object::Managed(managed) => managed.start().await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.start().await,
                _ => Err(self.would_be_shared()),
            },
        }
    }

    pub(super) async fn asend(&self, value: Value) -> OperationResult<Value> {
        match &self.object {
            Object::Managed(managed) => managed.asend(value).await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.asend(value).await,
                _ => Err(self.would_be_shared()),
            },
        }
    }
}

impl<S: Sent> Drop for Generator<S> {
    fn drop(&mut self) {
        let state = self.state();
        self.identity.exclude_if_wedged();
        self.identity.exclude_if_closing(state);
        match (state, &mut self.object) {
            // The crate does not call the finalizer hook for a generator that has not started; Python does.
            (Some(State::Created), _) if self.identity.is_iterated() => self.identity.dropped(None),
            // A pinned generator has no hooks: the test closes it, as a user would have to.
            (Some(State::Suspended | State::Running), Object::Pinned(pinned)) => {
                let Some(mut pinned) = pinned.get_mut().take() else { return };
                let closing = async move { pinned.aclose().await.map_err(|error| Box::new(error) as _) };
                self.identity.dropped(Some(closing.boxed()));
            }
            _ => {}
        }
    }
}

/// A generator of any sent type, as an event loop sees it.
pub(super) trait AnyGenerator: Send + Sync {
    fn identity(&self) -> &Arc<Identity>;

    fn state(&self) -> Option<State>;

    fn boxed_close(self: Arc<Self>) -> BoxClose;
}

impl<S: Sent> AnyGenerator for Generator<S> {
    fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    fn state(&self) -> Option<State> {
        Self::state(self)
    }

    fn boxed_close(self: Arc<Self>) -> BoxClose {
        async move { self.aclose().await.map(drop).map_err(|error| Box::new(error) as _) }.boxed()
    }
}

/// The outcome of an operation in Python's terms: the end is an exception.
pub(super) type Outcome = Result<Value, Raised>;

/// Converts a result of the crate to Python's terms.
pub(super) fn outcome<S>(world: &World, operation: Operation, result: OperationResult<S>) -> Outcome {
    let is_close = matches!(operation, Operation::Aclose);
    let runtime = |message| Raised::with(Kind::Runtime, message);
    let raised = match result {
        Ok(Some(_)) if is_close => runtime("ignored-ge"),
        Ok(Some(value)) => return Ok(value),
        Ok(None) | Err(Error::GeneratorExit) if is_close => return Ok(None),
        Ok(None) => Raised::bare(Kind::StopAsyncIteration),
        Err(Error::NotStarted(_)) => Raised::with(Kind::Type, "nonnone-agen"),
        Err(Error::Running(_)) => runtime(match operation {
            Operation::Anext | Operation::Asend(_) => "running-anext",
            Operation::Athrow(_) => "running-athrow",
            Operation::Aclose => "running-aclose",
        }),
        Err(Error::IgnoredExit) => runtime("ignored-ge"),
        Err(Error::GeneratorExit) => return Err(Raised::bare(Kind::GeneratorExit)),
        Err(Error::Raised(raised)) if is_close && raised.is_end_of_close() => return Ok(None),
        Err(Error::Raised(raised)) => return Err(raised),
        Err(other) => panic!("{other}"),
    };
    Err(world.raise(raised))
}

/// Converts the result of a close whose types are erased.
pub(super) fn closed(world: &World, closed: Result<(), Box<dyn Any + Send>>) -> Outcome {
    let Err(error) = closed else { return Ok(None) };
    match error.downcast::<Error<Value, Raised>>() {
        Ok(error) => outcome(world, Operation::Aclose, Err(*error)),
        Err(error) => {
            let error = error.downcast::<Error<(), Raised>>();
            outcome(world, Operation::Aclose, Err(*error.expect("an error of a generator of this test")))
        }
    }
}
