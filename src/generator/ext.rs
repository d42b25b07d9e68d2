use std::ops::DerefMut;
use std::pin::Pin;

use super::async_generator::AsyncGenerator;
use super::operation::{Aclose, Anext, Asend, Athrow, Start};
use crate::coroutine::RawCoroutine;

/// The operations of a pinned generator: `anext`, `start`, `asend`, `athrow`, `aclose`.
///
/// Implemented for every pinned [`AsyncGenerator`], pinned by [`pin!`](std::pin::pin) or in a box. Each method borrows
/// the generator exclusively, so two operations at the same time are a borrow error. To share a generator, use a
/// [`ManagedGenerator`](super::ManagedGenerator). The methods return futures, which do nothing until they are awaited.
///
/// An operation completes when the body yields or ends. If its future is dropped before that, the step stays in
/// progress: the generator is [`Running`](crate::coroutine::State::Running), and the next operation determines how the
/// step continues. (Python throws `GeneratorExit` into the body instead.)
///
/// | operation | not started | running, because the last operation was dropped | suspended at a yield | closed |
/// |---|---|---|---|---|
/// | [`anext`](Self::anext) | starts the body | continues the step | resumes with `()` | `None` |
/// | [`start`](Self::start) | starts the body | continues the step | [`ValueExpected`](super::Error::ValueExpected) | `None` |
/// | [`asend`](Self::asend) | [`NotStarted`](super::Error::NotStarted); starts the body if the value is `()` | [`Running`](super::Error::Running) | resumes with the value | `None` |
/// | [`athrow`](Self::athrow) | drops the body, returns the error | raises in the step | raises at the yield | `None` |
/// | [`aclose`](Self::aclose) | drops the body | raises in the step | raises at the yield | `Ok` |
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::pin::pin;
/// use withal::generator::{AsyncGeneratorExt, generator};
///
/// let mut average = pin!(generator(async |mut y| {
///     let (mut sum, mut count) = (0.0, 0.0);
///     loop {
///         sum += y.yield_(sum / f64::max(count, 1.0)).await?;
///         count += 1.0;
///     }
/// }));
/// assert_eq!(average.start().await, Ok(Some(0.0)));
/// assert_eq!(average.asend(10.0).await, Ok(Some(10.0)));
/// assert_eq!(average.asend(20.0).await, Ok(Some(15.0)));
/// assert_eq!(average.aclose().await, Ok(()));
/// # }
/// ```
pub trait AsyncGeneratorExt: sealed::Sealed {
    /// The type of the body. Generic functions bound it by [`GeneratorBody`](super::GeneratorBody).
    type Body: RawCoroutine<Return = ()> + ?Sized;

    /// Runs the body to its next yield: Python's `anext`, for a generator to which no values are sent.
    ///
    /// Resolves to `Ok(None)` once the body has ended.
    ///
    /// # Errors
    ///
    /// [`Raised`](super::Error::Raised) or [`GeneratorExit`](super::Error::GeneratorExit) if the body fails.
    ///
    /// # Panics
    ///
    /// If the body panics, or if the future is polled after it has completed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the next `anext` continues the step, and its value is not lost.
    #[doc(alias = "next")]
    fn anext(&mut self) -> Anext<'_, Self::Body>
    where
        Self::Body: RawCoroutine<Sent = ()>;

    /// Starts the body and runs it to its first yield, for any type of sent values: Python's `asend(None)`.
    ///
    /// If the step of a dropped operation is in progress, `start` continues it. Resolves to `Ok(None)` once the body
    /// has ended.
    ///
    /// # Errors
    ///
    /// [`ValueExpected`](super::Error::ValueExpected) if the body is suspended at a yield. Otherwise the errors of
    /// [`anext`](Self::anext).
    ///
    /// # Panics
    ///
    /// If the body panics, or if the future is polled after it has completed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the next `start` continues the step.
    fn start(&mut self) -> Start<'_, Self::Body>;

