use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::aclose::closed;
use super::{AsyncGenerator, BoxAsyncGenerator, Error, GeneratorBody, Hooks, PendingClose, WeakGenerator};
use crate::coroutine::{State, Throw};

/// What a step comes to.
pub(super) type Stepped<Y, S, T> = Result<Option<Y>, Error<S, <T as Throw>::Error>>;

/// What the handles of a managed generator share.
pub(super) struct Shared<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    at_rest: Mutex<AtRest<Y, S, T>>,
    hooks: Hooks,
    /// By a close whose caller knows nothing of its types.
    is_being_closed: AtomicBool,
}

struct AtRest<Y: 'static, S: 'static, T: 'static> {
    /// Elsewhere while an operation is under way.
    generator: Option<BoxAsyncGenerator<'static, Y, S, T>>,
    known: Known,
}

/// Whether the hooks know of it.
enum Known {
    NotYet,
    /// And the runtime that it was first iterated on, if any.
    Since(Option<Handle>),
}

impl<Y, S, T> Shared<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    pub(super) fn new(generator: BoxAsyncGenerator<'static, Y, S, T>, hooks: Hooks) -> Arc<Self> {
        let at_rest = AtRest { generator: Some(generator), known: Known::NotYet };
        Arc::new(Self { at_rest: Mutex::new(at_rest), hooks, is_being_closed: AtomicBool::new(false) })
    }

    /// No body runs while it is locked, and nothing panics.
    fn at_rest(&self) -> MutexGuard<'_, AtRest<Y, S, T>> {
        self.at_rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> Option<State> {
        self.at_rest().generator.as_ref().map(|generator| generator.state())
    }

    /// The generator, for one operation; none while another has it.
    pub(super) fn lend(self: &Arc<Self>) -> Option<Lent<Y, S, T>> {
        let mut at_rest = self.at_rest();
        let generator = at_rest.generator.take()?;
        let is_first = matches!(at_rest.known, Known::NotYet);
        if is_first {
            at_rest.known = Known::Since(Handle::try_current().ok());
        }
        drop(at_rest);
        let lent = Lent { shared: Arc::clone(self), generator: Some(generator) };
        if is_first {
            self.hooks.first_iteration(&WeakGenerator::new(self));
        }
        Some(lent)
    }

    pub(super) async fn aclose(self: Arc<Self>) -> Result<(), Error<S, T::Error>> {
        let mut lent = self.lend().ok_or(Error::Running(None))?;
        let over = lent.generator().close();
        closed(lent.step(over).await)
    }
}

/// Its last handle is gone, and with it every operation: the generator is here.
impl<Y, S, T> Drop for Shared<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        let AtRest { generator, known } = self.at_rest.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (Some(mut generator), Known::Since(home)) = (generator.take(), known) else { return };
        if matches!(generator.state(), State::Suspended | State::Running) {
            let close = async move {
                let over = generator.as_mut().close();
                closed(step(generator.as_mut(), over).await).map_err(erase)
            };
            self.hooks.finalize(PendingClose::new(close, home.take()));
        }
    }
}

/// The generator in the hands of one operation; it goes back when that ends or is dropped.
pub(super) struct Lent<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    shared: Arc<Shared<Y, S, T>>,
    /// There until it is dropped.
    generator: Option<BoxAsyncGenerator<'static, Y, S, T>>,
}

type Dyn<Y, S, T> = dyn GeneratorBody<Y, S, T> + Send;

impl<Y, S, T> Lent<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    pub(super) fn generator(&mut self) -> Pin<&mut AsyncGenerator<Dyn<Y, S, T>>> {
        self.generator.as_mut().expect("it goes back no sooner than at the end").as_mut()
    }

    /// Goes on to the next yield, unless it is `over` already.
    pub(super) async fn step(mut self, over: Option<Stepped<Y, S, T>>) -> Stepped<Y, S, T> {
        step(self.generator(), over).await
    }
}

impl<Y, S, T> Drop for Lent<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        self.shared.at_rest().generator = self.generator.take();
    }
}

async fn step<Y, S, T: Throw>(
    mut generator: Pin<&mut AsyncGenerator<Dyn<Y, S, T>>>,
    over: Option<Stepped<Y, S, T>>,
) -> Stepped<Y, S, T> {
    match over {
        Some(stepped) => stepped,
        None => poll_fn(|cx| generator.as_mut().poll_step(cx)).await,
    }
}

pub(super) type ErasedClose = Pin<Box<dyn Future<Output = Result<(), Box<dyn Any + Send>>> + Send>>;

/// A shared generator, whatever its types.
pub(super) trait Close: Send + Sync {
    fn erased_aclose(self: Arc<Self>) -> ErasedClose;

    /// Whether such a one is under way.
    fn is_being_closed(&self) -> bool;
}

impl<Y, S, T> Close for Shared<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn erased_aclose(self: Arc<Self>) -> ErasedClose {
        Box::pin(async move {
            self.is_being_closed.store(true, Ordering::Relaxed);
            let close = Arc::clone(&self).aclose();
            // Dropped after what is awaited and the handle in it, and so perhaps the last.
            let mut given_up = GivenUp(Some(self));
            let closed = close.await;
            if !matches!(closed, Err(Error::IgnoredExit)) {
                if let Some(shared) = given_up.0.take() {
                    shared.is_being_closed.store(false, Ordering::Relaxed);
                }
            }
            closed.map_err(erase)
        })
    }

    fn is_being_closed(&self) -> bool {
        self.is_being_closed.load(Ordering::Relaxed)
    }
}

/// A close that was dropped before it was done, for want of time, say, or that the body ignored: it is not to begin anew by
/// the finalizer hook.
struct GivenUp<Y, S, T>(Option<Arc<Shared<Y, S, T>>>)
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static;

impl<Y, S, T> Drop for GivenUp<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        shared.is_being_closed.store(false, Ordering::Relaxed);
        // Unless there are other handles: theirs is the generator then.
        if let Ok(mut shared) = Arc::try_unwrap(shared) {
            drop(shared.at_rest.get_mut().unwrap_or_else(PoisonError::into_inner).generator.take());
        }
    }
}

fn erase(error: impl Send + 'static) -> Box<dyn Any + Send> {
    Box::new(error)
}
