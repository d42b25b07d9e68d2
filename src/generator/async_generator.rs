use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use pin_project::pin_project;

use super::Error;
use crate::coroutine::{
    GeneratorExit, RawCoroutine, State, Step, Throw, Thrown, Yielder, is_unit_like, machine,
};

/// An async generator: an async body that yields items, is sent answers, can be thrown into and closed (PEP 525).
///
/// Made by [`generator`] and [`try_generator`]. It is a [`Stream`] of what it yields, if its yields take no answers.
/// Pinned, it has the methods of Python's object: [`AsyncGeneratorExt`](super::AsyncGeneratorExt).
///
/// Nothing of the body runs before it is asked for its first item. Whatever future of its was dropped before it was
/// done, nothing is lost: the step that it began is under way, and whoever asks next goes on with it. A panic in the body
/// goes out to whoever polls, and the generator has ended.
///
/// Dropping it drops the body at once, without running it any further: what is to be awaited on the way out needs
/// [`aclose`](super::AsyncGeneratorExt::aclose), or a [`ManagedGenerator`](super::ManagedGenerator).
///
/// It holds its body in place, so it allocates nothing, and has to be pinned: by [`pin!`](std::pin::pin), or by
/// [`boxed`](Self::boxed), which gives it a name, too. It is `Send` when the body is.
#[must_use = "a generator does nothing unless it is polled"]
#[pin_project]
pub struct AsyncGenerator<D: ?Sized> {
    #[pin]
    machine: D,
}

/// The body of an [`AsyncGenerator`]: it yields `Y`, is sent `S`, and `T` can be raised at its yields.
///
/// A short name for bounds, in place of [`RawCoroutine`](RawCoroutine) with its four associated types. `S` is `()` and `T` is
/// [`GeneratorExit`] by default; for a generator made by [`try_generator`] `T` is [`Thrown<E>`]. Every body implements it, and no
/// other type can.
///
/// A function that returns a generator writes one of these, from the most general to the shortest:
///
/// ```
/// use futures_core::Stream;
/// use withal::coroutine::Thrown;
/// use withal::generator::{AsyncGenerator, GeneratorBody, generator, try_generator};
///
/// // All operations. `Send` if the body is.
/// fn numbers() -> AsyncGenerator<impl GeneratorBody<u32>> {
///     generator(async |mut y| y.yield_(1).await)
/// }
///
/// // Values can be sent in, and the caller may rely on `Send`.
/// fn totals() -> AsyncGenerator<impl GeneratorBody<u32, u32> + Send> {
///     generator(async |mut y| {
///         let mut total = 0;
///         loop {
///             total += y.yield_(total).await?;
///         }
///     })
/// }
///
/// // Errors can be thrown in.
/// fn lines() -> AsyncGenerator<impl GeneratorBody<String, (), Thrown<std::io::Error>>> {
///     try_generator(async |mut y| {
///         y.yield_(std::fs::read_to_string("notes.txt")?).await?;
///         Ok(())
///     })
/// }
///
/// // Only the items.
/// fn items() -> impl Stream<Item = u32> {
///     numbers()
/// }
/// # let _ = (totals(), lines(), items());
/// ```
///
/// A function that takes any generator bounds the [`Body`](super::AsyncGeneratorExt::Body):
///
/// ```
/// use withal::generator::{AsyncGeneratorExt, GeneratorBody};
///
/// async fn first<G>(generator: &mut G) -> Option<u32>
/// where
///     G: AsyncGeneratorExt<Body: GeneratorBody<u32>>,
/// {
///     generator.anext().await.ok().flatten()
/// }
/// # let _ = first::<withal::generator::BoxAsyncGenerator<'static, u32>>;
/// ```
pub trait GeneratorBody<Y, S = (), T = GeneratorExit>:
    RawCoroutine<Yield = Y, Sent = S, Return = (), Thrown = T>
{
}

