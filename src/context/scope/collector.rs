//! The interrupts of a scope: futures that end its block, registered by its manager while the manager is entered.
//!
//! A scope polls `aenter` inside of an [`Enter`](super::enter::Enter), which keeps a [`Collector`] open during each poll.
//! [`interrupt_when`](super::interrupt_when::interrupt_when) registers a future with the innermost collector that is
//! open on the thread, whatever wrappers are between the manager and the scope. The scope polls what was registered
//! whenever its block is pending.
//!
//! Nearly all managers register nothing. For them, a collector costs a read and a write of one thread-local integer
//! when it opens, and the same when it closes, as a [`TrackingScope`](crate::cleanup::TrackingScope) does.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::interrupt::Interrupt;
use super::interrupts::Interrupts;

thread_local! {
    /// The number of collectors that are open on this thread, in the lower 32 bits, and the length of [`REGISTERED`],
    /// in the upper 32 bits.
    ///
    /// If the value is unchanged since a collector was opened, the collector has nothing to collect.
    static STATE: Cell<u64> = const { Cell::new(0) };
    /// The interrupts that were registered in the open collectors, each with the depth of its collector, in ascending
    /// order of depth.
    static REGISTERED: RefCell<Vec<(u64, Arc<dyn Interrupt>)>> = const { RefCell::new(Vec::new()) };
}

const DEPTH_MASK: u64 = u32::MAX as u64;

/// The error of an interrupt that is registered where no scope is being entered, and that would therefore never
/// interrupt a block.
///
/// It occurs in an `aenter` that is called by hand or in a spawned task, and on an
/// [`AsyncExitStack`](crate::context::AsyncExitStack) that was not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no scope is being entered here: enter the manager by `async_with!`, or on an `AsyncExitStack` that was entered"
)]
#[non_exhaustive]
pub struct NotEntering;

/// Returns `true` if a scope is being entered, which takes interrupts.
pub(in crate::context) fn is_entering() -> bool {
    STATE.get() & DEPTH_MASK > 0
}

/// Registers an interrupt with the scope that is being entered.
pub(crate) fn register(interrupt: Arc<dyn Interrupt>) -> Result<(), NotEntering> {
    let state = STATE.get();
    let depth = state & DEPTH_MASK;
    // The access fails while the thread ends.
    if depth == 0 || REGISTERED.try_with(|all| all.borrow_mut().push((depth, interrupt))).is_err() {
        return Err(NotEntering);
    }
    STATE.set(state + (1 << 32));
    Ok(())
}

/// Collects the interrupts that are registered on this thread, and adds them to `interrupts` when it is dropped.
///
/// It is held during one poll of an enter, and never across an `await`.
pub(super) struct Collector<'a> {
    /// [`STATE`] before this collector was opened.
    outer: u64,
    interrupts: &'a mut Interrupts,
}

impl<'a> Collector<'a> {
    #[inline]
    pub(super) fn open(interrupts: &'a mut Interrupts) -> Self {
        let outer = STATE.get();
        STATE.set(outer + 1);
        Self { outer, interrupts }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        let outer_depth = self.outer & DEPTH_MASK;
        // The inner collectors have collected their interrupts. The entries that are deeper than the outer collector
        // are therefore those of this collector, and come last.
        let interrupts = &mut *self.interrupts;
        // The access fails while the thread ends, when no scope runs any more.
        let remaining = REGISTERED.try_with(|all| {
            let mut all = all.borrow_mut();
            let ours = all.partition_point(|(depth, _)| *depth <= outer_depth);
            all.drain(ours..).for_each(|(_, interrupt)| interrupts.add(interrupt));
            all.len() as u64
        });
        STATE.set(outer_depth | remaining.unwrap_or(0) << 32);
    }
}

impl Drop for Collector<'_> {
    #[inline]
    fn drop(&mut self) {
        if STATE.get() == self.outer + 1 {
            STATE.set(self.outer);
        } else {
            self.collect();
        }
    }
}
