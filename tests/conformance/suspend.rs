//! The future at which programs are suspended until the driver's next step.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::program::Value;
use super::raised::Raised;
use super::world::World;

/// Suspends `times` times, each until the driver's next step. Returns the last value that was sent, or raises what
/// was thrown.
pub(super) fn suspend(world: &Arc<World>, times: u32, token: i64) -> Leaf {
    Leaf { world: Arc::clone(world), times, token, since: None, sent: None }
}

pub(super) struct Leaf {
    world: Arc<World>,
    times: u32,
    token: i64,
    /// The step of the driver in which it was suspended.
    since: Option<usize>,
    sent: Value,
}

impl Future for Leaf {
    type Output = Result<Value, Raised>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let now = self.world.steps();
        if let Some(since) = self.since {
            if since == now {
                // Polled again in the same step, perhaps with another waker.
                self.world.suspend(self.token, cx.waker().clone());
                return Poll::Pending;
            }
            self.since = None;
            self.sent = self.world.sent().inspect_err(|raised| self.world.close_awaited_frames(raised))?;
            self.times -= 1;
        }
        if self.times == 0 {
            return Poll::Ready(Ok(self.sent));
        }
        self.world.suspend(self.token, cx.waker().clone());
        self.since = Some(now);
        Poll::Pending
    }
}
