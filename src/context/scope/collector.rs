//! The interrupts of a scope: futures that end its block, registered by its manager while the manager is entered.
//!
//! A scope polls `aenter` inside of an [`Enter`](super::enter::Enter), which keeps a [`Collector`] open during each poll.
//! [`interrupt_when`](super::interrupt_when::interrupt_when) registers a future with the innermost collector that is
//! open on the thread, whatever wrappers are between the manager and the scope. The scope polls what was registered
//! whenever its block is pending.
//!
//! Nearly all managers register nothing. For them, a collector costs one thread-local increment when it opens, and a
//! decrement when it closes, as a [`TrackingScope`](crate::cleanup::TrackingScope) does.

use std::cell::RefCell;
use std::sync::Arc;

use super::interrupt::{Both, Interrupt};
use super::interrupts::Interrupts;
use crate::cleanup::OpenScopes;

thread_local! {
    /// The collectors that are open on this thread. The flag is set while [`REGISTERED`] is not empty.
    static OPEN: OpenScopes = const { OpenScopes::new() };
    /// The interrupts that were registered in the open collectors, each with the depth of its collector, in ascending
    /// order of depth.
    static REGISTERED: RefCell<Vec<(usize, Arc<dyn Interrupt>)>> = const { RefCell::new(Vec::new()) };
}

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
    OPEN.with(OpenScopes::depth) > 0
}

/// Registers an interrupt with the scope that is being entered.
pub(crate) fn register(interrupt: Arc<dyn Interrupt>) -> Result<(), NotEntering> {
    let depth = OPEN.with(OpenScopes::depth);
    // The access fails while the thread ends.
    if depth == 0 || REGISTERED.try_with(|all| all.borrow_mut().push((depth, interrupt))).is_err() {
        return Err(NotEntering);
    }
    OPEN.with(|open| open.set_collected(true));
    Ok(())
}

/// Collects the interrupts that are registered on this thread, and adds them to `interrupts` when it is dropped.
///
/// It is held during one poll of an enter, and never across an `await`.
pub(super) struct Collector<'a> {
    interrupts: &'a mut Interrupts,
}

impl<'a> Collector<'a> {
    #[inline]
    pub(super) fn open(interrupts: &'a mut Interrupts) -> Self {
        OPEN.with(OpenScopes::open);
        Self { interrupts }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        // This collector is closed already.
        let depth = OPEN.with(OpenScopes::depth) + 1;
        // The access fails while the thread ends, when no scope runs any more.
        let remaining = REGISTERED.try_with(|all| {
            let mut all = all.borrow_mut();
            // The inner collectors have collected their interrupts. The entries of this collector come last.
            // Usually, there is one.
            let mut ours = None;
            while all.last().is_some_and(|(of, _)| *of >= depth) {
                let last = all.pop().map(|(_, interrupt)| interrupt);
                ours = Both::of(last, ours);
            }
            if let Some(ours) = ours {
                self.interrupts.add(ours);
            }
            all.len()
        });
        OPEN.with(|open| open.set_collected(remaining.unwrap_or(0) > 0));
    }
}

impl Drop for Collector<'_> {
    #[inline]
    fn drop(&mut self) {
        if OPEN.with(OpenScopes::close) {
            self.collect();
        }
    }
}
