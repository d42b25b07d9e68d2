//! The futures of the five operations, which the methods of [`AsyncGeneratorExt`](super::AsyncGeneratorExt) return.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::async_generator::{AsyncGenerator, ErrorOf, StepResult};
use super::error::Error;
use crate::coroutine::RawCoroutine;

/// The generator that an operation borrows; `None` once the operation has completed.
struct Operation<'a, D: ?Sized>(Option<Pin<&'a mut AsyncGenerator<D>>>);

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Operation<'a, D> {
    #[inline]
    fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self(Some(generator))
    }

    /// Calls `begin`, which may complete the operation early, and polls the step otherwise, with the reply that `begin`
    /// returns.
    ///
    /// Each poll calls `begin`. The operations ensure that `begin` has an effect only once.
    #[inline(always)]
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        name: &str,
        begin: impl FnOnce(Pin<&mut AsyncGenerator<D>>) -> Result<Option<D::Sent>, StepResult<D>>,
    ) -> Poll<StepResult<D>> {
        // Taken out before the body runs, so that an operation whose body panics cannot be polled again.
        let Some(mut generator) = self.0.take() else { polled_after_completion(name) };
        let reply = match begin(generator.as_mut()) {
            Ok(reply) => reply,
            Err(result) => return Poll::Ready(result),
        };
        let polled = generator.as_mut().poll_step(reply, cx);
        if polled.is_pending() {
            self.0 = Some(generator);
        }
        polled
    }
}

/// Converts the result of a method that begins an operation without a reply.
#[inline]
fn no_reply<S, R>(early: Option<R>) -> Result<Option<S>, R> {
    early.map_or(Ok(None), Err)
}

#[cold]
#[inline(never)]
fn polled_after_completion(name: &str) -> ! {
    panic!("`{name}` polled after completion")
}

/// Future of [`AsyncGeneratorExt::anext`](super::AsyncGeneratorExt::anext).
///
/// Resolves to the next item, or to `None` at the end.
#[must_use = "nothing happens unless it is awaited"]
pub struct Anext<'a, D: ?Sized>(Operation<'a, D>);

impl<'a, D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Anext<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self(Operation::new(generator))
    }
}

impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Future for Anext<'_, D> {
    type Output = StepResult<D>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        // The next poll finds the step running, and sends nothing.
        self.0.poll(cx, "anext", |_| Ok(Some(())))
    }
}

impl<D: ?Sized> fmt::Debug for Anext<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anext").finish_non_exhaustive()
    }
}

/// Future of [`AsyncGeneratorExt::start`](super::AsyncGeneratorExt::start).
///
/// Resolves to the first item, or to `None` at the end.
#[must_use = "nothing happens unless it is awaited"]
pub struct Start<'a, D: ?Sized> {
    operation: Operation<'a, D>,
    started: bool,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Start<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self { operation: Operation::new(generator), started: false }
    }
}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Start<'_, D> {
    type Output = StepResult<D>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        let started = mem::replace(&mut self.started, true);
        self.operation.poll(
            cx,
            "start",
            |generator| if started { Ok(None) } else { no_reply(generator.start()) },
        )
    }
}

impl<D: ?Sized> fmt::Debug for Start<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").finish_non_exhaustive()
    }
}

/// Future of [`AsyncGeneratorExt::asend`](super::AsyncGeneratorExt::asend).
///
/// Resolves to the next item, or to `None` at the end.
#[must_use = "nothing is sent unless it is awaited"]
pub struct Asend<'a, D: RawCoroutine + ?Sized> {
    operation: Operation<'a, D>,
    /// `None` after the first poll.
    value: Option<D::Sent>,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Asend<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>, value: D::Sent) -> Self {
        Self { operation: Operation::new(generator), value: Some(value) }
    }
}

/// The value is never pinned: the first poll moves it out.
impl<D: RawCoroutine + ?Sized> Unpin for Asend<'_, D> {}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Asend<'_, D> {
    type Output = StepResult<D>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        let Self { operation, value } = self.get_mut();
        operation.poll(cx, "asend", |generator| match value.take() {
            Some(value) => generator.reply(value),
            None => Ok(None),
        })
    }
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Asend<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asend").finish_non_exhaustive()
    }
}

/// Future of [`AsyncGeneratorExt::athrow`](super::AsyncGeneratorExt::athrow).
///
/// Resolves to the next item, or to `None` at the end.
#[must_use = "nothing is thrown unless it is awaited"]
pub struct Athrow<'a, D: RawCoroutine + ?Sized> {
    operation: Operation<'a, D>,
    /// `None` after the first poll.
    thrown: Option<D::Thrown>,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Athrow<'a, D> {
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>, thrown: D::Thrown) -> Self {
        Self { operation: Operation::new(generator), thrown: Some(thrown) }
    }
}

/// The error is never pinned: the first poll moves it out.
impl<D: RawCoroutine + ?Sized> Unpin for Athrow<'_, D> {}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Athrow<'_, D> {
    type Output = StepResult<D>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StepResult<D>> {
        let Self { operation, thrown } = self.get_mut();
        operation.poll(cx, "athrow", |generator| {
            no_reply(thrown.take().and_then(|thrown| generator.throw(thrown)))
        })
    }
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Athrow<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Athrow").finish_non_exhaustive()
    }
}

/// Future of [`AsyncGeneratorExt::aclose`](super::AsyncGeneratorExt::aclose).
///
/// Resolves when the body has ended.
#[must_use = "nothing is closed unless it is awaited"]
pub struct Aclose<'a, D: ?Sized> {
    operation: Operation<'a, D>,
    started: bool,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Aclose<'a, D> {
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self { operation: Operation::new(generator), started: false }
    }
}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Aclose<'_, D> {
    type Output = Result<(), ErrorOf<D>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ErrorOf<D>>> {
        let started = mem::replace(&mut self.started, true);
        self.operation
            .poll(cx, "aclose", |generator| if started { Ok(None) } else { no_reply(generator.close()) })
            .map(into_close_result)
    }
}

impl<D: ?Sized> fmt::Debug for Aclose<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aclose").finish_non_exhaustive()
    }
}

/// Converts the result of a step in which the exit was raised into the result of the close.
pub(super) fn into_close_result<Y, S, E>(result: Result<Option<Y>, Error<S, E>>) -> Result<(), Error<S, E>> {
    match result {
        Ok(Some(_)) => Err(Error::IgnoredExit),
        Ok(None) | Err(Error::GeneratorExit) => Ok(()),
        Err(error) => Err(error),
    }
}
