use std::error::Error as StdError;
use std::fmt;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use pin_project::pin_project;

use super::error::Error;
use super::generator_body::GeneratorBody;
use crate::coroutine::{
    BoxedErrorBody, GeneratorExit, Machine, PinnedBody, RawCoroutine, State, Step, Throw, Thrown, Yielder,
    body_cell, is_unit_like,
};

/// An async generator (PEP 525): an async body that yields items, receives values and errors, and can be closed.
///
/// Created by [`generator`] and [`try_generator`]. It is a [`Stream`] of the values that the body yields, provided that
/// no values are sent to the body (`Sent = ()`). Once pinned, it has the methods of Python's async generator object,
/// which are those of [`AsyncGeneratorExt`](super::AsyncGeneratorExt).
///
/// The body does not run before the first item is requested. If an operation is dropped before it completes, nothing is
/// lost: the step that it started stays in progress, and the next operation continues the step. A panic in the body
/// propagates to the caller that polls, and closes the generator.
///
/// The generator stores its body inline. It therefore allocates nothing, and has to be pinned: by
/// [`pin!`](std::pin::pin), or by [`boxed`](Self::boxed), which also gives it a type that can be named. The generator
/// is `Send` if its body is.
///
/// Dropping a generator drops the body immediately and runs only destructors. Cleanup that awaits needs
/// [`aclose`](super::AsyncGeneratorExt::aclose), or a [`ManagedGenerator`](super::ManagedGenerator).
#[must_use = "a generator does nothing unless it is polled"]
#[doc(alias = "agen")]
#[pin_project]
pub struct AsyncGenerator<D: ?Sized> {
    #[pin]
    machine: D,
}

/// A boxed [`AsyncGenerator`], whose type does not depend on its body: for fields, arrays and recursion.
///
/// It is `Send` and `Unpin`. Created by [`AsyncGenerator::boxed`], with one allocation.
pub type BoxAsyncGenerator<'a, Y, S = (), T = GeneratorExit> =
    Pin<Box<AsyncGenerator<dyn GeneratorBody<Y, S, T> + Send + 'a>>>;

/// A [`BoxAsyncGenerator`] for a body that is not `Send`.
///
/// Created by [`AsyncGenerator::boxed_local`], with one allocation.
pub type LocalBoxAsyncGenerator<'a, Y, S = (), T = GeneratorExit> =
    Pin<Box<AsyncGenerator<dyn GeneratorBody<Y, S, T> + 'a>>>;

/// Creates a generator whose body cannot fail: its items are the values that the body yields.
///
/// The body receives a [`Yielder`] and returns `Ok(())`. When the generator is closed, the current yield returns
/// [`GeneratorExit`], which `?` propagates out of the body.
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
///
/// In a future that is spawned, an inline generator that yields a type with a lifetime, even a `&'static str`, does not
/// compile: "implementation of `AsyncFnOnce` is not general enough". [`boxed`](AsyncGenerator::boxed) hides the type, as
/// does a function that returns `impl Stream`:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::StreamExt;
/// use withal::generator::generator;
///
/// let task = tokio::spawn(async {
///     let mut names = generator(async |mut y| y.yield_("Ada").await).boxed();
///     names.next().await
/// });
/// assert_eq!(task.await.unwrap(), Some("Ada"));
/// # }
/// ```
#[doc(alias = "yield")]
#[doc(alias = "stream")]
#[inline]
pub fn generator<Y, S, F>(body: F) -> AsyncGenerator<impl GeneratorBody<Y, S>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, GeneratorExit>) -> Result<(), GeneratorExit>,
{
    from_cell(body_cell(body))
}

/// Creates a generator whose body can fail, and can receive errors: its items are `Result<Y, E>`.
///
/// The yields of the body fail with a [`Thrown<E>`], into which `?` converts an `E`. An error that the body returns
/// ends the generator, and is its last item. In all other respects, the generator is that of [`generator`].
///
/// The first `?` on an `E` determines the type, which can also be named: `Ok::<_, Thrown<io::Error>>(())`. `?` converts
/// no other errors into `E`. In a body with errors of several types, convert them by `map_err`, or use
/// [`try_generator_any`], where `?` converts all of them into a `BoxError` or an `anyhow::Error`. One function cannot do
/// both: the type can be inferred from a `?` only because a single conversion into a [`Thrown<E>`] exists. With a second
/// one, each body would have to name its type.
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
///
/// Two types of errors in an enum:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::io;
/// use std::num::ParseIntError;
/// use futures::TryStreamExt;
/// use withal::generator::try_generator;
///
/// #[derive(Debug, thiserror::Error)]
/// enum Failed {
///     #[error("cannot read the file")]
///     Read(#[source] io::Error),
///     #[error("no number")]
///     Parse(#[source] ParseIntError),
/// }
///
/// let sizes = try_generator(async |mut y| {
///     let text = std::fs::read_to_string("sizes.txt").map_err(Failed::Read)?;
///     for line in text.lines() {
///         y.yield_(line.parse::<u64>().map_err(Failed::Parse)?).await?;
///     }
///     Ok(())
/// });
/// assert!(matches!(sizes.try_collect::<Vec<_>>().await, Err(Failed::Read(_))));
/// # }
/// ```
#[doc(alias = "try_stream")]
#[inline]
pub fn try_generator<Y, S, E, F>(body: F) -> AsyncGenerator<impl GeneratorBody<Y, S, Thrown<E>>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, Thrown<E>>) -> Result<(), Thrown<E>>,
{
    from_cell(body_cell(body))
}

