//! The generators of a program.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::Mutex as AsyncMutex;
use withal::coroutine::{State, Thrown, Yielder};
use withal::generator::{AsyncGeneratorExt, BoxAsyncGenerator, Error, ManagedGenerator, try_generator};

use super::frame::{Mouth, run_function};
use super::identity::Identity;
use super::program::{Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Until;
use super::world::{Closes, Way, World};

pub(super) type Managed<S> = ManagedGenerator<Value, S, Thrown<Raised>>;

pub(super) type Pinned<S> = BoxAsyncGenerator<'static, Value, S, Thrown<Raised>>;

pub(super) type Stepped<S> = Result<Option<Value>, Error<S, Raised>>;

/// What the yields of a generator are answered with: by a loop with nothing.
pub(super) trait Answer: Send + Sync + 'static {
    const IS_OF_LOOP: bool;

    fn mouth(y: Yielder<'_, Value, Self, Thrown<Raised>>) -> Mouth<'_>
    where
        Self: Sized;
}

impl Answer for Value {
    const IS_OF_LOOP: bool = false;

    fn mouth(y: Yielder<'_, Self, Self, Thrown<Raised>>) -> Mouth<'_> {
        Mouth::Generator(y.into())
    }
}

impl Answer for () {
    const IS_OF_LOOP: bool = true;

    fn mouth(y: Yielder<'_, Value, Self, Thrown<Raised>>) -> Mouth<'_> {
        Mouth::OfLoop(y.into())
    }
}

/// A generator, with the name that the traces give it.
pub(super) struct Generator<S: Answer> {
    pub(super) identity: Arc<Identity>,
    pub(super) object: Object<S>,
}

/// Both kinds that the crate has.
pub(super) enum Object<S: Answer> {
    Managed(Managed<S>),
    /// None when somebody else has taken it.
    Pinned(AsyncMutex<Option<Pinned<S>>>),
}

impl<S: Answer> Generator<S> {
    pub(super) fn new(world: &Arc<World>, function: usize) -> Arc<Self> {
        let identity = Identity::new(world, function);
        let of_body = Arc::clone(&identity);
        let is_stream = S::IS_OF_LOOP && world.way == Way::Pinned;
        let generator = try_generator(async move |y: Yielder<'_, Value, S, Thrown<Raised>>| {
            let mouth = S::mouth(y);
            let returned = run_function(&of_body.world, &mouth, function).await;
            returned.map(drop).map_err(|raised| of_body.leaves(raised, is_stream))
        });
        let object = match world.way {
            Way::Pinned => Object::Pinned(AsyncMutex::new(Some(generator.boxed()))),
            Way::Hooks | Way::Asyncgens => Object::Managed(generator.managed_with(identity.hooks())),
        };
        let generator = Arc::new(Self { identity, object });
        let live: Arc<dyn Live> = Arc::<Self>::clone(&generator);
        world.made(generator.identity.number, Arc::downgrade(&live));
        generator
    }

    /// None while something is under way.
    pub(super) fn state(&self) -> Option<State> {
        match &self.object {
            Object::Managed(managed) => managed.state(),
            Object::Pinned(pinned) => Some(pinned.try_lock().ok()?.as_ref()?.state()),
        }
    }

    pub(super) async fn athrow(&self, raised: Raised) -> Stepped<S> {
        match &self.object {
            Object::Managed(managed) => managed.athrow(raised.into_thrown()).await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.athrow(raised.into_thrown()).await,
                _ => Err(self.would_be_shared()),
            },
        }
    }

    pub(super) async fn aclose(&self) -> Stepped<S> {
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
        self.identity.world.leave(Until::OfThisWay);
        Error::Running(None)
    }
}

impl Generator<Value> {
    pub(super) async fn start(&self) -> Stepped<Value> {
        match &self.object {
            Object::Managed(managed) => managed.start().await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.start().await,
                _ => Err(self.would_be_shared()),
            },
        }
    }

    pub(super) async fn asend(&self, value: Value) -> Stepped<Value> {
        match &self.object {
            Object::Managed(managed) => managed.asend(value).await,
            Object::Pinned(pinned) => match pinned.try_lock().as_deref_mut() {
                Ok(Some(pinned)) => pinned.asend(value).await,
                _ => Err(self.would_be_shared()),
            },
        }
    }
}

impl<S: Answer> Drop for Generator<S> {
    fn drop(&mut self) {
        let state = self.state();
        self.identity.exclude_if_wedged();
        self.identity.exclude_if_told(state);
        match (state, &mut self.object) {
            // Its finalizer hook has nothing to do then, and is not called; that of Python is.
            (Some(State::Created), _) if self.identity.is_iterated() => self.identity.dropped(None),
            // It has no hooks: what a user would have to do is done here.
            (Some(State::Suspended | State::Running), Object::Pinned(pinned)) => {
                let Some(mut pinned) = pinned.get_mut().take() else { return };
                let closing = async move { pinned.aclose().await.map_err(|error| Box::new(error) as _) };
                self.identity.dropped(Some(closing.boxed()));
            }
            _ => {}
        }
    }
}

/// A generator, whatever it is sent: as an event loop has it.
pub(super) trait Live: Send + Sync {
    fn identity(&self) -> &Arc<Identity>;

    fn state(&self) -> Option<State>;

    fn closes(self: Arc<Self>) -> Closes;
}

impl<S: Answer> Live for Generator<S> {
    fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    fn state(&self) -> Option<State> {
        Self::state(self)
    }

    fn closes(self: Arc<Self>) -> Closes {
        async move { self.aclose().await.map(drop).map_err(|error| Box::new(error) as _) }.boxed()
    }
}

/// What an operation gives, as Python has it: the end is an exception.
pub(super) type Outcome = Result<Value, Raised>;

/// What the crate says, in Python's words.
pub(super) fn outcome<S>(world: &World, operation: Operation, stepped: Stepped<S>) -> Outcome {
    let is_close = matches!(operation, Operation::Aclose);
    let runtime = |message| Raised::with(Kind::Runtime, message);
    let raised = match stepped {
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

/// What a close came to that knows nothing of types.
pub(super) fn closed(world: &World, closed: Result<(), Box<dyn Any + Send>>) -> Outcome {
    let Err(error) = closed else { return Ok(None) };
    match error.downcast::<Error<Value, Raised>>() {
        Ok(error) => outcome(world, Operation::Aclose, Err(*error)),
        Err(error) => {
            let error = error.downcast::<Error<(), Raised>>();
            outcome(world, Operation::Aclose, Err(*error.expect("it is that of the generators here")))
        }
    }
}
