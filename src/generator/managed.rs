use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::shared::{Shared, Stepped};
use super::{AsyncGenerator, Error, Hooks};
use crate::coroutine::{GeneratorExit, RawCoroutine, State, Throw};

/// An async generator that may be shared, and that is closed when it is dropped unfinished: what `CPython`'s object is.
///
/// Made by [`AsyncGenerator::managed`]. Clones are handles on the same generator; the operations take `&self`, so that
/// two may come at once: the second is told [`Error::Running`]. Their futures own a handle, too.
///
/// When the last handle is dropped and the body has begun but not ended, its [`Hooks`] get it, as PEP 525 has it: by
/// default [`aclose`](Self::aclose) is detached onto the runtime, as a [cleanup](crate::cleanup) that
/// [`drain`](crate::cleanup::drain) waits for and whose failure [`observe`](crate::cleanup::observe) tells of.
///
/// Two tasks that both want items need something to wait for their turn with: a `tokio::sync::Mutex` around it, say. A body
/// that holds a handle on its own generator is never finalized, since its last handle never goes.
///
/// It is boxed, and every operation takes a lock twice; [`AsyncGenerator`] does neither. It is no
/// [`Stream`](futures_core::Stream): an item could not say that an operation was refused. Where only one asks:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::{StreamExt, stream};
/// use withal::generator::generator;
///
/// let managed = generator(async |mut y| y.yield_all(stream::iter([1, 2])).await).managed();
/// let items = stream::unfold(managed, async |managed| Some((managed.anext().await.ok()??, managed)));
/// assert_eq!(items.collect::<Vec<_>>().await, [1, 2]);
/// # }
/// ```
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), withal::cleanup::DrainTimeout> {
/// use std::time::Duration;
/// use withal::cleanup;
/// use withal::generator::generator;
///
/// let ticks = generator(async |mut y| {
///     let mut n = 0;
///     while y.yield_(n).await.is_ok() {
///         n += 1;
///     }
///     tokio::task::yield_now().await; // `finally`, which awaits
///     println!("told to exit");
///     Ok(())
/// })
/// .managed();
/// assert_eq!(ticks.anext().await, Ok(Some(0)));
/// drop(ticks);
/// cleanup::drain(Duration::from_secs(5)).await?; // told to exit
/// # Ok(())
/// # }
/// ```
#[must_use = "a generator does nothing unless it is polled"]
pub struct ManagedGenerator<Y, S = (), T = GeneratorExit>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    shared: Arc<Shared<Y, S, T>>,
}

impl<D> AsyncGenerator<D>
where
    D: RawCoroutine<Return = ()> + Send + 'static,
    D::Yield: Send + 'static,
    D::Sent: Send + 'static,
    D::Thrown: Throw<Error: Send + 'static> + Send + 'static,
{
    /// Shareable, and closed on the runtime when it is dropped unfinished.
    ///
    /// # Examples
    ///
    /// See [`ManagedGenerator`].
    pub fn managed(self) -> ManagedGenerator<D::Yield, D::Sent, D::Thrown> {
        self.managed_with(Hooks::default())
    }

    /// As [`managed`](Self::managed), with hooks of one's own: Python's `sys.set_asyncgen_hooks`, for this generator.
    ///
    /// # Examples
    ///
    /// See [`Hooks`].
    pub fn managed_with(self, hooks: Hooks) -> ManagedGenerator<D::Yield, D::Sent, D::Thrown> {
        ManagedGenerator { shared: Shared::new(self.boxed(), hooks) }
    }
}

impl<Y, S, T> ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    /// Where the body stands; `None` while an operation is under way.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.shared.state()
    }

    /// Begins the body, as [`AsyncGeneratorExt::start`](super::AsyncGeneratorExt::start) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is under way; otherwise as there.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the step goes on with the next `start`.
    pub fn start(&self) -> impl Future<Output = Stepped<Y, S, T>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut lent = shared.lend().ok_or(Error::Running(None))?;
            let over = lent.generator().start();
            lent.step(over).await
        }
    }

    /// Answers the yield that the body is at, as [`AsyncGeneratorExt::asend`](super::AsyncGeneratorExt::asend) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is under way, with the value; otherwise as there.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// As there: once it was polled, the value is delivered.
    pub fn asend(&self, value: S) -> impl Future<Output = Stepped<Y, S, T>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            let Some(mut lent) = shared.lend() else { return Err(Error::Running(Some(value))) };
            let over = lent.generator().send(value);
            lent.step(over).await
        }
    }

    /// Raises an error at the yield that the body is at, as
    /// [`AsyncGeneratorExt::athrow`](super::AsyncGeneratorExt::athrow) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is under way: then what was to be thrown is dropped. Otherwise as there.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// As there: once it was polled, the error is delivered.
    pub fn athrow<I: Into<T>>(
        &self,
        thrown: I,
    ) -> impl Future<Output = Stepped<Y, S, T>> + Send + use<Y, S, T, I> {
        let (shared, thrown) = (Arc::clone(&self.shared), thrown.into());
        async move {
            let mut lent = shared.lend().ok_or(Error::Running(None))?;
            let over = lent.generator().throw(thrown);
            lent.step(over).await
        }
    }

    /// Ends the body, as [`AsyncGeneratorExt::aclose`](super::AsyncGeneratorExt::aclose) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is under way; otherwise as there.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// As there: once it was polled, the exit is delivered.
    pub fn aclose(&self) -> impl Future<Output = Result<(), Error<S, T::Error>>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move { shared.aclose().await }
    }
}

impl<Y, T> ManagedGenerator<Y, (), T>
where
    Y: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    /// Goes on to the next yield, as [`AsyncGeneratorExt::anext`](super::AsyncGeneratorExt::anext) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is under way; otherwise as there.
    ///
    /// # Panics
    ///
    /// When the body does.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the step goes on with the next `anext`, and its value is not lost.
    pub fn anext(&self) -> impl Future<Output = Stepped<Y, (), T>> + Send + use<Y, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut lent = shared.lend().ok_or(Error::Running(None))?;
            let over = lent.generator().advance();
            lent.step(over).await
        }
    }
}

impl<Y, S, T> Clone for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<Y, S, T> fmt::Debug for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: Send + 'static> + Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedGenerator").field("state", &self.state()).finish_non_exhaustive()
    }
}