/// Creates a generator whose body can fail with errors of any type: its items are `Result<Y, E>`, where `E` is a box of
/// an error.
///
/// `E` is a [`BoxError`](crate::tasks::BoxError), a `Box<dyn Error + Send + Sync>`, an `anyhow::Error`, or another type
/// that dereferences to `dyn Error + Send + Sync`. The body returns a `Result<(), E>`, into which `?` converts all
/// errors, also those of the yields. Name the type at the end of the body, or as its return type:
/// `Ok::<_, anyhow::Error>(())`, or `async |mut y| -> anyhow::Result<()> { .. }`.
///
/// In all other respects, the generator is that of [`try_generator`]. Its yields fail with a [`Thrown<E>`]. If the body
/// returns one as an `E`, it is recognized: an exit closes the generator, also below contexts, and an error that was
/// thrown in is raised again as it was.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures::TryStreamExt;
/// use withal::generator::try_generator_any;
///
/// let sizes = try_generator_any(async |mut y| {
///     let text = std::fs::read_to_string("sizes.txt")?; // an `io::Error`
///     for line in text.lines() {
///         y.yield_(line.parse::<u64>()?).await?; // a `ParseIntError`
///     }
///     Ok::<_, anyhow::Error>(())
/// });
/// let error = sizes.try_collect::<Vec<_>>().await.unwrap_err();
/// assert!(error.is::<std::io::Error>());
/// # }
/// ```
#[doc(alias = "anyhow")]
#[doc(alias = "try_stream")]
pub fn try_generator_any<Y, S, E, F>(body: F) -> AsyncGenerator<impl GeneratorBody<Y, S, Thrown<E>>>
where
    E: DerefMut<Target = dyn StdError + Send + Sync> + fmt::Debug + fmt::Display + 'static,
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, Thrown<E>>) -> Result<(), E>,
{
    from_cell(BoxedErrorBody(body_cell(body)))
}

/// Creates a generator whose body has not started.
///
/// A separate function with a struct literal: in a debug build, each function copies the values that it moves, and these
/// copies are not on the stack at the same time as those of [`body_cell`].
#[cfg_attr(not(debug_assertions), inline(always))]
fn from_cell<B: PinnedBody>(body: B) -> AsyncGenerator<Machine<B>> {
    AsyncGenerator { machine: Machine { body, remaining: None } }
}

impl<D: RawCoroutine<Return = ()>> AsyncGenerator<D> {
    /// Boxes and pins the generator, and erases the type of its body, which has to be `Send`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use withal::generator::{AsyncGeneratorExt, BoxAsyncGenerator, generator};
    ///
    /// struct Numbers {
    ///     generator: BoxAsyncGenerator<'static, u32>,
    /// }
    ///
    /// let mut numbers = Numbers { generator: generator(async |mut y| y.yield_(1).await).boxed() };
    /// assert_eq!(numbers.generator.anext().await, Ok(Some(1)));
    /// # }
    /// ```
    pub fn boxed<'a>(self) -> BoxAsyncGenerator<'a, D::Yield, D::Sent, D::Thrown>
    where
        D: Send + 'a,
    {
        Box::pin(self)
    }

    /// Boxes and pins the generator, and erases the type of its body, which need not be `Send`.
    pub fn boxed_local<'a>(self) -> LocalBoxAsyncGenerator<'a, D::Yield, D::Sent, D::Thrown>
    where
        D: 'a,
    {
        Box::pin(self)
    }
}

/// The result of a step: a value, or `None` at the end.
pub(super) type StepResult<D> = Result<Option<<D as RawCoroutine>::Yield>, ErrorOf<D>>;

/// The result of a body.
type BodyResult<D> = Result<(), <D as RawCoroutine>::Thrown>;

/// The [`Error`] of a generator with the body `D`.
pub(super) type ErrorOf<D> = Error<<D as RawCoroutine>::Sent, <<D as RawCoroutine>::Thrown as Throw>::Error>;

