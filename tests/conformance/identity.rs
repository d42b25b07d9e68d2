//! What the traces know of a generator, and what Python keeps in mind of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use withal::coroutine::{State, Thrown};
use withal::generator::{Hooks, WeakGenerator};

use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::world::{Dropped, Way, World};

pub(super) struct Identity {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) world: Arc<World>,
    first: Mutex<First>,
    /// Its `aclose` has begun: Python takes it for closed from then on.
    is_told: AtomicBool,
    /// It was told to exit, and has not yielded since.
    is_exiting: AtomicBool,
    /// An awaitable of it was dropped in the middle.
    is_wedged: AtomicBool,
}

/// Where the first hook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    NotYet,
    /// The trace has it, and the crate is still to call it.
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
            first: Mutex::new(First::NotYet),
            is_told: AtomicBool::new(false),
            is_exiting: AtomicBool::new(false),
            is_wedged: AtomicBool::new(false),
        })
    }

    /// The crate's hooks, which write the trace; without the first one, it is the crate that keeps the generator in mind.
    pub(super) fn hooks(self: &Arc<Self>) -> Hooks {
        let of_finalizer = Arc::clone(self);
        let hooks = Hooks::default().finalizer(move |closing| {
            of_finalizer.dropped(Some(Box::pin(closing)));
        });
        if self.world.way == Way::Asyncgens {
            return hooks;
        }
        let of_first = Arc::clone(self);
        hooks.firstiter(move |generator| of_first.first_hook(generator))
    }

    fn first_hook(&self, generator: &WeakGenerator) {
        let before = std::mem::replace(&mut *self.first.lock().unwrap(), First::Called);
        if before != First::Announced {
            self.log_first();
        }
        self.world.hooked(self.number, generator.clone());
    }

    fn log_first(&self) {
        self.world.log(format_args!("hook first {}", self.name));
        self.world.begun(self.number);
    }

    /// An operation is made: where Python calls the first hook. The crate calls it when that is polled.
    pub(super) fn announce(&self) {
        let mut first = self.first.lock().unwrap();
        if *first == First::NotYet {
            *first = if self.world.way == Way::Hooks { First::Announced } else { First::Called };
            self.log_first();
        }
    }

    /// The same where it is polled at once: then the hook itself tells it, if there is one.
    pub(super) fn announce_unless_hooked(&self) {
        if self.world.way != Way::Hooks {
            self.announce();
        }
    }

    /// An operation was polled.
    pub(super) fn expect_hook(&self) {
        if *self.first.lock().unwrap() != First::Called {
            self.world.log("the first hook was not called");
        }
    }

    pub(super) fn is_iterated(&self) -> bool {
        *self.first.lock().unwrap() != First::NotYet
    }

    pub(super) fn dropped(&self, closing: Option<super::world::Closes>) {
        self.is_exiting.store(true, Ordering::Relaxed);
        self.world.dropped(Dropped { name: self.name.clone(), number: self.number, closing });
    }

    /// As it leaves the body of a generator. The exit is the end of a stream: where nobody has told it to exit, and a
    /// stream is what it is, it has to be an error.
    pub(super) fn leaves(&self, raised: Raised, is_stream: bool) -> Thrown<Raised> {
        if is_stream && !self.is_exiting.load(Ordering::Relaxed) {
            return Thrown::Error(raised);
        }
        raised.into_thrown()
    }

    pub(super) fn goes_on(&self) {
        self.is_exiting.store(false, Ordering::Relaxed);
    }

    /// It is thrown into a body that stands there; or into none, while something else is under way.
    pub(super) fn thrown(&self, raised: &Raised, state: Option<State>) {
        if state.is_none() {
            return;
        }
        let is_exiting = self.is_exiting.swap(raised.is_exit(), Ordering::Relaxed);
        if is_exiting && raised.is_exit() {
            self.world.exclude(Rule::ClosesAClose);
        }
        // No code has run there that PEP 479 could be in.
        if raised.kind() == Kind::StopIteration && state == Some(State::Created) {
            self.world.exclude(Rule::StopAsResult);
        }
    }

    pub(super) fn wedge(&self) {
        self.is_wedged.store(true, Ordering::Relaxed);
    }

    pub(super) fn exclude_if_wedged(&self) {
        if self.is_wedged.load(Ordering::Relaxed) {
            self.world.exclude(Rule::Wedged);
        }
    }

    /// An `aclose` begins, with a body that stands there.
    pub(super) fn tell(&self, state: Option<State>) {
        self.exclude_if_told(state);
        if state.is_some() {
            self.is_told.store(true, Ordering::Relaxed);
            self.is_exiting.store(true, Ordering::Relaxed);
        }
    }

    /// Unless something is under way, or the body has ended: both are the same, told or not.
    pub(super) fn exclude_if_told(&self, state: Option<State>) {
        let is_there = !matches!(state, None | Some(State::Closed));
        if is_there && self.is_told.load(Ordering::Relaxed) {
            self.world.exclude(Rule::ClosedBefore);
        }
    }
}
