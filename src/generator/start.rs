use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::Operation;
use super::{AsyncGenerator, Stepped};
use crate::coroutine::RawCoroutine;

/// What [`start`](super::AsyncGeneratorExt::start) returns: resolves to the first item, or `None` at the end.
#[must_use = "nothing happens unless it is awaited"]
pub struct Start<'a, D: ?Sized> {
    operation: Operation<'a, D>,
    is_begun: bool,
}

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Start<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self { operation: Operation::new(generator), is_begun: false }
    }
}

impl<D: RawCoroutine<Return = ()> + ?Sized> Future for Start<'_, D> {
    type Output = Stepped<D>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stepped<D>> {
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        self.operation.poll(cx, |generator| if is_begun { None } else { generator.start() })
    }
}

impl<D: ?Sized> fmt::Debug for Start<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").finish_non_exhaustive()
    }
}
