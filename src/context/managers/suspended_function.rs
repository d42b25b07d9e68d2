use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::context::scope::interrupt::Interrupt;
use crate::context::scope::interrupt_when::poll_after_work;
use crate::coroutine::{Coroutine, GeneratorExit, RawCoroutine, Step};
use crate::panic::{KeptPayload, catch_panic, ignore_panic};

/// The function of an [`asynccontextmanager`](super::asynccontextmanager()), suspended at its yield.
///
/// While the block runs, the function is polled beside it, so that a timeout around the yield works, or a heartbeat. If
/// the function leaves the yield early, it interrupts the block.
///
/// ```text
///           leaves the yield                    returns or panics
/// Yielding -----------------> Running, block --------------------> Ended, block interrupted
///    |                        interrupted                             |
///    |  the block ends             |  exit                            |  exit
///    +-----------------------------+----------------------------------+-----> taken by the exit
/// ```
pub(super) struct SuspendedFunction<D: RawCoroutine> {
    state: Mutex<State<D>>,
    /// `true` once the future of the yield was dropped. Stored and loaded by the thread that polls the function, which
    /// the lock or the owner of the function orders; the flag publishes nothing, so Relaxed suffices.
    has_left_yield: Arc<AtomicBool>,
    /// Set if a scope around the yield can interrupt its block.
    is_limited: bool,
}

struct State<D: RawCoroutine> {
    /// `None` during a poll, after the function has ended, and after the exit has taken it.
    function: Option<Coroutine<D>>,
    /// The result of a function that has ended beside the block.
    ended: Option<Result<D::Return, KeptPayload>>,
    /// See [`poll_after_work`].
    has_deferred: bool,
}

impl<D: RawCoroutine<Thrown = GeneratorExit>> SuspendedFunction<D> {
    pub(super) fn new(function: Coroutine<D>, has_left_yield: Arc<AtomicBool>, is_limited: bool) -> Self {
        let state = State { function: Some(function), ended: None, has_deferred: false };
        Self { state: Mutex::new(state), has_left_yield, is_limited }
    }

    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replies to the yield, and awaits the rest of the function.
    pub(super) async fn finish(&self, reply: D::Sent) -> D::Return {
        let (function, ended) = {
            let mut state = self.lock();
            (state.function.take(), state.ended.take())
        };
        let Some(mut function) = function else {
            // The function has ended beside the block, which was interrupted.
            let ended = ended.expect("function finished twice");
            return ended.unwrap_or_else(|payload| payload.resume());
        };
        // If the function has left the yield, the reply is dropped together with the function.
        function.reply(reply);
        match poll_fn(|cx| function.poll_beside(cx)).await {
            Ok(Step::Complete(result)) => result,
            Ok(Step::Yielded(_)) | Err(_) => {
                unreachable!("the yielder is consumed, and nothing was thrown into the function")
            }
        }
    }
}

impl<D> Interrupt for SuspendedFunction<D>
where
    D: RawCoroutine<Thrown = GeneratorExit> + Send,
    D::Return: Send,
{
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let (function, mut has_deferred) = {
            let mut state = self.lock();
            (state.function.take(), state.has_deferred)
        };
        let Some(mut function) = function else { return Poll::Pending };
        // Poll the function. Its panic ends the block as its error would, and is resumed by the exit.
        let polled = catch_panic(|| {
            let step = pin!(poll_fn(|cx| function.poll_beside(cx)));
            poll_after_work(step, &mut has_deferred, cx)
        });
        let ended = match polled {
            Ok(Poll::Pending) => {
                let mut state = self.lock();
                (state.function, state.has_deferred) = (Some(function), has_deferred);
                drop(state);
                // A function that has left its yield is about to exit: its block ends first.
                let has_left = self.has_left_yield.load(Ordering::Relaxed);
                return if has_left { Poll::Ready(()) } else { Poll::Pending };
            }
            Ok(Poll::Ready(Ok(Step::Complete(result)))) => Ok(result),
            Ok(Poll::Ready(Ok(Step::Yielded(_)) | Err(_))) => {
                unreachable!("the yielder is consumed, and nothing was thrown into the function")
            }
            Err(payload) => Err(KeptPayload::new(payload)),
        };
        // It has ended, so that its destructor only frees memory.
        ignore_panic(|| drop(function));
        self.lock().ended = Some(ended);
        Poll::Ready(())
    }

    fn leave_block(&self) {}

    fn is_limit(&self) -> bool {
        self.is_limited
    }
}