impl<D, Y, S, T> GeneratorBody<Y, S, T> for D
where
    D: RawCoroutine<Yield = Y, Sent = S, Return = (), Thrown = T> + ?Sized,
    T: Throw,
{
}

/// An [`AsyncGenerator`] with a name of its own, whatever its body: for fields and arrays. `Send` and `Unpin`.
///
/// Made by [`AsyncGenerator::boxed`], by one allocation.
pub type BoxAsyncGenerator<'a, Y, S = (), T = GeneratorExit> =
    Pin<Box<AsyncGenerator<dyn GeneratorBody<Y, S, T> + Send + 'a>>>;

/// As [`BoxAsyncGenerator`], for bodies that are not `Send`.
///
/// Made by [`AsyncGenerator::boxed_local`], by one allocation.
pub type LocalBoxAsyncGenerator<'a, Y, S = (), T = GeneratorExit> =
    Pin<Box<AsyncGenerator<dyn GeneratorBody<Y, S, T> + 'a>>>;

/// A generator that can be closed, and into which no error can be thrown: its items are what it yields.
///
/// The body gets a [`Yielder`] and ends with `Ok(())`. What `?` carries out of it at a yield is [`GeneratorExit`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::StreamExt;
/// use withal::generator::generator;
///
/// let squares = generator(async |mut y| {
///     for n in 1..=3 {
///         tokio::task::yield_now().await;
///         y.yield_(n * n).await?;
///     }
///     Ok(())
/// });
/// assert_eq!(squares.collect::<Vec<u32>>().await, [1, 4, 9]);
/// # }
/// ```
pub fn generator<Y, S, F>(body: F) -> AsyncGenerator<impl GeneratorBody<Y, S, GeneratorExit>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, GeneratorExit>) -> Result<(), GeneratorExit>,
{
    AsyncGenerator { machine: machine(body) }
}

/// A generator that can fail, and into which errors can be thrown: its items are `Result<Y, E>`.
///
/// As [`generator`], but what `?` carries out of the body is [`Thrown<E>`], which any `E` turns into. An error ends it,
/// as its last item.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::pin::pin;
/// use futures::TryStreamExt;
/// use withal::generator::try_generator;
///
/// let mut numbers = pin!(try_generator(async |mut y| {
///     for word in ["1", "two"] {
///         y.yield_(word.parse::<u32>()?).await?;
///     }
///     Ok(())
/// }));
/// assert_eq!(numbers.try_next().await, Ok(Some(1)));
/// assert!(numbers.try_next().await.is_err());
/// assert_eq!(numbers.try_next().await, Ok(None));
/// # }
/// ```
pub fn try_generator<Y, S, E, F>(body: F) -> AsyncGenerator<impl GeneratorBody<Y, S, Thrown<E>>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, Thrown<E>>) -> Result<(), Thrown<E>>,
{
    AsyncGenerator { machine: machine(body) }
}

impl<D: RawCoroutine<Return = ()>> AsyncGenerator<D> {
    /// The same with a type that has a name, pinned, for a body that is `Send`.
    pub fn boxed<'a>(self) -> BoxAsyncGenerator<'a, D::Yield, D::Sent, D::Thrown>
    where
        D: Send + 'a,
    {
        Box::pin(self)
    }

    /// The same with a type that has a name, pinned.
    pub fn boxed_local<'a>(self) -> LocalBoxAsyncGenerator<'a, D::Yield, D::Sent, D::Thrown>
    where
        D: 'a,
    {
        Box::pin(self)
    }
}

/// What a step of a generator comes to: a value, or `None` at its end.
pub type Stepped<D> = Result<Option<<D as RawCoroutine>::Yield>, Failure<D>>;

/// How a body ends.
type Ended<D> = Result<(), <D as RawCoroutine>::Thrown>;

