//! What the functions of a program share, and its trace.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use futures::future::BoxFuture;
use withal::coroutine::State as Stands;
use withal::generator::WeakGenerator;

use super::around::Handled;
use super::coroutines::SharedCoroutine;
use super::generators::Live;
use super::program::{Function, Value};
use super::raised::{Kind, Raised};
use super::rules::{Rule, Until};

/// By which of the crate's ways a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its generators are managed, with hooks: those of an event loop of one's own.
    Hooks,
    /// The crate keeps in mind which generators there are, and closes them: `shutdown_asyncgens`.
    Asyncgens,
    /// They are pinned, each in the hands of one alone.
    Pinned,
}

pub(super) struct World {
    pub(super) functions: Vec<Function>,
    pub(super) way: Way,
    /// Something may be thrown in while it awaits.
    pub(super) is_thrown_into: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    /// How many steps the driver has made.
    steps: usize,
    suspended: Option<Suspended>,
    /// Of whoever is suspended.
    waker: Option<Waker>,
    sent: Value,
    thrown: Option<Raised>,
    /// How many of the futures that are being polled no throw comes through.
    opaque: isize,
    /// What those that are being polled handle, the innermost last.
    running: Vec<Arc<Handled>>,
    generators: usize,
    made: BTreeMap<usize, Weak<dyn Live>>,
    /// Of the managers, for which Python has generators, too: gone when their functions have ended.
    managers: BTreeMap<usize, Weak<()>>,
    /// The numbers of those that were iterated, in that order.
    begun: Vec<usize>,
    /// What the crate's first hook gave.
    hooked: BTreeMap<usize, WeakGenerator>,
    dropped: Vec<Dropped>,
    shared: BTreeMap<usize, Arc<SharedCoroutine>>,
    /// Up to where it can be compared: to that line.
    until: Option<(Until, usize)>,
}

/// Where a step has come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspended {
    pub(super) token: i64,
    /// No throw comes through to it: it has to be raised where it waits.
    pub(super) is_opaque: bool,
}

/// What an event loop knows of.
pub(super) enum Begun {
    Generator(Weak<dyn Live>, Option<WeakGenerator>),
    Manager(Weak<()>),
}

impl Begun {
    /// Unless it is gone, or has ended.
    pub(super) fn generator(&self) -> Option<Arc<dyn Live>> {
        let Self::Generator(generator, _) = self else { return None };
        generator.upgrade().filter(|generator| generator.state() != Some(Stands::Closed))
    }
}

/// The close of a generator, whatever its types.
pub(super) type Closes = BoxFuture<'static, Result<(), Box<dyn Any + Send>>>;

/// A generator that was dropped unfinished.
pub(super) struct Dropped {
    pub(super) name: String,
    pub(super) number: usize,
    /// None of a body that had not begun.
    pub(super) closing: Option<Closes>,
}

impl World {
    pub(super) fn new(functions: Vec<Function>, way: Way, is_thrown_into: bool) -> Arc<Self> {
        Arc::new(Self { functions, way, is_thrown_into, state: Mutex::default() })
    }

    /// What a program panics with is told, and so is the trace up to there.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self, line: impl Display) {
        self.state().trace.push(line.to_string());
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// What the program does now has no place here.
    pub(super) fn exclude(&self, rule: Rule) {
        self.leave(Until::Rule(rule));
    }

    /// An exit goes on as a cleanup, which is lost where no runtime is: as Python has it, which drops what it would do.
    pub(super) fn detaches(&self) {
        if self.way == Way::Asyncgens {
            self.leave(Until::OfThisWay);
        }
    }

    pub(super) fn leave(&self, until: Until) {
        if std::thread::panicking() {
            // It is for the panic that things are dropped.
            return;
        }
        let mut state = self.state();
        let lines = state.trace.len();
        state.until.get_or_insert((until, lines));
    }

    pub(super) fn until(&self) -> Option<(Until, usize)> {
        self.state().until
    }

    /// The driver makes a step, and sends or throws what is to come to where it is suspended.
    pub(super) fn step(&self, sent: Value, thrown: Option<Raised>) {
        let mut state = self.state();
        state.steps += 1;
        state.suspended = None;
        (state.sent, state.thrown) = (sent, thrown);
        let waker = state.waker.take();
        drop(state);
        // Where a runtime polls it, and not the driver.
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

    /// It comes to an await of who runs. As PEP 380 has it, what is awaited is *closed* when that is an exit: all frames
    /// but the one that it is thrown into.
    pub(super) fn comes(&self, raised: &Raised) {
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
            // Closed are the frames of a stack or of a manager, too, and these have a say in it.
            self.exclude(Rule::ExitsInside);
        }
    }

    /// It shows what it is: in what is closed, another exit than the one that was thrown.
    pub(super) fn shows(&self, raised: &Raised) {
        let is_closed = |frame: &Arc<Handled>| frame.closed_by().is_some_and(|exit| exit.is(raised));
        let is_other = !raised.is_exit() && self.state().running.iter().any(is_closed);
        if is_other {
            self.exclude(Rule::ExitsInside);
        }
    }

    pub(super) fn enter_frame(&self, frame: &Arc<Handled>) {
        self.state().running.push(Arc::clone(frame));
    }

    pub(super) fn leave_frame(&self) {
        let frame = self.state().running.pop();
        drop(frame);
    }

    pub(super) fn shift_opaque(&self, by: isize) {
        self.state().opaque += by;
    }

    /// What is being handled by whoever runs, or else by who awaits that.
    pub(super) fn handled(&self) -> Option<Raised> {
        self.state().running.iter().rev().find_map(|handled| handled.last())
    }

    /// Raised by a statement, or by the interpreter.
    pub(super) fn raise(&self, raised: Raised) -> Raised {
        raised.raised_under(self.handled());
        raised
    }

    pub(super) fn next_generator(&self) -> usize {
        let mut state = self.state();
        state.generators += 1;
        state.generators - 1
    }

    pub(super) fn made(&self, number: usize, generator: Weak<dyn Live>) {
        self.state().made.insert(number, generator);
    }

    pub(super) fn begun(&self, number: usize) {
        self.state().begun.push(number);
    }

    pub(super) fn hooked(&self, number: usize, generator: WeakGenerator) {
        self.state().hooked.insert(number, generator);
    }

    pub(super) fn manager_begun(&self, number: usize, manager: Weak<()>) {
        self.state().managers.insert(number, manager);
        self.begun(number);
    }

    /// Those that were iterated.
    pub(super) fn live(&self) -> Vec<Begun> {
        let state = self.state();
        let live = |number: &usize| match state.managers.get(number) {
            Some(manager) => Begun::Manager(manager.clone()),
            None => Begun::Generator(state.made[number].clone(), state.hooked.get(number).cloned()),
        };
        state.begun.iter().map(live).collect()
    }

    pub(super) fn dropped(&self, dropped: Dropped) {
        self.state().dropped.push(dropped);
    }

    pub(super) fn dropped_count(&self) -> usize {
        self.state().dropped.len()
    }

    /// The first of those that were dropped unfinished.
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
        // Dropped when the world is not locked.
        let shared = std::mem::take(&mut self.state().shared);
        drop(shared);
    }
}
