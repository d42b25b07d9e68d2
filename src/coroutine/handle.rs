use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::machine::machine;
use super::{Error, GeneratorExit, RawCoroutine, State, Step, Throw, Thrown, Yielder};

/// An async body that is driven by hand: Python's coroutine object, with `send`, `throw` and `close`.
///
/// Made by [`coroutine`] and [`try_coroutine`]. Nothing of the body runs before the first step. A step goes on to the
/// next yield or to the end of the body, and needs no executor: the body is polled once. A body that awaits something
/// that is not ready then is not lost: the step says [`Error::Pending`], and goes on when asked to.
///
/// Dropping it drops the body at once, without running it any further: what is to be awaited on the way out needs
/// [`close`](Coroutine::close). A panic in the body goes out of the step, and the coroutine is over.
///
/// It is `Send` when the body is. Its type is that of the body; [`BoxCoroutine`] has a name, and is the same for
/// different bodies.
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
pub struct Coroutine<D: ?Sized>(Pin<Box<D>>);

/// A [`Coroutine`] with a name of its own, whatever its body: for fields, arrays, and [`run_all`](super::run_all). `Send`.
///
/// Made by [`Coroutine::boxed`], at no cost.
pub type BoxCoroutine<'a, Y = (), S = (), R = (), T = GeneratorExit> =
    Coroutine<dyn RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = T> + Send + 'a>;

/// As [`BoxCoroutine`], for bodies that are not `Send`.
///
/// Made by [`Coroutine::boxed_local`], at no cost.
pub type LocalBoxCoroutine<'a, Y = (), S = (), R = (), T = GeneratorExit> =
    Coroutine<dyn RawCoroutine<Yield = Y, Sent = S, Return = R, Thrown = T> + 'a>;

/// What a step of a coroutine returns.
pub type Stepped<D> = Result<Step<<D as RawCoroutine>::Yield, <D as RawCoroutine>::Return>, Failure<D>>;

/// The [`Error`] of a coroutine: it has what is sent in, and what the body fails with.
pub type Failure<D> = Error<<D as RawCoroutine>::Sent, <<D as RawCoroutine>::Thrown as Throw>::Error>;

/// A coroutine that can be closed, and into which no error can be thrown.
///
/// The body gets a [`Yielder`] and returns `Ok(value)`; what `?` carries out of it is [`GeneratorExit`]. Errors of its own are
/// what it returns or yields, or see [`try_coroutine`].
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
    Coroutine(Box::pin(machine(body)))
}

/// A coroutine that can fail, and into which errors can be thrown.
///
/// As [`coroutine`], but what `?` carries out of the body is [`Thrown<E>`], which any `E` turns into.
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
    Coroutine(Box::pin(machine(body)))
}

impl<D: RawCoroutine> Coroutine<D> {
    /// The same with a type that has a name, for a body that is `Send`.
    pub fn boxed<'a>(self) -> BoxCoroutine<'a, D::Yield, D::Sent, D::Return, D::Thrown>
    where
        D: Send + 'a,
    {
        Coroutine(self.0)
    }

    /// The same with a type that has a name.
    pub fn boxed_local<'a>(self) -> LocalBoxCoroutine<'a, D::Yield, D::Sent, D::Return, D::Thrown>
    where
        D: 'a,
    {
        Coroutine(self.0)
    }
}

impl<D: RawCoroutine + ?Sized> Coroutine<D> {
    /// Where the body stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Begins the body, or goes on with a step under way, whatever the type of the answers.
    ///
    /// Where that type has a default value, [`resume`](Self::resume) does this and more.
    ///
    /// # Errors
    ///
    /// [`Error::ValueExpected`] when the body is at a yield; otherwise as [`resume`](Self::resume).
    ///
    /// # Panics
    ///
    /// When the body does.
    pub fn start(&mut self) -> Stepped<D> {
        match self.state() {
            State::Created | State::Running => self.step(),
            State::Suspended => Err(Error::ValueExpected),
            State::Closed => Err(Error::AlreadyAwaited),
        }
    }

    /// Begins the body, answers its yield with the default value, or goes on with a step under way: Python's
    /// `send(None)`.
    ///
    /// Where nothing else says of what type the answers are, nothing does here; `send(())` says it.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyAwaited`] when it is over; [`Error::Pending`] while the body awaits what is not ready;
    /// [`Error::Raised`] or [`Error::GeneratorExit`] when the body fails.
    ///
    /// # Panics
    ///
    /// When the body does.
    #[inline]
    pub fn resume(&mut self) -> Stepped<D>
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

