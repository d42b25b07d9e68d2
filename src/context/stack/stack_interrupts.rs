use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::context::scope::interrupts::{Interrupt, leave_all, register};

/// The interrupts of the managers on a stack, which the stack registers as one interrupt with the scope that enters it.
pub(super) struct StackInterrupts(Mutex<State>);

struct State {
    /// `true` while the block runs.
    is_open: bool,
    /// Each interrupt, with the position of its manager on the stack.
    interrupts: Vec<Positioned>,
    /// The position of the manager that has interrupted the block.
    interrupted_by: Option<usize>,
}

pub(super) type Positioned = (usize, Arc<dyn Interrupt>);

impl StackInterrupts {
    /// Registers the interrupts with the scope that is being entered. Without such a scope, the returned value only
    /// holds them.
    pub(super) fn register(interrupts: Vec<Positioned>) -> Arc<Self> {
        let state = State { is_open: true, interrupts, interrupted_by: None };
        let this = Arc::new(Self(Mutex::new(state)));
        if register(this.clone()).is_err() {
            this.lock().is_open = false;
        }
        this
    }

    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if the interrupts end a block.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    #[cold]
    pub(super) fn add(&self, position: usize, interrupt: Arc<dyn Interrupt>) {
        self.lock().interrupts.push((position, interrupt));
    }

    /// Takes the interrupts, for the stack that the managers move to.
    pub(super) fn take(&self) -> Vec<Positioned> {
        std::mem::take(&mut self.lock().interrupts)
    }

    pub(super) fn interrupted_by(&self) -> Option<usize> {
        self.lock().interrupted_by
    }
}

impl Interrupt for StackInterrupts {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut index = 0;
        loop {
            // Each is cloned, so that the lock is released while it is polled.
            let next = self.lock().interrupts.get(index).cloned();
            let Some((position, interrupt)) = next else { return Poll::Pending };
            if interrupt.poll_interrupt(cx).is_ready() {
                self.lock().interrupted_by = Some(position);
                return Poll::Ready(());
            }
            index += 1;
        }
    }

    fn leave_block(&self) {
        let interrupts = {
            let mut state = self.lock();
            state.is_open = false;
            std::mem::take(&mut state.interrupts)
        };
        leave_all(interrupts.into_iter().map(|(_, interrupt)| interrupt));
    }

    fn is_limit(&self) -> bool {
        let interrupts: Vec<_> =
            self.lock().interrupts.iter().map(|(_, interrupt)| interrupt.clone()).collect();
        interrupts.iter().any(|interrupt| interrupt.is_limit())
    }
}
