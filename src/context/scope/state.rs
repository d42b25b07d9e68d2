use tokio::runtime::Handle;

use super::interrupts::Interrupts;
use crate::cleanup::ChildCleanups;

/// The part of a scope that its block borrows in addition to the guard.
#[derive(Default)]
pub struct ScopeState<R> {
    /// The cleanups that were detached in the block and in the exit.
    pub(in crate::context) children: ChildCleanups,
    pub(in crate::context) runtime: R,
    /// Empty after the block has ended.
    pub(in crate::context) interrupts: Interrupts,
}

/// The runtime on which an exit continues if its future is dropped outside of a runtime. It is `()` for policies that
/// need no runtime.
pub trait RuntimeSlot: Default + Send {
    /// Stores the current runtime. Called when the scope is suspended: from then on it can be dropped anywhere.
    ///
    /// A scope that is never suspended never looks up the runtime.
    fn capture_current(&mut self);

    /// Returns `false` from the call of an exit that must not be called again.
    #[inline]
    fn is_restartable(&self) -> bool {
        true
    }
}

impl RuntimeSlot for () {
    #[inline]
    fn capture_current(&mut self) {}
}

/// The slots of a guard that is one of two.
impl<A: RuntimeSlot, B: RuntimeSlot> RuntimeSlot for (A, B) {
    #[inline]
    fn capture_current(&mut self) {
        self.0.capture_current();
        self.1.capture_current();
    }

    #[inline]
    fn is_restartable(&self) -> bool {
        self.0.is_restartable() && self.1.is_restartable()
    }
}

impl RuntimeSlot for Option<Handle> {
    #[inline]
    fn capture_current(&mut self) {
        // The scope may have been moved to another runtime, and the first runtime may have shut down since.
        if let Ok(current) = Handle::try_current() {
            if self.as_ref().is_none_or(|captured| captured.id() != current.id()) {
                *self = Some(current);
            }
        }
    }
}