    /// As [`resume`](Self::resume), but pending while the body awaits what is not ready; the waker is woken when it is.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume), without [`Error::Pending`].
    ///
    /// # Panics
    ///
    /// When the body does.
    #[inline]
    pub fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<Stepped<D>>
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
            // Its waker leads to that of `cx`.
            self.0.wake();
        }
        polled
    }

    /// Answers the yield that the body is at, and goes on to the next.
    ///
    /// As in Python, the first step has no yield to answer: it is [`resume`](Self::resume) or [`start`](Self::start),
    /// or it sends a value that carries nothing, having neither size nor destructor: `()`, Python's `None`.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`] for any other value sent to a body that has not begun, and [`Error::Running`] in the
    /// middle of a step; both give the value back. [`Error::AlreadyAwaited`] when it is over; [`Error::Pending`] while
    /// the body awaits what is not ready; [`Error::Raised`] or [`Error::GeneratorExit`] when the body fails.
    ///
    /// # Panics
    ///
    /// When the body does.
    #[inline]
    pub fn send(&mut self, value: D::Sent) -> Stepped<D> {
        match self.state() {
            State::Suspended => self.0.as_mut().resume_with(value),
            State::Created if carries_nothing(&value) => {}
            State::Created => return Err(Error::NotStarted(value)),
            State::Running => return Err(Error::Running(value)),
            State::Closed => return Err(Error::AlreadyAwaited),
        }
        self.step()
    }

    /// Raises an error at the yield that the body is at, and goes on to the next.
    ///
    /// A body that has not begun is over then, and never runs. In the middle of a step, it is raised at the
    /// [`interruptible`](Yielder::interruptible) that the body is in, or else at its next yield; if there is none, it comes out in the
    /// end. One that was not raised yet is replaced.
    ///
    /// # Errors
    ///
    /// The error itself, as [`Error::Raised`], unless the body catches it. [`Error::AlreadyAwaited`] when it is over;
    /// [`Error::Pending`] while the body awaits what is not ready.
    ///
    /// # Panics
    ///
    /// When the body does.
    pub fn throw(&mut self, thrown: impl Into<D::Thrown>) -> Stepped<D> {
        match self.state() {
            State::Suspended | State::Running => self.0.as_mut().raise(thrown.into()),
            State::Created => {
                self.0.as_mut().drop_body();
                return Self::settle(Step::Complete(Err(thrown.into())));
            }
            State::Closed => return Err(Error::AlreadyAwaited),
        }
        self.step()
    }

    /// Ends the body: raises [`GeneratorExit`] at the yield that it is at, which is to carry it out.
    ///
    /// What the body returns if it catches the exit is `Some`. Closing what has not begun or is over does nothing.
    ///
    /// # Errors
    ///
    /// [`Error::IgnoredExit`] when the body yields once more. [`Error::Pending`] when it awaits what is not ready: the
    /// exit is delivered, and [`close`](Self::close) or [`resume`](Self::resume) goes on. [`Error::Raised`] when the
    /// body fails otherwise.
    ///
    /// # Panics
    ///
    /// When the body does.
    pub fn close(&mut self) -> Result<Option<D::Return>, Failure<D>> {
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
            Ok(Step::Yielded(_)) => Err(Error::IgnoredExit),
            Err(Error::GeneratorExit) => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[inline]
    fn step(&mut self) -> Stepped<D> {
        match self.poll_step(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(stepped) => stepped,
            Poll::Pending => self.step_again(),
        }
    }

    /// Something in the body may not have been polled, as nobody had woken it.
    #[cold]
    fn step_again(&mut self) -> Stepped<D> {
        while self.0.wake() {
            if let Poll::Ready(stepped) = self.poll_step(&mut Context::from_waker(Waker::noop())) {
                return stepped;
            }
        }
        Err(Error::Pending)
    }

    #[inline(always)]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        self.0.as_mut().poll_step(cx).map(Self::settle)
    }

    #[inline]
    fn settle(step: Step<D::Yield, Result<D::Return, D::Thrown>>) -> Stepped<D> {
        match step {
            Step::Yielded(value) => Ok(Step::Yielded(value)),
            Step::Complete(Ok(value)) => Ok(Step::Complete(value)),
            Step::Complete(Err(thrown)) => {
                Err(thrown.into_error().map_or(Error::GeneratorExit, Error::Raised))
            }
        }
    }
}

/// Python's `None`, which may be sent to a coroutine that has not begun.
fn carries_nothing<S>(_value: &S) -> bool {
    size_of::<S>() == 0 && !std::mem::needs_drop::<S>()
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Coroutine<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine").field("state", &self.state()).finish_non_exhaustive()
    }
}
