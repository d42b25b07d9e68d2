use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::Operation;
use super::{AsyncGenerator, Stepped};
use crate::coroutine::RawCoroutine;

/// What [`asend`](super::AsyncGeneratorExt::asend) returns: resolves to the next item, or `None` at the end.
#[must_use = "nothing is sent unless it is awaited"]
pub struct Asend<'a, D: RawCoroutine + ?Sized> {
    operation: Operation<'a, D>,
    value: Option<D::Sent>,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Asend<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>, value: D::Sent) -> Self {
        Self { operation: Operation::new(generator), value: Some(value) }
    }
}

/// The value is moved out before anything else happens to it.
impl<D: RawCoroutine + ?Sized> Unpin for Asend<'_, D> {}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Asend<'_, D> {
    type Output = Stepped<D>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        let Self { operation, value } = self.get_mut();
        operation.poll(cx, |generator| value.take().and_then(|value| generator.send(value)))
    }
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Asend<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asend").finish_non_exhaustive()
    }
}
