use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::async_generator::AsyncGenerator;
use super::error::Error;
use super::hooks::Hooks;
use super::managed_state::{ManagedState, StepResult};
use crate::coroutine::{GeneratorExit, RawCoroutine, State, Throw};

/// A generator that can be shared, and that is closed when it is dropped before its end.
///
/// It behaves as the async generator object of `CPython`. Created by [`AsyncGenerator::managed`].
///
/// Clones are handles to the same generator, and the operations take `&self`. If two operations overlap, the second one
/// fails with [`Error::Running`]. If several tasks request items, they have to take turns, for example by a
/// `tokio::sync::Mutex` around the generator. The future of each operation owns a handle, too.
///
/// When the last handle is dropped after the body has started and before it has ended, the finalizer of its [`Hooks`]
/// is called, as in PEP 525. By default, [`aclose`](Self::aclose) is then detached onto the runtime as a
/// [cleanup](crate::cleanup): [`drain`](crate::cleanup::drain) waits for the cleanup, and a failure is reported to the
/// [observers](crate::cleanup::observe). A body that holds a handle to its own generator is never finalized, because
/// the last handle is never dropped.
///
/// The generator is boxed, and every operation takes a lock twice; an [`AsyncGenerator`] has neither cost. A managed
/// generator is not a [`Stream`](futures_core::Stream), because an item cannot express that an operation was refused.
/// If only one task iterates, convert the generator into a stream:
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
///     tokio::task::yield_now().await; // cleanup that awaits: Python's `finally`
///     println!("closed");
///     Ok(())
/// })
/// .managed();
/// assert_eq!(ticks.anext().await, Ok(Some(0)));
/// drop(ticks);
/// cleanup::drain(Duration::from_secs(5)).await?; // prints "closed"
/// # Ok(())
/// # }
/// ```
#[must_use = "a generator does nothing unless it is polled"]
#[doc(alias = "agen")]
pub struct ManagedGenerator<Y, S = (), T = GeneratorExit>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    shared: Arc<ManagedState<Y, S, T>>,
}

impl<D> AsyncGenerator<D>
where
    D: RawCoroutine<Return = ()> + Send + 'static,
    D::Yield: Send + 'static,
    D::Sent: Send + 'static,
    D::Thrown: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    /// Converts the generator into one that can be shared, and that is closed when it is dropped before its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::generator::{Error, generator};
    ///
    /// let numbers = generator(async |mut y| {
    ///     tokio::task::yield_now().await;
    ///     y.yield_(1).await
    /// })
    /// .managed();
    /// let (first, second) = tokio::join!(numbers.anext(), numbers.anext());
    /// assert_eq!(first, Ok(Some(1)));
    /// assert_eq!(second, Err(Error::Running(None))); // the first operation is in progress
    /// # }
    /// ```
    pub fn managed(self) -> ManagedGenerator<D::Yield, D::Sent, D::Thrown> {
        ManagedGenerator { shared: ManagedState::new(Box::pin(self), Hooks::default()) }
    }

    /// Converts the generator as [`managed`](Self::managed) does, and sets its hooks: Python's
    /// `sys.set_asyncgen_hooks`, for one generator.
    ///
    /// See [`Hooks`] for an example.
    pub fn managed_with(self, hooks: Hooks) -> ManagedGenerator<D::Yield, D::Sent, D::Thrown> {
        ManagedGenerator { shared: ManagedState::new(Box::pin(self), hooks) }
    }
}

impl<Y, S, T> ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    /// Returns the state of the body, or `None` while an operation is in progress.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.shared.state()
    }

    /// Starts the body and runs it to its first yield, as
    /// [`AsyncGeneratorExt::start`](super::AsyncGeneratorExt::start) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is in progress. Otherwise the errors of that method.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the next `start` continues the step.
    pub fn start(&self) -> impl Future<Output = StepResult<Y, S, T>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            // Checked out by the first poll: an operation that was created but not polled does not block other ones.
            let mut checkout = shared.checkout().ok_or(Error::Running(None))?;
            let early = checkout.generator().start();
            checkout.step(early).await
        }
    }

    /// Sends a value to the yield that the body is suspended at, and runs the body to its next yield, as
    /// [`AsyncGeneratorExt::asend`](super::AsyncGeneratorExt::asend) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`], which contains the value, while another operation is in progress. Otherwise the errors of
    /// that method.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// As for that method: once the future has been polled, the value has been delivered.
    #[doc(alias = "send")]
    pub fn asend(&self, value: S) -> impl Future<Output = StepResult<Y, S, T>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            let Some(mut checkout) = shared.checkout() else { return Err(Error::Running(Some(value))) };
            let early = checkout.generator().send(value);
            checkout.step(early).await
        }
    }

    /// Raises an error at the yield that the body is suspended at, as
    /// [`AsyncGeneratorExt::athrow`](super::AsyncGeneratorExt::athrow) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is in progress; `thrown` is then dropped. Otherwise the errors of
    /// that method.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// As for that method: once the future has been polled, the error has been delivered.
    #[doc(alias = "throw")]
    pub fn athrow<I: Into<T>>(
        &self,
        thrown: I,
    ) -> impl Future<Output = StepResult<Y, S, T>> + Send + use<Y, S, T, I> {
        let (shared, thrown) = (Arc::clone(&self.shared), thrown.into());
        async move {
            let mut checkout = shared.checkout().ok_or(Error::Running(None))?;
            let early = checkout.generator().throw(thrown);
            checkout.step(early).await
        }
    }

    /// Closes the generator, as [`AsyncGeneratorExt::aclose`](super::AsyncGeneratorExt::aclose) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is in progress. Otherwise the errors of that method.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// As for that method: once the future has been polled, the exit has been delivered.
    #[doc(alias = "close")]
    pub fn aclose(&self) -> impl Future<Output = Result<(), Error<S, T::Error>>> + Send + use<Y, S, T> {
        let shared = Arc::clone(&self.shared);
        async move { shared.aclose().await }
    }
}

impl<Y, T> ManagedGenerator<Y, (), T>
where
    Y: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    /// Runs the body to its next yield, as [`AsyncGeneratorExt::anext`](super::AsyncGeneratorExt::anext) does.
    ///
    /// # Errors
    ///
    /// [`Error::Running`] while another operation is in progress. Otherwise the errors of that method.
    ///
    /// # Panics
    ///
    /// If the body panics.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the next `anext` continues the step, and its value is not lost.
    #[doc(alias = "next")]
    pub fn anext(&self) -> impl Future<Output = StepResult<Y, (), T>> + Send + use<Y, T> {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut checkout = shared.checkout().ok_or(Error::Running(None))?;
            let early = checkout.generator().advance();
            checkout.step(early).await
        }
    }
}

impl<Y, S, T> Clone for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<Y, S, T> fmt::Debug for ManagedGenerator<Y, S, T>
where
    Y: Send + 'static,
    S: Send + 'static,
    T: Throw<Error: fmt::Debug + Send + 'static> + Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedGenerator").field("state", &self.state()).finish_non_exhaustive()
    }
}
