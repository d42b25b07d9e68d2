use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit_kind::ExitKind;
use crate::context::scope::function_poll::FunctionPoll;
use crate::coroutine::{GeneratorExit, Yielder};

/// The value that is sent to the yield. `None` is only the default, and is never sent.
pub(super) type Reply<Y> = Option<(Y, ExitKind)>;

/// The yielder of an [`asynccontextmanager`](super::asynccontextmanager()) function. It can be used once.
pub struct YieldOnce<'g, Y> {
    pub(super) yielder: Yielder<'g, Y, Reply<Y>, GeneratorExit>,
    /// Set when the future of the yield is dropped. Only the poll of the function reads it, so Relaxed suffices: see
    /// [`SuspendedFunction`](super::suspended_function::SuspendedFunction).
    pub(super) has_left: Arc<AtomicBool>,
}

impl<Y> YieldOnce<'_, Y> {
    /// Lends `value` to the block. When the block is left, returns `value` and the way in which the block was left.
    ///
    /// # Cancel safety
    ///
    /// If the function drops this future before it completes, in a `select!` for example, the value is lost. Otherwise,
    /// the future is only dropped together with the function.
    pub async fn yield_(self, value: Y) -> (Y, ExitKind) {
        let Self { mut yielder, has_left } = self;
        let _left = SetOnDrop(has_left);
        let mut lent = yielder.yield_(value);
        let reply = poll_fn(|cx| {
            let polled = Pin::new(&mut lent).poll(cx);
            if polled.is_pending() {
                FunctionPoll::count_yield();
            }
            polled
        });
        match reply.await {
            Ok(Some(reply)) => reply,
            Ok(None) | Err(GeneratorExit) => unreachable!("the exit sends the lent value back"),
        }
    }
}

impl<Y> fmt::Debug for YieldOnce<'_, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YieldOnce").finish_non_exhaustive()
    }
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
