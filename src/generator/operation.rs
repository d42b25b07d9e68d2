use std::pin::Pin;
use std::task::{Context, Poll};

use super::{AsyncGenerator, Stepped};
use crate::coroutine::RawCoroutine;

/// The generator that an operation is on, until it is done.
pub(super) struct Operation<'a, D: ?Sized>(Option<Pin<&'a mut AsyncGenerator<D>>>);

impl<'a, D: RawCoroutine<Return = ()> + ?Sized> Operation<'a, D> {
    #[inline]
    pub(super) fn new(generator: Pin<&'a mut AsyncGenerator<D>>) -> Self {
        Self(Some(generator))
    }

    /// `ask` is what is done before the step is polled; what it returns is the end of it.
    #[inline(always)]
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        ask: impl FnOnce(Pin<&mut AsyncGenerator<D>>) -> Option<Stepped<D>>,
    ) -> Poll<Stepped<D>> {
        let Some(mut generator) = self.0.take() else {
            panic!("cannot reuse an operation of a generator that was already awaited")
        };
        if let Some(stepped) = ask(generator.as_mut()) {
            return Poll::Ready(stepped);
        }
        let polled = generator.as_mut().poll_step(cx);
        if polled.is_pending() {
            self.0 = Some(generator);
        }
        polled
    }
}
