use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::Operation;
use super::{AsyncGenerator, Stepped};
use crate::coroutine::RawCoroutine;

/// What [`anext`](super::AsyncGeneratorExt::anext) returns: resolves to the next item, or `None` at the end.
#[must_use = "nothing happens unless it is awaited"]
pub struct Anext<'a, D: ?Sized>(Operation<'a, D>);

impl<'a, D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Anext<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self(Operation::new(generator))
    }
}

impl<D: RawCoroutine<Sent = (), Return = ()> + ?Sized> Future for Anext<'_, D> {
    type Output = Stepped<D>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        self.0.poll(cx, AsyncGenerator::advance)
    }
}

impl<D: ?Sized> fmt::Debug for Anext<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anext").finish_non_exhaustive()
    }
}