impl<D: RawCoroutine<Return = ()> + ?Sized> AsyncGenerator<D> {
    /// Returns the state of the body.
    #[must_use]
    #[inline]
    pub fn state(&self) -> State {
        self.machine.state()
    }

    // Each of the following methods begins an operation. It returns `Some` if that completes the operation, and `None`
    // if the step is to be polled.

    #[inline]
    pub(super) fn start(&self) -> Option<StepResult<D>> {
        match self.state() {
            State::Created | State::Running => None,
            State::Suspended => Some(Err(Error::ValueExpected)),
            State::Closed => Some(Ok(None)),
        }
    }

    pub(super) fn send(self: Pin<&mut Self>, value: D::Sent) -> Option<StepResult<D>> {
        match self.reply(value) {
            Ok(None) => None,
            Ok(Some(value)) => {
                self.project().machine.resume_with(value);
                None
            }
            Err(result) => Some(result),
        }
    }

    /// Begins a send, and returns the value that the step is to be polled with, or otherwise the result.
    #[inline]
    pub(super) fn reply(&self, value: D::Sent) -> Result<Option<D::Sent>, StepResult<D>> {
        if self.machine.is_suspended() { Ok(Some(value)) } else { self.reply_slow(value) }
    }

    /// Out of line, to keep the path of a suspended body short.
    #[inline(never)]
    fn reply_slow(&self, value: D::Sent) -> Result<Option<D::Sent>, StepResult<D>> {
        match self.state() {
            State::Suspended => Ok(Some(value)),
            State::Created if is_unit_like::<D::Sent>() => Ok(None),
            State::Created => Err(Err(Error::NotStarted(value))),
            State::Running => Err(Err(Error::Running(Some(value)))),
            State::Closed => Err(Ok(None)),
        }
    }

    pub(super) fn throw(self: Pin<&mut Self>, thrown: D::Thrown) -> Option<StepResult<D>> {
        match self.state() {
            State::Suspended | State::Running => self.project().machine.raise(thrown),
            State::Created => {
                // A body that has not started has no yield at which the error could be raised: it never runs.
                self.project().machine.drop_body();
                return Some(into_step_result(Step::Complete(Err(thrown))));
            }
            State::Closed => return Some(Ok(None)),
        }
        None
    }

    pub(super) fn close(self: Pin<&mut Self>) -> Option<StepResult<D>> {
        self.throw(D::Thrown::exit())
    }

    #[inline(always)]
    pub(super) fn poll_step(
        self: Pin<&mut Self>,
        reply: Option<D::Sent>,
        cx: &mut Context<'_>,
    ) -> Poll<StepResult<D>> {
        Poll::Ready(ready!(self.poll_machine(reply, cx)).map_or(Ok(None), into_step_result))
    }

    #[inline(always)]
    fn poll_machine(
        self: Pin<&mut Self>,
        reply: Option<D::Sent>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Step<D::Yield, BodyResult<D>>>> {
        let mut machine = self.project().machine;
        let polled = machine.as_mut().poll_step(reply, cx);
        if polled.is_pending() {
            // Wake a yield inside the body that has something to return but was not polled. Its waker wakes `cx`, so
            // the step is polled again.
            machine.wake_external();
        }
        polled
    }
}

impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> AsyncGenerator<D> {
    /// Begins an `anext`, as the methods above do.
    pub(super) fn advance(self: Pin<&mut Self>) -> Option<StepResult<D>> {
        match self.state() {
            State::Suspended => self.project().machine.resume_with(()),
            State::Created | State::Running => {}
            State::Closed => return Some(Ok(None)),
        }
        None
    }
}

#[inline]
fn into_step_result<Y, S, T: Throw>(step: Step<Y, Result<(), T>>) -> Result<Option<Y>, Error<S, T::Error>> {
    match step {
        Step::Yielded(value) => Ok(Some(value)),
        Step::Complete(Ok(())) => Ok(None),
        Step::Complete(Err(thrown)) => Err(thrown.into_error().map_or(Error::GeneratorExit, Error::Raised)),
    }
}

/// Yields the body's values until the body ends.
///
/// A body that ends with [`GeneratorExit`] ends the stream. A body that fails yields its error as the last item.
impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Stream for AsyncGenerator<D> {
    type Item = <D::Thrown as Throw>::Item<D::Yield>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.poll_machine(Some(()), cx)) {
            Some(Step::Yielded(value)) => Some(D::Thrown::result_to_item(Ok(value))),
            None | Some(Step::Complete(Ok(()))) => None,
            Some(Step::Complete(Err(thrown))) => {
                thrown.into_error().map(|error| D::Thrown::result_to_item(Err(error)))
            }
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
