//! The state that the functions of a program share, and its trace.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use futures::future::BoxFuture;
use withal::coroutine::State as CoroutineState;
use withal::generator::WeakGenerator;

use super::adapters::HandledExceptions;
use super::coroutines::SharedCoroutine;
use super::generators::AnyGenerator;
use super::program::{Function, Value};
use super::raised::{Kind, Raised};
use super::rules::{Cutoff, Rule};

/// The part of the crate that the generators of a program use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Managed generators, with the hooks of a user's event loop.
    Hooks,
    /// Managed generators that the crate registers and closes: `shutdown_asyncgens`.
    Asyncgens,
    /// Pinned generators, each with one owner.
    Pinned,
}

pub(super) struct World {
    pub(super) functions: Vec<Function>,
    pub(super) mode: Mode,
    /// The driver may throw something in during an await.
    pub(super) is_thrown_into: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    /// The number of steps that the driver has made.
    steps: usize,
    suspended: Option<Suspended>,
    /// The waker of the suspended future.
    waker: Option<Waker>,
    sent: Value,
    thrown: Option<Raised>,
    /// The number of futures being polled that no throw reaches, minus the exceptions inside them.
    opaque: isize,
    /// The frames that are being polled, the innermost last.
    running: Vec<Arc<HandledExceptions>>,
    generators: usize,
    made: BTreeMap<usize, Weak<dyn AnyGenerator>>,
    /// The managers, for which Python has generators, too; dropped when their functions have ended.
    managers: BTreeMap<usize, Weak<()>>,
    /// The numbers of the generators that were iterated, in that order.
    iterated: Vec<usize>,
    /// The handles that the crate passed to the first hook.
    hooked: BTreeMap<usize, WeakGenerator>,
    dropped: Vec<Dropped>,
    shared: BTreeMap<usize, Arc<SharedCoroutine>>,
    /// The line up to which the run is compared, and the reason.
    cutoff: Option<(Cutoff, usize)>,
}

/// The place where a step was suspended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspended {
    pub(super) token: i64,
    /// No throw reaches it: an exception has to be raised by the suspended future itself.
    pub(super) is_opaque: bool,
}

/// A generator that an event loop knows.
pub(super) enum Iterated {
    Generator(Weak<dyn AnyGenerator>, Option<WeakGenerator>),
    Manager(Weak<()>),
}

impl Iterated {
    /// Returns the generator, unless it was dropped or has ended.
    pub(super) fn generator(&self) -> Option<Arc<dyn AnyGenerator>> {
        let Self::Generator(generator, _) = self else { return None };
        generator.upgrade().filter(|generator| generator.state() != Some(CoroutineState::Closed))
    }
}

/// The close of a generator, whose types are erased.
pub(super) type BoxClose = BoxFuture<'static, Result<(), Box<dyn Any + Send>>>;

/// A generator that was dropped before it ended.
pub(super) struct Dropped {
    pub(super) name: String,
    pub(super) number: usize,
    /// `None` for a body that had not started.
    pub(super) closing: Option<BoxClose>,
}

impl World {
    pub(super) fn new(functions: Vec<Function>, mode: Mode, is_thrown_into: bool) -> Arc<Self> {
        Arc::new(Self { functions, mode, is_thrown_into, state: Mutex::default() })
    }

    /// Ignores poisoning: a panic of a program is reported together with the trace up to there.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self, line: impl Display) {
        self.state().trace.push(line.to_string());
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// Excludes what the program does from here on.
    pub(super) fn exclude(&self, rule: Rule) {
        self.cut_off(Cutoff::Rule(rule));
    }

    /// Ends the comparison where an exit continues as a cleanup. Without a runtime the cleanup is abandoned, which
    /// matches Python, where the rest does not run.
    pub(super) fn cut_off_at_detach(&self) {
        if self.mode == Mode::Asyncgens {
            self.cut_off(Cutoff::ModeLimit);
        }
    }

    pub(super) fn cut_off(&self, cutoff: Cutoff) {
        if std::thread::panicking() {
            // The drop is caused by a panic, which is reported anyway.
            return;
        }
        let mut state = self.state();
        let lines = state.trace.len();
        state.cutoff.get_or_insert((cutoff, lines));
    }

    pub(super) fn cutoff(&self) -> Option<(Cutoff, usize)> {
        self.state().cutoff
    }

    /// Makes a step of the driver, which sends or throws something to the suspended future.
    pub(super) fn step(&self, sent: Value, thrown: Option<Raised>) {
        let mut state = self.state();
        state.steps += 1;
        state.suspended = None;
        (state.sent, state.thrown) = (sent, thrown);
        let waker = state.waker.take();
        drop(state);
        // For a future that a runtime polls, and not the driver.
        waker.inspect(Waker::wake_by_ref);
    }

