use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::context::scope::function_poll::{FunctionMode, FunctionPoll};
use crate::context::scope::interrupt::{Interrupt, defer_without_budget};
use crate::coroutine::{Coroutine, GeneratorExit, RawCoroutine, Step};
use crate::panic::{KeptPayload, catch_panic, ignore_panic};

/// The function of an [`asynccontextmanager`](super::asynccontextmanager()), suspended at its yield.
///
/// While the block runs, the function is polled beside it, so that a timeout around the yield works, or a heartbeat. If
/// the function leaves the yield early, it interrupts the block.
///
/// ```text
///          a scope around the yield is interrupted,
///          or the function leaves its yield or ends
/// Yielding ----------------------------------------> Leaving
///    |                                                  |
///    |  the block ends                                  |  the block is interrupted
///    +-----------------> taken by the exit <------------+
/// ```
///
/// A function that is leaving is not polled before the block was dropped: the exits in the block precede its own.
pub(super) struct SuspendedFunction<D: RawCoroutine> {
    state: Mutex<State<D>>,
    /// `true` once the future of the yield was dropped. Stored in a poll of the function, and loaded on the same thread
    /// after each poll. The flag publishes nothing, so Relaxed suffices.
    has_left_yield: Arc<AtomicBool>,
    /// `true` if a scope around the yield can interrupt its block.
    is_limited: bool,
    /// `true` if the limits around the yield fail. Stored in a poll of the block, and loaded by the exit, in the same task
    /// or in a cleanup that this task has started. The exit of a manager that has moved with a stack may run on another
    /// thread, and may miss it: the block's own stack then fails. The flag publishes nothing, so Relaxed suffices.
    is_refused: AtomicBool,
}

struct State<D: RawCoroutine> {
    /// `None` during a poll, after the function has ended, and after the exit has taken it.
    function: Option<Coroutine<D>>,
    /// The result of a function that has ended beside the block.
    ended: Option<Result<D::Return, KeptPayload>>,
    is_leaving: bool,
    /// See [`defer_without_budget`].
    has_deferred: bool,
}

impl<D: RawCoroutine<Thrown = GeneratorExit>> SuspendedFunction<D> {
    pub(super) fn new(function: Coroutine<D>, has_left_yield: Arc<AtomicBool>, is_limited: bool) -> Self {
        let state = State { function: Some(function), ended: None, is_leaving: false, has_deferred: false };
        Self { state: Mutex::new(state), has_left_yield, is_limited, is_refused: AtomicBool::new(false) }
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
        let is_refused = self.is_refused.load(Ordering::Relaxed);
        let mode = if is_refused { FunctionMode::Refusing } else { FunctionMode::Exiting };
        match poll_fn(|cx| FunctionPoll::run(mode, || function.poll_beside(cx)).0).await {
            Ok(Step::Complete(result)) => result,
            Ok(Step::Yielded(_)) | Err(_) => {
                unreachable!("the yielder is consumed, and nothing was thrown into the function")
            }
        }
    }

    /// Polls the function beside its block, unless it is leaving.
    fn poll(&self, mode: FunctionMode, cx: &mut Context<'_>) {
        let function = {
            let mut state = self.lock();
            if state.is_leaving { None } else { state.function.take() }
        };
        let Some(mut function) = function else { return };
        let (polled, poll) = FunctionPoll::run(mode, || catch_panic(|| function.poll_beside(cx)));
        let ended = match polled {
            Ok(Poll::Pending) => {
                let has_left = self.has_left_yield.load(Ordering::Relaxed);
                let mut state = self.lock();
                (state.function, state.is_leaving) = (Some(function), has_left || poll.is_interrupted);
                return;
            }
            Ok(Poll::Ready(Ok(Step::Complete(result)))) => Ok(result),
            Ok(Poll::Ready(Ok(Step::Yielded(_)) | Err(_))) => {
                unreachable!("the yielder is consumed, and nothing was thrown into the function")
            }
            // The panic ends the block as an error would, and is resumed by the exit.
            Err(payload) => Err(KeptPayload::new(payload)),
        };
        // It has ended, so that its destructor only frees memory.
        ignore_panic(|| drop(function));
        let mut state = self.lock();
        (state.ended, state.is_leaving) = (Some(ended), true);
    }
}

impl<D> Interrupt for SuspendedFunction<D>
where
    D: RawCoroutine<Thrown = GeneratorExit> + Send,
    D::Return: Send,
{
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(FunctionMode::AfterBlock, cx);
        let mut state = self.lock();
        let State { is_leaving, has_deferred, .. } = &mut *state;
        if *is_leaving && !defer_without_budget(has_deferred, cx) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_before_block(&self, cx: &mut Context<'_>) {
        self.poll(FunctionMode::BeforeBlock, cx);
    }

    fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }

    fn leave_block(&self) {}

    fn is_limit(&self) -> bool {
        self.is_limited
    }
}
