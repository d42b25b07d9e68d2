use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::body_cell::{PinnedBody, Yielder, body_cell};
use super::error::Error;
use super::machine::Machine;
use super::raw_coroutine::RawCoroutine;
use super::step::{State, Step};
use super::throw::{GeneratorExit, Throw, Thrown};

/// An async body that is driven step by step: Python's coroutine object, with `send`, `throw` and `close`.
///
/// Created by [`coroutine`] and [`try_coroutine`]. The body does not run before the first step. A step runs the body to
/// its next yield or to its end. Steps need no executor, because they poll the body themselves. If the body awaits
/// something that is not ready, the step fails with [`Error::Pending`], and a later step continues it.
///
/// Dropping a coroutine drops its body at once. Async cleanup in the body runs only if the coroutine is
/// [closed](Coroutine::close). A panic in the body unwinds out of the step, and closes the coroutine.
///
/// A coroutine is `Send` if its body is. Coroutines with different bodies have different types; [`BoxCoroutine`] is one
/// type for many bodies.
///
/// # Examples
///
/// ```
/// use withal::coroutine::{Step, coroutine};
///
/// let mut average = coroutine(async |mut y| {
///     let (mut sum, mut count) = (0.0, 0.0);
///     while let Some(next) = y.yield_(sum / f64::max(count, 1.0)).await? {
///         (sum, count) = (sum + next, count + 1.0);
///     }
///     Ok(count)
/// });
/// assert_eq!(average.resume().unwrap(), Step::Yielded(0.0));
/// assert_eq!(average.send(Some(10.0)).unwrap(), Step::Yielded(10.0));
/// assert_eq!(average.send(Some(20.0)).unwrap(), Step::Yielded(15.0));
/// assert_eq!(average.send(None).unwrap(), Step::Complete(2.0));
/// ```
#[must_use = "a coroutine does nothing unless it is driven"]
#[doc(alias = "fiber", alias = "generator")]
pub struct Coroutine<D: ?Sized>(Pin<Box<D>>);

/// A [`Coroutine`] whose type does not depend on its body: for struct fields, collections and
/// [`run_all`](super::run_all()). It is `Send`.
///
/// Created by [`Coroutine::boxed`], which does not allocate.
pub type BoxCoroutine<'a, Y = (), S = (), R = (), T = GeneratorExit> =
    Coroutine<dyn RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = T> + Send + 'a>;

/// A [`BoxCoroutine`] that is not `Send`.
///
/// Created by [`Coroutine::boxed_local`], which does not allocate.
pub type LocalBoxCoroutine<'a, Y = (), S = (), R = (), T = GeneratorExit> =
    Coroutine<dyn RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = T> + 'a>;

/// The result of a step.
type StepResult<D> = Result<Step<<D as RawCoroutine>::Yield, <D as RawCoroutine>::Return>, ErrorOf<D>>;

/// The error of a step. This alias and the one above are private, so that the documentation shows the types themselves.
pub(super) type ErrorOf<D> = Error<<D as RawCoroutine>::Sent, <<D as RawCoroutine>::Thrown as Throw>::Error>;

/// Creates a coroutine that can be closed, but into which no errors can be thrown.
///
/// The body receives a [`Yielder`] and returns `Ok(value)`. While the coroutine is being closed, its yields return
/// [`GeneratorExit`], which `?` propagates. The only error of such a body is the exit. A body that can fail yields or
/// returns its errors as values, or is passed to [`try_coroutine`].
///
/// # Examples
///
/// ```
/// use withal::coroutine::{Step, coroutine};
///
/// let mut body = coroutine(async |mut y| {
///     let name: &str = y.yield_("name?").await?;
///     Ok(format!("hello {name}"))
/// });
/// assert_eq!(body.resume().unwrap(), Step::Yielded("name?"));
/// assert_eq!(body.send("Ada").unwrap(), Step::Complete("hello Ada".to_owned()));
/// ```
pub fn coroutine<Y, S, R, F>(
    body: F,
) -> Coroutine<impl RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = GeneratorExit>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, GeneratorExit>) -> Result<R, GeneratorExit>,
{
    from_cell(body_cell(body))
}

/// Creates a coroutine that can fail, and into which errors can be thrown.
///
/// As [`coroutine`], but the yields of the body fail with a [`Thrown<E>`], into which `?` converts an `E`.
///
/// # Examples
///
/// ```
/// use withal::coroutine::{Error, Step, Thrown, try_coroutine};
///
/// let mut body = try_coroutine(async |mut y| {
///     if let Err(Thrown::Error("again")) = y.yield_(1).await {
///         y.yield_(2).await?;
///     }
///     Ok(())
/// });
/// assert_eq!(body.resume().unwrap(), Step::Yielded(1));
/// assert_eq!(body.throw("again").unwrap(), Step::Yielded(2));
/// assert_eq!(body.throw("enough"), Err(Error::Raised("enough")));
/// # let _: Result<_, _> = body.send(());
/// ```
pub fn try_coroutine<Y, S, R, E, F>(
    body: F,
) -> Coroutine<impl RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = Thrown<E>>>
where
    F: for<'g> AsyncFnOnce(Yielder<'g, Y, S, Thrown<E>>) -> Result<R, Thrown<E>>,
{
    from_cell(body_cell(body))
}