    pub(super) fn steps(&self) -> usize {
        self.state().steps
    }

    pub(super) fn suspend(&self, token: i64, waker: Waker) {
        let mut state = self.state();
        state.waker = Some(waker);
        state.suspended = Some(Suspended { token, is_opaque: state.opaque > 0 });
    }

    pub(super) fn suspended(&self) -> Option<Suspended> {
        self.state().suspended
    }

    pub(super) fn sent(&self) -> Result<Value, Raised> {
        let mut state = self.state();
        state.thrown.take().map_or(Ok(state.sent.take()), Err)
    }

    /// Records that an exception is raised at an await. If it is an exit, PEP 380 *closes* what is awaited: all
    /// frames but the one that it is thrown into.
    pub(super) fn close_awaited_frames(&self, raised: &Raised) {
        if raised.kind() != Kind::GeneratorExit {
            return;
        }
        let state = self.state();
        let closed = state.running.get(1..).unwrap_or_default();
        for frame in closed {
            frame.close(raised.clone());
        }
        if state.opaque > 0 && !closed.is_empty() {
            drop(state);
            // The closed frames include those of a stack or a manager, which may handle the exit.
            self.exclude(Rule::ExitsInside);
        }
    }

    /// Excludes the rest when a closed frame observes its exit: in Python it is a different exception than the one
    /// thrown in.
    pub(super) fn check_shown(&self, raised: &Raised) {
        let is_closed =
            |frame: &Arc<HandledExceptions>| frame.closed_by().is_some_and(|exit| exit.is(raised));
        let is_other = !raised.is_exit() && self.state().running.iter().any(is_closed);
        if is_other {
            self.exclude(Rule::ExitsInside);
        }
    }

    pub(super) fn enter_frame(&self, frame: &Arc<HandledExceptions>) {
        self.state().running.push(Arc::clone(frame));
    }

    pub(super) fn leave_frame(&self) {
        let frame = self.state().running.pop();
        drop(frame);
    }

    pub(super) fn shift_opaque(&self, by: isize) {
        self.state().opaque += by;
    }

    /// The exception that the running frame handles, or else the frames that await it.
    pub(super) fn handled(&self) -> Option<Raised> {
        self.state().running.iter().rev().find_map(|handled| handled.last())
    }

    /// Sets the context of an exception that a statement or the interpreter raises.
    pub(super) fn raise(&self, raised: Raised) -> Raised {
        raised.raised_under(self.handled());
        raised
    }

    pub(super) fn next_generator(&self) -> usize {
        let mut state = self.state();
        state.generators += 1;
        state.generators - 1
    }

    pub(super) fn made(&self, number: usize, generator: Weak<dyn AnyGenerator>) {
        self.state().made.insert(number, generator);
    }

    pub(super) fn mark_iterated(&self, number: usize) {
        self.state().iterated.push(number);
    }

    pub(super) fn hooked(&self, number: usize, generator: WeakGenerator) {
        self.state().hooked.insert(number, generator);
    }

    pub(super) fn manager_iterated(&self, number: usize, manager: Weak<()>) {
        self.state().managers.insert(number, manager);
        self.mark_iterated(number);
    }

    /// The generators that were iterated.
    pub(super) fn live(&self) -> Vec<Iterated> {
        let state = self.state();
        let live = |number: &usize| match state.managers.get(number) {
            Some(manager) => Iterated::Manager(manager.clone()),
            None => Iterated::Generator(state.made[number].clone(), state.hooked.get(number).cloned()),
        };
        state.iterated.iter().map(live).collect()
    }

    pub(super) fn dropped(&self, dropped: Dropped) {
        self.state().dropped.push(dropped);
    }

    pub(super) fn dropped_count(&self) -> usize {
        self.state().dropped.len()
    }

    /// Removes the first generator that was dropped before it ended.
    pub(super) fn next_dropped(&self) -> Option<Dropped> {
        let mut state = self.state();
        let first = (0..state.dropped.len()).min_by_key(|at| state.dropped[*at].number)?;
        Some(state.dropped.remove(first))
    }

    pub(super) fn shared(self: &Arc<Self>, function: usize) -> Arc<SharedCoroutine> {
        if let Some(shared) = self.state().shared.get(&function) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(SharedCoroutine::new(self, function));
        self.state().shared.insert(function, Arc::clone(&shared));
        shared
    }

    pub(super) fn forget_shared(&self) {
        // Dropped after the state is unlocked.
        let shared = std::mem::take(&mut self.state().shared);
        drop(shared);
    }
}
