use std::cell::Cell;

thread_local! {
    /// The innermost poll of a function on this thread.
    static CURRENT: Cell<FunctionPoll> = const { Cell::new(FunctionPoll::new(FunctionMode::Exiting)) };
}

/// One poll of the function of an [`asynccontextmanager`](crate::context::asynccontextmanager()), and what the scopes in
/// the function have found out in it.
///
/// A scope in the function is *around the yield* if the yield is pending in a poll of its block. Its interrupts end the
/// block of the manager, not only its own.
#[derive(Debug, Clone, Copy)]
pub(in crate::context) struct FunctionPoll {
    pub(super) mode: FunctionMode,
    /// The number of times that the yield was polled and is pending.
    pub(super) pending_yields: u32,
    /// `true` if a scope around the yield is interrupted, or was refused.
    pub(in crate::context) is_interrupted: bool,
    /// `true` if a scope around the yield limits the block.
    pub(in crate::context) is_limited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::context) enum FunctionMode {
    /// The block has ended, or no function is polled.
    Exiting,
    /// As `Exiting`. Limits around the yield fail, because no scope is there whose block they could interrupt.
    Refusing,
    /// The function is entered by a scope.
    Entering,
    /// The function is entered without a scope.
    EnteringByHand,
    /// Polled before the block, which may be ready: limits around the yield wait for the poll after the block.
    BeforeBlock,
    /// Polled after the block, which is pending.
    AfterBlock,
}

impl FunctionPoll {
    const fn new(mode: FunctionMode) -> Self {
        Self { mode, pending_yields: 0, is_interrupted: false, is_limited: false }
    }

    pub(super) fn current() -> Self {
        CURRENT.get()
    }

    /// Changes the innermost poll.
    pub(super) fn update(change: impl FnOnce(&mut Self)) {
        let mut current = CURRENT.get();
        change(&mut current);
        CURRENT.set(current);
    }

    /// Records that the yield of the innermost function is pending.
    pub(in crate::context) fn count_yield() {
        Self::update(|current| current.pending_yields = current.pending_yields.wrapping_add(1));
    }

    /// Calls `poll`, which polls a function. Restores the outer poll, also after a panic.
    pub(in crate::context) fn run<R>(mode: FunctionMode, poll: impl FnOnce() -> R) -> (R, Self) {
        struct Restore(FunctionPoll);

        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }

        let _outer = Restore(CURRENT.replace(Self::new(mode)));
        let polled = poll();
        (polled, CURRENT.get())
    }
}