/// The [`Error`] of a generator: it has what is sent in, and what the body fails with.
pub type Failure<D> = Error<<D as RawCoroutine>::Sent, <<D as RawCoroutine>::Thrown as Throw>::Error>;

impl<D: RawCoroutine<Return = ()> + ?Sized> AsyncGenerator<D> {
    /// Where the body stands.
    #[must_use]
    #[inline]
    pub fn state(&self) -> State {
        self.machine.state()
    }

    // What each operation does first: it may be over with that.

    #[inline]
    pub(super) fn start(&self) -> Option<Stepped<D>> {
        match self.state() {
            State::Created | State::Running => None,
            State::Suspended => Some(Err(Error::ValueExpected)),
            State::Closed => Some(Ok(None)),
        }
    }

    #[inline]
    pub(super) fn send(self: Pin<&mut Self>, value: D::Sent) -> Option<Stepped<D>> {
        match self.state() {
            State::Suspended => self.project().machine.resume_with(value),
            State::Created if is_unit_like::<D::Sent>() => {}
            State::Created => return Some(Err(Error::NotStarted(value))),
            State::Running => return Some(Err(Error::Running(Some(value)))),
            State::Closed => return Some(Ok(None)),
        }
        None
    }

    pub(super) fn throw(self: Pin<&mut Self>, thrown: D::Thrown) -> Option<Stepped<D>> {
        match self.state() {
            State::Suspended | State::Running => self.project().machine.raise(thrown),
            State::Created => {
                self.project().machine.drop_body();
                return Some(settle(Step::Complete(Err(thrown))));
            }
            State::Closed => return Some(Ok(None)),
        }
        None
    }

    pub(super) fn close(self: Pin<&mut Self>) -> Option<Stepped<D>> {
        self.throw(D::Thrown::exit())
    }

    #[inline(always)]
    pub(super) fn poll_step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        self.poll_machine(cx).map(settle)
    }

    #[inline(always)]
    fn poll_machine(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<D::Yield, Ended<D>>> {
        let mut machine = self.project().machine;
        let polled = machine.as_mut().poll_step(cx);
        if polled.is_pending() {
            // Whoever is woken there wakes the waker of `cx`.
            machine.wake_external();
        }
        polled
    }
}

impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> AsyncGenerator<D> {
    #[inline]
    pub(super) fn advance(self: Pin<&mut Self>) -> Option<Stepped<D>> {
        match self.state() {
            State::Suspended => self.project().machine.resume_with(()),
            State::Created | State::Running => {}
            State::Closed => return Some(Ok(None)),
        }
        None
    }
}

#[inline]
fn settle<Y, S, T: Throw>(step: Step<Y, Result<(), T>>) -> Result<Option<Y>, Error<S, T::Error>> {
    match step {
        Step::Yielded(value) => Ok(Some(value)),
        Step::Complete(Ok(())) => Ok(None),
        Step::Complete(Err(thrown)) => Err(thrown.into_error().map_or(Error::GeneratorExit, Error::Raised)),
    }
}

/// What is yielded, until the body ends: a body that ends with [`GeneratorExit`] has ended, and one that fails has its error as
/// the last item.
impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Stream for AsyncGenerator<D> {
    type Item = <D::Thrown as Throw>::Item<D::Yield>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // It has ended, or else there is a step to poll.
        if self.as_mut().advance().is_some() {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.poll_machine(cx)) {
            Step::Yielded(value) => Some(D::Thrown::item(Ok(value))),
            Step::Complete(Ok(())) => None,
            Step::Complete(Err(thrown)) => thrown.into_error().map(|error| D::Thrown::item(Err(error))),
        })
    }
}

impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> FusedStream for AsyncGenerator<D> {
    fn is_terminated(&self) -> bool {
        self.state() == State::Closed
    }
}

impl<D: RawCoroutine<Return = ()> + ?Sized> fmt::Debug for AsyncGenerator<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGenerator").field("state", &self.state()).finish_non_exhaustive()
    }
}
