use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::Operation;
use super::{AsyncGenerator, Stepped};
use crate::coroutine::RawCoroutine;

/// What [`athrow`](super::AsyncGeneratorExt::athrow) returns: resolves to the next item, or `None` at the end.
#[must_use = "nothing is thrown unless it is awaited"]
pub struct Athrow<'a, D: RawCoroutine + ?Sized> {
    operation: Operation<'a, D>,
    thrown: Option<D::Thrown>,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Athrow<'a, D> {
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>, thrown: D::Thrown) -> Self {
        Self { operation: Operation::new(generator), thrown: Some(thrown) }
    }
}

/// The error is moved out before anything else happens to it.
impl<D: RawCoroutine + ?Sized> Unpin for Athrow<'_, D> {}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Athrow<'_, D> {
    type Output = Stepped<D>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        let Self { operation, thrown } = self.get_mut();
        operation.poll(cx, |generator| thrown.take().and_then(|thrown| generator.throw(thrown)))
    }
}

impl<D: RawCoroutine + ?Sized> fmt::Debug for Athrow<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Athrow").finish_non_exhaustive()
    }
}
