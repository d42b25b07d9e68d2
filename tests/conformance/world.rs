//! What the functions of a program share, and its trace.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll};

use pin_project::pin_project;
use withal::generator::Closing;

use super::coroutines::SharedCoroutine;
use super::generators::Generator;
use super::program::{Function, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;

pub(super) struct World {
    pub(super) functions: Vec<Function>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trace: Vec<String>,
    /// How many steps the driver has made.
    steps: usize,
    suspended: Option<Suspended>,
    sent: Value,
    thrown: Option<Raised>,
    /// How many of the futures that are being polled no throw comes through.
    opaque: isize,
    /// What those that are being polled handle, the innermost last.
    running: Vec<Arc<Handled>>,
    generators: usize,
    begun: Vec<Weak<Generator>>,
    dropped: Vec<Dropped>,
    shared: BTreeMap<usize, Arc<SharedCoroutine>>,
    excluded: Option<Rule>,
}

/// Where a step has come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspended {
    pub(super) token: i64,
    /// No throw comes through to it: it has to be raised where it waits.
    pub(super) is_opaque: bool,
}

/// A generator that was dropped unfinished.
pub(super) struct Dropped {
    pub(super) name: String,
    pub(super) number: usize,
    /// None of a body that had not begun.
    pub(super) closing: Option<Closing>,
}

/// The exceptions that a function is handling, the innermost last.
#[derive(Default)]
pub(super) struct Handled(Mutex<Vec<Raised>>);

impl Handled {
    pub(super) fn push(&self, raised: Raised) {
        self.0.lock().unwrap().push(raised);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(super) fn truncate(&self, len: usize) {
        self.0.lock().unwrap().truncate(len);
    }

    pub(super) fn last(&self) -> Option<Raised> {
        self.0.lock().unwrap().last().cloned()
    }
}

impl World {
    pub(super) fn new(functions: Vec<Function>) -> Arc<Self> {
        Arc::new(Self { functions, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn log(&self, line: impl Display) {
        self.state().trace.push(line.to_string());
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// The program does what has no place here.
    pub(super) fn exclude(&self, rule: Rule) {
        self.state().excluded.get_or_insert(rule);
    }

    pub(super) fn excluded(&self) -> Option<Rule> {
        self.state().excluded
    }

    /// The driver makes a step, and sends or throws what is to come to where it is suspended.
    pub(super) fn step(&self, sent: Value, thrown: Option<Raised>) {
        let mut state = self.state();
        state.steps += 1;
        state.suspended = None;
        (state.sent, state.thrown) = (sent, thrown);
    }

    pub(super) fn steps(&self) -> usize {
        self.state().steps
    }

    pub(super) fn suspend(&self, token: i64) {
        let mut state = self.state();
        state.suspended = Some(Suspended { token, is_opaque: state.opaque > 0 });
    }

    pub(super) fn suspended(&self) -> Option<Suspended> {
        self.state().suspended
    }

    pub(super) fn sent(&self) -> Result<Value, Raised> {
        let mut state = self.state();
        state.thrown.take().map_or(Ok(state.sent.take()), Err)
    }

    /// It comes to an await of who runs.
    pub(super) fn comes(&self, raised: &Raised) {
        if raised.kind() == Kind::GeneratorExit && self.state().running.len() > 1 {
            self.exclude(Rule::ExitsInside);
        }
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

    pub(super) fn begun(&self, generator: Weak<Generator>) {
        self.state().begun.push(generator);
    }

    /// Those that were iterated, and have somebody who holds them.
    pub(super) fn live(&self) -> Vec<Weak<Generator>> {
        self.state().begun.clone()
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

/// Polled as the frame of a function.
pub(super) fn framed<F: Future>(
    world: &Arc<World>,
    handled: &Arc<Handled>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    let (handled, world) = (Arc::clone(handled), Arc::clone(world));
    Around {
        future,
        before: {
            let world = Arc::clone(&world);
            move || world.state().running.push(Arc::clone(&handled))
        },
        after: move || drop(world.state().running.pop()),
    }
}

/// No throw comes through to what is awaited inside: an exit, say.
pub(super) fn opaque<F: Future>(world: &Arc<World>, future: F) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, 1, future)
}

/// But to this it does: the block inside what is opaque.
pub(super) fn transparent<F: Future>(
    world: &Arc<World>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    shifted(world, -1, future)
}

fn shifted<F: Future>(world: &Arc<World>, by: isize, future: F) -> impl Future<Output = F::Output> + use<F> {
    let world = Arc::clone(world);
    let to = Arc::clone(&world);
    Around { future, before: move || to.state().opaque += by, after: move || world.state().opaque -= by }
}

#[pin_project]
struct Around<F, B, A> {
    #[pin]
    future: F,
    before: B,
    after: A,
}

impl<F: Future, B: FnMut(), A: FnMut()> Future for Around<F, B, A> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        (this.before)();
        let polled = this.future.poll(cx);
        (this.after)();
        polled
    }
}