    /// Sends a value to the yield that the body is suspended at, and runs the body to its next yield.
    ///
    /// As in Python, the first step has no yield that could receive a value: begin with [`start`](Self::start). If the
    /// type of the sent values has neither a size nor a destructor, as `()`, `asend` can also start the body. Resolves
    /// to `Ok(None)` once the body has ended; a value that is sent to a closed generator is dropped.
    ///
    /// # Errors
    ///
    /// - [`NotStarted`](super::Error::NotStarted) if the body has not started. The error contains the value.
    /// - [`Running`](super::Error::Running) if the step of a dropped operation is in progress. The error contains the
    ///   value.
    /// - Otherwise the errors of [`anext`](Self::anext).
    ///
    /// # Panics
    ///
    /// If the body panics, or if the future is polled after it has completed.
    ///
    /// # Cancel safety
    ///
    /// Once the future has been polled, the value has been delivered, and the next [`start`](Self::start) or
    /// [`anext`](Self::anext) continues the step. If the future is dropped before it is polled, the value is dropped
    /// with it.
    #[doc(alias = "send")]
    fn asend(&mut self, value: <Self::Body as RawCoroutine>::Sent) -> Asend<'_, Self::Body>;

    /// Raises an error at the yield that the body is suspended at, and runs the body to its next yield.
    ///
    /// A body that has not started is dropped and never runs. In the middle of a step, the error is raised at the
    /// [`interruptible`](crate::coroutine::Yielder::interruptible) future that the body awaits, or else at its next
    /// yield. If the body does not reach another yield, the error is returned when the body ends.
    ///
    /// Resolves to `Ok(None)` if the body catches the error and ends. If the body has ended before, `athrow` also
    /// resolves to `Ok(None)`, and `thrown` is dropped.
    ///
    /// # Errors
    ///
    /// Returns `thrown`, as [`Raised`](super::Error::Raised), unless the body catches it. An
    /// [exit](crate::coroutine::GeneratorExit) that the body does not catch is returned as
    /// [`GeneratorExit`](super::Error::GeneratorExit).
    ///
    /// # Panics
    ///
    /// If the body panics, or if the future is polled after it has completed.
    ///
    /// # Cancel safety
    ///
    /// Once the future has been polled, the error has been delivered, and the next [`start`](Self::start) or
    /// [`anext`](Self::anext) continues the step.
    #[doc(alias = "throw")]
    fn athrow(&mut self, thrown: impl Into<<Self::Body as RawCoroutine>::Thrown>) -> Athrow<'_, Self::Body>;

    /// Closes the generator: raises [`GeneratorExit`](crate::coroutine::GeneratorExit) at the yield that the body is
    /// suspended at, and awaits the body's cleanup.
    ///
    /// A body that has not started is dropped and never runs. Closing a generator that has ended does nothing. In the
    /// middle of a step, the exit is raised where [`athrow`](Self::athrow) raises errors. It does not interrupt other
    /// awaits: the close waits for them.
    ///
    /// # Errors
    ///
    /// [`IgnoredExit`](super::Error::IgnoredExit) if the body yields again. [`Raised`](super::Error::Raised) if the
    /// body fails with an error.
    ///
    /// # Panics
    ///
    /// If the body panics, or if the future is polled after it has completed.
    ///
    /// # Cancel safety
    ///
    /// Once the future has been polled, the exit has been delivered. Another `aclose` continues the close without
    /// raising the exit again.
    #[doc(alias = "close")]
    fn aclose(&mut self) -> Aclose<'_, Self::Body>;

    /// Returns the generator itself.
    #[doc(hidden)]
    fn pinned(&mut self) -> Pin<&mut AsyncGenerator<Self::Body>>;
}

impl<P, D> AsyncGeneratorExt for Pin<P>
where
    P: DerefMut<Target = AsyncGenerator<D>>,
    D: RawCoroutine<Return = ()> + ?Sized,
{
    type Body = D;

    #[inline]
    fn anext(&mut self) -> Anext<'_, D>
    where
        D: RawCoroutine<Sent = ()>,
    {
        Anext::new(self.as_mut())
    }

    #[inline]
    fn start(&mut self) -> Start<'_, D> {
        Start::new(self.as_mut())
    }

    #[inline]
    fn asend(&mut self, value: D::Sent) -> Asend<'_, D> {
        Asend::new(self.as_mut(), value)
    }

    #[inline]
    fn athrow(&mut self, thrown: impl Into<D::Thrown>) -> Athrow<'_, D> {
        Athrow::new(self.as_mut(), thrown.into())
    }

    #[inline]
    fn aclose(&mut self) -> Aclose<'_, D> {
        Aclose::new(self.as_mut())
    }

    #[inline]
    fn pinned(&mut self) -> Pin<&mut AsyncGenerator<D>> {
        self.as_mut()
    }
}

mod sealed {
    pub trait Sealed {}
    impl<P: std::ops::DerefMut<Target = super::AsyncGenerator<D>>, D: ?Sized> Sealed for std::pin::Pin<P> {}
}
