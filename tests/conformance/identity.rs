//! The name of a generator in the traces, and the state that Python keeps for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use withal::coroutine::{State, Thrown};
use withal::generator::{Hooks, WeakGenerator};

use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::{Dropped, Mode, World};

/// The flags are `Relaxed`: a program runs on one thread, and they are atomic only because its futures must be `Send`.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) world: Arc<World>,
    first: Mutex<FirstHook>,
    /// Its `aclose` has started: Python treats it as closed from then on.
    is_close_started: AtomicBool,
    /// An exit was thrown in, and it has not yielded since.
    is_exiting: AtomicBool,
    /// An awaitable of it was dropped while it was suspended.
    is_wedged: AtomicBool,
}

/// The progress of the first hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstHook {
    NotYet,
    /// The trace has the line, but the crate has not called the hook yet.
    Announced,
    Called,
}

impl Identity {
    pub(super) fn new(world: &Arc<World>, function: usize) -> Arc<Self> {
        let number = world.next_generator();
        Arc::new(Self {
            name: format!("g{function}.{number}"),
            number,
            world: Arc::clone(world),
            first: Mutex::new(FirstHook::NotYet),
            is_close_started: AtomicBool::new(false),
            is_exiting: AtomicBool::new(false),
            is_wedged: AtomicBool::new(false),
        })
    }

    /// Returns hooks that write the trace. Without a first hook, the crate registers the generator for a shutdown.
    pub(super) fn hooks(self: &Arc<Self>) -> Hooks {
        let of_finalizer = Arc::clone(self);
        let hooks = Hooks::default().finalizer(move |closing| {
            of_finalizer.dropped(Some(Box::pin(closing)));
        });
        if self.world.mode == Mode::Asyncgens {
            return hooks;
        }
        let of_first = Arc::clone(self);
        hooks.firstiter(move |generator| of_first.first_hook(generator))
    }

    fn first_hook(&self, generator: &WeakGenerator) {
        let before = std::mem::replace(&mut *self.first.lock().unwrap(), FirstHook::Called);
        if before != FirstHook::Announced {
            self.log_first();
        }
        self.world.hooked(self.number, generator.clone());
    }

    fn log_first(&self) {
        self.world.log(format_args!("hook first {}", self.name));
        self.world.mark_iterated(self.number);
    }

    /// Logs the first hook when an operation is made, as Python does. The crate calls the hook when the operation is
    /// polled.
    pub(super) fn announce(&self) {
        let mut first = self.first.lock().unwrap();
        if *first == FirstHook::NotYet {
            *first = if self.world.mode == Mode::Hooks { FirstHook::Announced } else { FirstHook::Called };
            self.log_first();
        }
    }

    /// Does the same for an operation that is polled at once: the hook logs itself then, if there is one.
    pub(super) fn announce_unless_hooked(&self) {
        if self.world.mode != Mode::Hooks {
            self.announce();
        }
    }

    /// Checks after a poll of an operation that the hook was called.
    pub(super) fn expect_hook(&self) {
        if *self.first.lock().unwrap() != FirstHook::Called {
            self.world.log("the first hook was not called");
        }
    }

    pub(super) fn is_iterated(&self) -> bool {
        *self.first.lock().unwrap() != FirstHook::NotYet
    }

    pub(super) fn dropped(&self, closing: Option<super::world::BoxClose>) {
        self.is_exiting.store(true, Ordering::Relaxed);
        self.world.dropped(Dropped { name: self.name.clone(), number: self.number, closing });
    }

    /// Converts an exception that leaves the body. An exit ends a stream; if the body of a stream raises one that was
    /// not thrown in, it has to become an error.
    pub(super) fn leave_body(&self, raised: Raised, is_stream: bool) -> Thrown<Raised> {
        if is_stream && !self.is_exiting.load(Ordering::Relaxed) {
            return Thrown::Error(raised);
        }
        raised.into_thrown()
    }

    pub(super) fn resumed(&self) {
        self.is_exiting.store(false, Ordering::Relaxed);
    }

    /// Records a throw into a body in this state; `None` means that another operation is in progress, so that nothing
    /// is thrown in.
    pub(super) fn thrown(&self, raised: &Raised, state: Option<State>) {
        if state.is_none() {
            return;
        }
        let is_exiting = self.is_exiting.swap(raised.is_exit(), Ordering::Relaxed);
        if is_exiting && raised.is_exit() {
            self.world.exclude(Rule::ClosesAClose);
        }
        // In a body that has not started, no code runs to which PEP 479 could apply.
        if raised.kind() == Kind::StopIteration && state == Some(State::Created) {
            self.world.exclude(Rule::StopAsResult);
        }
    }

    pub(super) fn mark_wedged(&self) {
        self.is_wedged.store(true, Ordering::Relaxed);
    }

    pub(super) fn exclude_if_wedged(&self) {
        if self.is_wedged.load(Ordering::Relaxed) {
            self.world.exclude(Rule::Wedged);
        }
    }

    /// Records that an `aclose` starts, with a body in this state.
    pub(super) fn start_close(&self, state: Option<State>) {
        self.exclude_if_closing(state);
        if state.is_some() {
            self.is_close_started.store(true, Ordering::Relaxed);
            self.is_exiting.store(true, Ordering::Relaxed);
        }
    }

    /// Does nothing while an operation is in progress, or after the end of the body: both behave alike on both sides.
    pub(super) fn exclude_if_closing(&self, state: Option<State>) {
        let is_there = !matches!(state, None | Some(State::Closed));
        if is_there && self.is_close_started.load(Ordering::Relaxed) {
            self.world.exclude(Rule::ClosedBefore);
        }
    }
}