/// Creates a coroutine whose body has not started.
///
/// A separate function with a struct literal: in a debug build, each function copies the values that it moves, and these
/// copies are not on the stack at the same time as those of [`body_cell`].
#[cfg_attr(not(debug_assertions), inline(always))]
fn from_cell<B: PinnedBody>(body: B) -> Coroutine<Machine<B>> {
    Coroutine(Box::pin(Machine { body, remaining: None }))
}

impl<D: RawCoroutine> Coroutine<D> {
    /// Erases the type of the body, which must be `Send`.
    pub fn boxed<'a>(self) -> BoxCoroutine<'a, D::Yield, D::Sent, D::Return, D::Thrown>
    where
        D: Send + 'a,
    {
        Coroutine(self.0)
    }

    /// Erases the type of the body, which need not be `Send`.
    pub fn boxed_local<'a>(self) -> LocalBoxCoroutine<'a, D::Yield, D::Sent, D::Return, D::Thrown>
    where
        D: 'a,
    {
        Coroutine(self.0)
    }
}

impl<D: RawCoroutine + ?Sized> Coroutine<D> {
    /// Returns the state of the coroutine.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Starts the body, or continues a step in progress.
    ///
    /// Use it instead of [`resume`](Self::resume) if the type of the sent values has no default value.
    ///
    /// # Errors
    ///
    /// [`Error::ValueExpected`] if the body is suspended at a yield. Otherwise as [`resume`](Self::resume).
    ///
    /// # Panics
    ///
    /// When the body panics.
    pub fn start(&mut self) -> StepResult<D> {
        match self.state() {
            State::Created | State::Running => self.step(),
            State::Suspended => Err(Error::ValueExpected),
            State::Closed => Err(Error::AlreadyAwaited),
        }
    }

