use std::ops::DerefMut;
use std::pin::Pin;

use super::{Aclose, Anext, Asend, AsyncGenerator, Athrow, Start};
use crate::coroutine::RawCoroutine;

/// The methods of a pinned generator: `anext`, `asend`, `athrow`, `aclose`.
///
/// It is there for every pinned [`AsyncGenerator`]: one that [`pin!`](std::pin::pin) holds, one in a box. Each method
/// takes it exclusively, so that two operations at once are a borrow error; where many want to share one, there is
/// [`ManagedGenerator`](super::ManagedGenerator). Nothing happens before what they return is awaited.
///
/// An operation that was dropped before it was done has begun a step which is still under way (Python would throw
/// `GeneratorExit` into it): [`anext`](Self::anext) and [`start`](Self::start) go on with it, [`athrow`](Self::athrow)
/// and [`aclose`](Self::aclose) raise in it, [`asend`](Self::asend) says [`Error::Running`](super::Error::Running).
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
    /// The body, and what drives it.
    type Body: RawCoroutine<Return = ()> + ?Sized;

    /// Goes on to the next yield: Python's `anext`, for a generator whose yields take no answers.
    ///
    /// Resolves to `Ok(None)` at the end, and ever after.
    ///
    /// # Errors
    ///
    /// [`Raised`](super::Error::Raised) or [`GeneratorExit`](super::Error::GeneratorExit) when the body fails.
    ///
    /// # Panics
    ///
    /// When the body does; and when it is polled again after it was done.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the step goes on with the next `anext`, and its value is not lost.
    fn anext(&mut self) -> Anext<'_, Self::Body>
    where
        Self::Body: RawCoroutine<Sent = ()>;

    /// Begins the body and goes on to its first yield, whatever the type of the answers: Python's `asend(None)`.
    ///
    /// Resolves to `Ok(None)` at the end, and ever after.
    ///
    /// # Errors
    ///
    /// [`ValueExpected`](super::Error::ValueExpected) when the body is at a yield; otherwise as [`anext`](Self::anext).
    ///
    /// # Panics
    ///
    /// When the body does; and when it is polled again after it was done.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the step goes on with the next `start`.
    fn start(&mut self) -> Start<'_, Self::Body>;

    /// Answers the yield that the body is at, and goes on to the next.
    ///
    /// As in Python, the first step has no yield to answer: it is [`start`](Self::start), or `asend(())`, or `asend` of
    /// another value that carries nothing, having neither size nor destructor. Resolves to `Ok(None)` at the end, and ever
    /// after; a value sent then is dropped.
    ///
    /// # Errors
    ///
    /// [`NotStarted`](super::Error::NotStarted) for any other value sent to a body that has not begun, and
    /// [`Running`](super::Error::Running) in the middle of a step; both give the value back. Otherwise as
    /// [`anext`](Self::anext).
    ///
    /// # Panics
    ///
    /// When the body does; and when it is polled again after it was done.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the value is delivered, and the step goes on with the next [`start`](Self::start) or
    /// [`anext`](Self::anext). Before, the value is dropped with it.
    fn asend(&mut self, value: <Self::Body as RawCoroutine>::Sent) -> Asend<'_, Self::Body>;

    /// Raises an error at the yield that the body is at, and goes on to the next.
    ///
    /// A body that has not begun is over then, and never runs. In the middle of a step, it is raised at the
    /// [`interruptible`](crate::coroutine::Yielder::interruptible) that the body is in, or else at its next yield; if there is none, it
    /// comes out in the end. Resolves to `Ok(None)` if the body catches it and ends, and ever after the end: then what
    /// was thrown is dropped.
    ///
    /// # Errors
    ///
    /// The error itself, as [`Raised`](super::Error::Raised), unless the body catches it; of
    /// [`GeneratorExit`](crate::coroutine::GeneratorExit), as [`GeneratorExit`](super::Error::GeneratorExit).
    ///
    /// # Panics
    ///
    /// When the body does; and when it is polled again after it was done.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the error is delivered, and the step goes on with the next [`start`](Self::start) or
    /// [`anext`](Self::anext).
    fn athrow(&mut self, thrown: impl Into<<Self::Body as RawCoroutine>::Thrown>) -> Athrow<'_, Self::Body>;

    /// Ends the body: raises [`GeneratorExit`](crate::coroutine::GeneratorExit) at the yield that it is at, and awaits what it does on its
    /// way out.
    ///
    /// PendingClose what has not begun or has ended does nothing. In the middle of a step it raises as
    /// [`athrow`](Self::athrow) does, and so takes as long as the body awaits something else than a
    /// [`interruptible`](crate::coroutine::Yielder::interruptible) or a yield.
    ///
    /// # Errors
    ///
    /// [`IgnoredExit`](super::Error::IgnoredExit) when the body yields once more. [`Raised`](super::Error::Raised) when
    /// it fails otherwise.
    ///
    /// # Panics
    ///
    /// When the body does; and when it is polled again after it was done.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the exit is delivered; another `aclose` goes on with it, and interrupts nothing.
    fn aclose(&mut self) -> Aclose<'_, Self::Body>;
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
}

mod sealed {
    pub trait Sealed {}
    impl<P: std::ops::DerefMut<Target = super::AsyncGenerator<D>>, D: ?Sized> Sealed for std::pin::Pin<P> {}
}
