use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::task::coop::has_budget_remaining;

use crate::context::scope::collector::register;
use crate::context::scope::interrupt::Interrupt;

/// The interrupt of one manager on a stack. It belongs to the manager's exit, and moves with it to another stack. The
/// block in which the manager was entered shares it, and polls it until the block has ended or the manager is exited.
pub(super) struct EntryInterrupt {
    /// `None` after the manager has left the block.
    interrupt: Mutex<Option<Arc<dyn Interrupt>>>,
    /// Stored by the poll of the block, and loaded by the exits of a stack: after the block has ended, in the same task or
    /// in a cleanup that this task has started. The exits of another stack, to which the manager has moved, may run at
    /// the same time, and only decide whether they may suppress an interrupt that did not end their block. The flag
    /// publishes nothing, so Relaxed suffices.
    has_interrupted: AtomicBool,
}

impl EntryInterrupt {
    pub(super) fn new(interrupt: Arc<dyn Interrupt>) -> Arc<Self> {
        Arc::new(Self { interrupt: Mutex::new(Some(interrupt)), has_interrupted: AtomicBool::new(false) })
    }

    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Interrupt>>> {
        self.interrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the interrupt for another block. It no longer ends the block that it has ended so far.
    pub(super) fn renew(&self) -> Option<Arc<Self>> {
        let interrupt = self.lock().take();
        interrupt.map(Self::new)
    }

    /// Notifies the manager that its block has ended. Called again, it does nothing.
    pub(super) fn leave_block(&self) {
        let interrupt = self.lock().take();
        if let Some(interrupt) = interrupt {
            interrupt.leave_block();
        }
    }

    /// Returns `true` if the manager has interrupted a block.
    pub(super) fn has_interrupted(&self) -> bool {
        self.has_interrupted.load(Ordering::Relaxed)
    }

    fn is_limit(&self) -> bool {
        let interrupt = self.lock().clone();
        interrupt.is_some_and(|interrupt| interrupt.is_limit())
    }

    fn poll_before_block(&self, cx: &mut Context<'_>) {
        let interrupt = self.lock().clone();
        if let Some(interrupt) = interrupt {
            interrupt.poll_before_block(cx);
        }
    }

    /// Returns `true` if there is an interrupt that must fail.
    fn refuse(&self) -> bool {
        let interrupt = self.lock().clone().filter(|interrupt| interrupt.is_limit());
        let Some(interrupt) = interrupt else { return false };
        self.has_interrupted.store(true, Ordering::Relaxed);
        interrupt.refuse();
        true
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned, so that the lock is released while it is polled.
        let interrupt = self.lock().clone();
        let polled = interrupt.map_or(Poll::Pending, |interrupt| interrupt.poll_interrupt(cx));
        if polled.is_ready() {
            self.has_interrupted.store(true, Ordering::Relaxed);
        }
        polled
    }
}

/// The interrupts of the managers on a stack, which the stack registers as one interrupt with the scope that enters it,
/// or, if the stack is a part of a manager, with the scope that enters that manager.
pub(super) struct StackInterrupts {
    /// `true` while the block runs. It is loaded by the methods of a stack, which the block calls or has called before it
    /// ended. It publishes nothing, so Relaxed suffices.
    is_open: AtomicBool,
    state: Mutex<State>,
}

struct State {
    interrupts: Vec<Arc<EntryInterrupt>>,
    /// The index of the interrupt that is polled first before the block.
    first: usize,
    /// The interrupt that has ended the block.
    interrupted_by: Option<Arc<EntryInterrupt>>,
}

impl StackInterrupts {
    /// Registers the interrupts with the scope that is being entered. Returns `None` without such a scope.
    pub(super) fn register(interrupts: Vec<Arc<EntryInterrupt>>) -> Option<Arc<Self>> {
        let state = Mutex::new(State { interrupts, first: 0, interrupted_by: None });
        let this = Arc::new(Self { is_open: AtomicBool::new(true), state });
        register(this.clone()).ok().map(|()| this)
    }

    /// No user code runs while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if the interrupts end a block.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    #[cold]
    pub(super) fn add(&self, interrupt: Arc<EntryInterrupt>) {
        self.lock().interrupts.push(interrupt);
    }

    pub(super) fn interrupted_by(&self) -> Option<Arc<EntryInterrupt>> {
        self.lock().interrupted_by.take()
    }
}

impl Interrupt for StackInterrupts {
    fn poll_interrupt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut index = 0;
        loop {
            let next = self.lock().interrupts.get(index).cloned();
            let Some(interrupt) = next else { return Poll::Pending };
            if interrupt.poll(cx).is_ready() {
                self.lock().interrupted_by = Some(interrupt);
                return Poll::Ready(());
            }
            index += 1;
        }
    }

    fn poll_before_block(&self, cx: &mut Context<'_>) {
        let (interrupts, first) = {
            let mut state = self.lock();
            // The first may spend the budget, so they take turns. Without budget, a turn would be lost.
            if has_budget_remaining() {
                state.first = (state.first + 1) % state.interrupts.len().max(1);
            }
            (state.interrupts.clone(), state.first)
        };
        let (last, first) = interrupts.split_at(first.min(interrupts.len()));
        first.iter().chain(last).for_each(|interrupt| interrupt.poll_before_block(cx));
    }

    fn refuse(&self) {
        let interrupts = self.lock().interrupts.clone();
        for interrupt in interrupts {
            if interrupt.refuse() {
                self.lock().interrupted_by = Some(interrupt);
            }
        }
    }

    /// The managers leave the block when they are exited: they may have moved to a stack that is entered again.
    fn leave_block(&self) {
        self.is_open.store(false, Ordering::Relaxed);
        let interrupts = mem::take(&mut self.lock().interrupts);
        drop(interrupts);
    }

    fn is_limit(&self) -> bool {
        // Cloned, so that no lock is held while another one is taken.
        let interrupts = self.lock().interrupts.clone();
        interrupts.iter().any(|interrupt| interrupt.is_limit())
    }
}