    /// Runs the body to its next yield or to its end: Python's `send(None)`.
    ///
    /// This starts the body, sends the default value to the yield that the body is suspended at, or continues a step in
    /// progress. A call of `resume` does not help the compiler infer the type of the sent values: if nothing else
    /// determines the type, call `send(())` instead.
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyAwaited`] if the coroutine is closed.
    /// - [`Error::Pending`] if the body awaits something that is not ready.
    /// - [`Error::Raised`] or [`Error::GeneratorExit`] if the body fails.
    ///
    /// # Panics
    ///
    /// When the body panics.
    #[inline]
    #[doc(alias = "next")]
    pub fn resume(&mut self) -> StepResult<D>
    where
        D::Sent: Default,
    {
        match self.state() {
            State::Created | State::Running => {}
            State::Suspended => self.0.as_mut().resume_with(D::Sent::default()),
            State::Closed => return Err(Error::AlreadyAwaited),
        }
        self.step()
    }

    /// Polls the body as [`resume`](Self::resume) does, with a waker.
    ///
    /// While the body awaits something that is not ready, the step is pending, and the waker is woken once the step can
    /// continue.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume), without [`Error::Pending`].
    ///
    /// # Panics
    ///
    /// When the body panics.
    #[inline]
    pub fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<StepResult<D>>
    where
        D::Sent: Default,
    {
        match self.state() {
            State::Created | State::Running => {}
            State::Suspended => self.0.as_mut().resume_with(D::Sent::default()),
            State::Closed => return Poll::Ready(Err(Error::AlreadyAwaited)),
        }
        let polled = self.poll_step(cx);
        if polled.is_pending() {
            // This wakes the waker of a future in the body, which in turn wakes `cx`.
            self.0.wake_external();
        }
        polled
    }

    /// Sends a value to the yield that the body is suspended at, and runs the body to its next yield or to its end.
    ///
    /// As in Python, the first step cannot send a value, because no yield would receive it: call
    /// [`resume`](Self::resume) or [`start`](Self::start) first. The exceptions are types that have neither a size nor
    /// a destructor, such as `()`, which corresponds to Python's `None`.
    ///
    /// # Errors
    ///
    /// - [`Error::NotStarted`] if the body has not started. The error contains the value.
    /// - [`Error::Running`] if a step is in progress. The error contains the value.
    /// - [`Error::AlreadyAwaited`] if the coroutine is closed.
    /// - [`Error::Pending`] if the body awaits something that is not ready.
    /// - [`Error::Raised`] or [`Error::GeneratorExit`] if the body fails.
    ///
    /// # Panics
    ///
    /// When the body panics.
    #[inline]
    pub fn send(&mut self, value: D::Sent) -> StepResult<D> {
        match self.state() {
            State::Suspended => self.0.as_mut().resume_with(value),
            State::Created if is_unit_like::<D::Sent>() => {}
            State::Created => return Err(Error::NotStarted(value)),
            State::Running => return Err(Error::Running(value)),
            State::Closed => return Err(Error::AlreadyAwaited),
        }
        self.step()
    }

    /// Raises an error at the yield that the body is suspended at, and runs the body to its next yield or to its end.
    ///
    /// - If the body has not started, the coroutine is closed, and the body never runs.
    /// - If a step is in progress, the error is raised in the [`interruptible`](Yielder::interruptible) await that the
    ///   body is in, or else at its next yield. If the body does not yield again, the error is returned when it ends.
    /// - The error replaces an earlier one that has not been raised yet.
    ///
    /// # Errors
    ///
    /// - [`Error::Raised`] with the thrown error, unless the body catches it.
    /// - [`Error::AlreadyAwaited`] if the coroutine is closed.
    /// - [`Error::Pending`] if the body awaits something that is not ready.
    ///
    /// # Panics
    ///
    /// When the body panics.
    pub fn throw(&mut self, thrown: impl Into<D::Thrown>) -> StepResult<D> {
        match self.state() {
            State::Suspended | State::Running => self.0.as_mut().raise(thrown.into()),
            State::Created => {
                // There is no yield to raise the error at, so the body never runs.
                self.0.as_mut().drop_body();
                return Self::into_result(Step::Complete(Err(thrown.into())));
            }
            State::Closed => return Err(Error::AlreadyAwaited),
        }
        self.step()
    }

    /// Closes the coroutine: raises [`GeneratorExit`] at the yield that the body is suspended at, and runs the body,
    /// which is expected to return.
    ///
    /// Returns `Some(value)` if the body catches the exit and returns a value. Closing a coroutine that has not started
    /// drops its body. Closing a closed coroutine does nothing.
    ///
    /// # Errors
    ///
    /// - [`Error::IgnoredExit`] if the body yields again.
    /// - [`Error::Pending`] if the body awaits something that is not ready. The exit has been delivered, and another
    ///   `close` or [`resume`](Self::resume) continues the step.
    /// - [`Error::Raised`] if the body fails with an error.
    ///
    /// # Panics
    ///
    /// When the body panics.
    #[doc(alias = "cancel")]
    pub fn close(&mut self) -> Result<Option<D::Return>, ErrorOf<D>> {
        match self.state() {
            State::Created => {
                self.0.as_mut().drop_body();
                return Ok(None);
            }
            State::Closed => return Ok(None),
            State::Suspended | State::Running => self.0.as_mut().raise(D::Thrown::exit()),
        }
        match self.step() {
            Ok(Step::Complete(value)) => Ok(Some(value)),
            // The body stays suspended at this yield, and another `close` raises another exit.
            Ok(Step::Yielded(_)) => Err(Error::IgnoredExit),
            Err(Error::GeneratorExit) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replies to the yield that the body is suspended at, without a step. If the body has left the yield meanwhile, the
    /// value is discarded.
    pub(crate) fn reply(&mut self, value: D::Sent) {
        self.0.as_mut().resume_with(value);
    }

    /// Polls the body without a reply: what it awaits beside a yield that it is suspended at, or the rest of a step.
    pub(crate) fn poll_beside(&mut self, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        if self.state() == State::Closed {
            return Poll::Ready(Err(Error::AlreadyAwaited));
        }
        let polled = self.poll_step(cx);
        if polled.is_pending() {
            // As in `poll_resume`.
            self.0.wake_external();
        }
        polled
    }

    #[inline]
    fn step(&mut self) -> StepResult<D> {
        // No task waits for the step, so there is nothing to wake: the next step polls the body again in any case.
        match self.poll_step(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => self.step_again(),
        }
    }

    /// Polls the body again as long as a yield in it has something to return, but was not polled because it had not
    /// been woken.
    #[cold]
    fn step_again(&mut self) -> StepResult<D> {
        // This ends: a wake consumes the waker, and the woken yield takes the value or error that it was woken for.
        while self.0.wake_external() {
            if let Poll::Ready(result) = self.poll_step(&mut Context::from_waker(Waker::noop())) {
                return result;
            }
        }
        Err(Error::Pending)
    }

    #[inline(always)]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        self.0
            .as_mut()
            .poll_step(None, cx)
            .map(|step| step.map_or(Err(Error::AlreadyAwaited), Self::into_result))
    }

    #[inline]
    fn into_result(step: Step<D::Yield, Result<D::Return, D::Thrown>>) -> StepResult<D> {
        match step {
            Step::Yielded(value) => Ok(Step::Yielded(value)),
            Step::Complete(Ok(value)) => Ok(Step::Complete(value)),
            Step::Complete(Err(thrown)) => {
                Err(thrown.into_error().map_or(Error::GeneratorExit, Error::Raised))
            }
        }
    }
}

/// Returns `true` for types whose values carry no information, like Python's `None`. Such values may be sent to a body
/// that has not started.
pub(crate) const fn is_unit_like<S>() -> bool {
    size_of::<S>() == 0 && !std::mem::needs_drop::<S>()
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Coroutine<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine").field("state", &self.state()).finish_non_exhaustive()
    }
}
