use std::fmt;
use std::future::Future;
use std::mem;
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
    /// Its value is behind others.
    Queued,
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

    /// The two short ways, which are all that a body takes that yields and awaits its yields.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S, T>> {
        let this = self.get_mut();
        let exchange = this.yielder.exchange();
        match this.stage {
            Stage::Fresh(_) if exchange.is_quiet(cx) => {
                if let Stage::Fresh(value) = mem::replace(&mut this.stage, Stage::Asked) {
                    exchange.put(value);
                }
                return Poll::Pending;
            }
            Stage::Asked => {
                if let Some(sent) = exchange.take_sent() {
                    this.stage = Stage::Done;
                    return Poll::Ready(Ok(sent));
                }
            }
            _ => {}
        }
        this.poll_closely(cx)
    }
}

impl<Y, S, T> Yield<'_, '_, Y, S, T> {
    /// Nothing was sent, but something may have been thrown; or other values are in the way.
    #[cold]
    #[inline(never)]
    fn poll_closely(&mut self, cx: &mut Context<'_>) -> Poll<Result<S, T>> {
        let exchange = self.yielder.exchange();
        assert!(!matches!(self.stage, Stage::Done), "a yield was polled again after it was done");
        // If it is fresh: thrown while the body was not at a yield, or at one that was dropped.
        if let Some(thrown) = exchange.take_thrown() {
            self.stage = Stage::Done;
            return Poll::Ready(Err(thrown));
        }
        match mem::replace(&mut self.stage, Stage::Asked) {
            Stage::Fresh(value) => {
                if exchange.put_behind(value) {
                    self.stage = Stage::Queued;
                }
            }
            Stage::Queued => {
                // As long as there are, it is not this one's answer.
                let sent = exchange.take_sent();
                if exchange.has_queued() {
                    self.stage = Stage::Queued;
                } else if let Some(sent) = sent {
                    self.stage = Stage::Done;
                    return Poll::Ready(Ok(sent));
                }
            }
            Stage::Asked | Stage::Done => {}
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
