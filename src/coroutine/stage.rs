use std::cell::Cell;
use std::ptr;
use std::task::Context;

/// The public [`State`](super::State), with `Exiting` as a part of `Running`.
///
/// ```text
///                  poll_step
///  Created   ──┐             ┌── the body yields ─────────────► Suspended
///  Suspended ──┼─────────────┼── the body is pending ─────────► Running, or Exiting if it was
///  Running   ──┤             └── it returns, fails or panics ─► Closed, or Suspended
///  Exiting   ──┘                                                while values remain
///
///  raise(error):  Suspended, Running or Exiting ──► Running
///  raise(exit):   Suspended or Running ───────────► Exiting
///  drop_body:     Created ────────────────────────► Closed
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No code of the body has run.
    Created,
    /// The body has yielded a value, and the driver has taken it.
    Suspended,
    /// A step has started, and the body awaits something other than a yield.
    Running,
    /// Like `Running`, but an exit was raised after the last yield.
    Exiting,
    /// The body has been dropped.
    Closed,
}

/// A [`Stage`], or while the body is polled, the address of its driver's context; and two flags.
///
/// They share one word, so that the driver needs one comparison to detect that the body is suspended and nothing else
/// is to be done, and a yield needs one to detect that it is polled with the driver's context and may take the fast
/// path. The context is borrowed during the poll, so no other context has its address.
pub(super) struct StageCell(Cell<usize>);

/// The flag of a yield that must not take the fast path: something is to be raised, or a value to be taken.
const SLOW_PATH: usize = 0b01;
/// The flag of a poll that has started in [`Stage::Exiting`].
const EXITING: usize = 0b10;
const FLAGS: usize = SLOW_PATH | EXITING;
// The address of a context has neither flag.
const _: () = assert!(align_of::<Context<'_>>() > FLAGS);

/// The word of a stage. It is never zero: the compiler creates an all-zero state by wide stores, and loads of its parts
/// that follow at once wait for them.
const fn at_rest(stage: Stage) -> usize {
    (stage as usize + 1) << 2
}

impl StageCell {
    #[inline]
    pub(super) fn new() -> Self {
        Self(Cell::new(at_rest(Stage::Created)))
    }

    /// Returns the stage. Not to be called while the body is polled.
    #[inline]
    pub(super) fn get(&self) -> Stage {
        match self.0.get() >> 2 {
            1 => Stage::Created,
            2 => Stage::Suspended,
            3 => Stage::Running,
            4 => Stage::Exiting,
            _ => Stage::Closed,
        }
    }

    /// Ends a poll, or changes the stage between two polls.
    #[inline]
    pub(super) fn set(&self, stage: Stage) {
        self.0.set(at_rest(stage) | self.0.get() & SLOW_PATH);
    }

    /// Ends a poll that has yielded its only value, after which nothing is to be raised or taken.
    #[inline]
    pub(super) fn set_suspended(&self) {
        self.0.set(at_rest(Stage::Suspended));
    }

    /// Ends a poll that has yielded nothing.
    pub(super) fn set_pending(&self) {
        self.set(if self.0.get() & EXITING == 0 { Stage::Running } else { Stage::Exiting });
    }

    /// Returns `true` if the body is suspended, and nothing is to be raised or taken.
    #[inline]
    pub(super) fn is_suspended(&self) -> bool {
        self.0.get() == at_rest(Stage::Suspended)
    }

    /// Begins a poll with this context, of a body that [is suspended](Self::is_suspended).
    #[inline]
    pub(super) fn begin_poll(&self, cx: &mut Context<'_>) {
        self.0.set(ptr::from_mut(cx).addr());
    }

    /// Begins a poll with this context, of a body in any stage.
    pub(super) fn begin_poll_slow(&self, cx: &mut Context<'_>) {
        let exiting = if self.get() == Stage::Exiting { EXITING } else { 0 };
        self.0.set(ptr::from_mut(cx).addr() | exiting | self.0.get() & SLOW_PATH);
    }

    /// Returns `true` if this is the driver's own context, and a yield may take the fast path.
    #[inline]
    pub(super) fn is_fast_path(&self, cx: &mut Context<'_>) -> bool {
        self.0.get() == ptr::from_mut(cx).addr()
    }

    /// Returns `true` if this is the driver's own context.
    pub(super) fn is_driver(&self, cx: &mut Context<'_>) -> bool {
        self.0.get() & !FLAGS == ptr::from_mut(cx).addr()
    }

    #[inline]
    pub(super) fn needs_slow_path(&self) -> bool {
        self.0.get() & SLOW_PATH != 0
    }

    #[inline]
    pub(super) fn set_slow_path(&self) {
        self.0.set(self.0.get() | SLOW_PATH);
    }

    pub(super) fn clear_slow_path(&self) {
        self.0.set(self.0.get() & !SLOW_PATH);
    }
}
