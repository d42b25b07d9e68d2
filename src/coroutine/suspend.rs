use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Yielder;

/// What [`Yielder::yield_`] returns: resolves to what is sent in answer, or to what is thrown.
///
/// # Panics
///
/// When it is polled again after it was done, as any future may.
#[must_use = "nothing is yielded unless it is awaited"]
pub struct Yield<'a, 'g, Y, S, T> {
    yielder: &'a mut Yielder<'g, Y, S, T>,
    stage: Stage<Y>,
}

enum Stage<Y> {
    Fresh(Y),
    Asked,
    Done,
}

impl<'a, 'g, Y, S, T> Yield<'a, 'g, Y, S, T> {
    #[inline]
    pub(super) fn new(yielder: &'a mut Yielder<'g, Y, S, T>, value: Y) -> Self {
        Self { yielder, stage: Stage::Fresh(value) }
    }
}

/// The value is moved out before anything else happens to it.
impl<Y, S, T> Unpin for Yield<'_, '_, Y, S, T> {}

impl<Y, S, T> Future for Yield<'_, '_, Y, S, T> {
    type Output = Result<S, T>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S, T>> {
        let this = self.get_mut();
        let exchange = this.yielder.exchange();
        match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::Fresh(value) => {
                // Thrown while the body was not at a yield, or at one that was dropped.
                if exchange.has_thrown() {
                    if let Some(thrown) = exchange.take_thrown() {
                        return Poll::Ready(Err(thrown));
                    }
                }
                this.stage = exchange.put(value).map_or(Stage::Asked, Stage::Fresh);
            }
            Stage::Asked => {
                if let Some(sent) = exchange.take_sent() {
                    return Poll::Ready(Ok(sent));
                }
                if let Some(thrown) = exchange.take_thrown() {
                    return Poll::Ready(Err(thrown));
                }
                this.stage = Stage::Asked;
            }
            Stage::Done => panic!("a yield was polled again after it was done"),
        }
        exchange.awaits(cx);
        Poll::Pending
    }
}

impl<Y, S, T> fmt::Debug for Yield<'_, '_, Y, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yield").finish_non_exhaustive()
    }
}
