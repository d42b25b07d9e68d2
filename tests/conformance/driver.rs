//! Performs the actions on a program that were performed on `CPython`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::corpus::Case;
use super::generators::Generator;
use super::program::{Action, Value};
use super::raised::Raised;
use super::rules::Rule;
use super::shutdown::{shutdown, shutdown_by_the_crate};
use super::slot::{Slot, StepOutcome, polled_close};
use super::statements::text;
use super::world::{Mode, World};

/// The number of sends of a `run`.
pub(super) const MAX_SENDS: usize = 80;

/// Runs a program to its end, or until it can no longer be compared, and returns the number of generators that a
/// shutdown has closed. The trace is in `world`.
pub(super) fn run(case: &Case, world: &Arc<World>) -> Option<usize> {
    let runtime = (world.mode == Mode::Asyncgens)
        .then(|| Builder::new_current_thread().build().expect("a runtime without drivers"));
    let _entered = runtime.as_ref().map(Runtime::enter);
    let generator = case.is_generator.then(|| Generator::new(world, 0));
    let slots = BTreeMap::new();
    let mut driver =
        Driver { world: Arc::clone(world), generator, slots, runtime: runtime.as_ref(), closed: None };
    for (action, line) in &case.actions {
        world.log(format_args!("> {line}"));
        if case.is_in_a_circle && matches!(action, Action::DropGenerator | Action::Shutdown | Action::End) {
            world.exclude(Rule::InACircle);
        }
        driver.act(*action);
        driver.close_dropped();
        if world.cutoff().is_some() {
            break;
        }
    }
    driver.clear();
    driver.generator = None;
    world.forget_shared();
    driver.close_dropped();
    driver.closed
}

struct Driver<'a> {
    world: Arc<World>,
    generator: Option<Arc<Generator<Value>>>,
    slots: BTreeMap<usize, Slot>,
    /// For a shutdown by the crate.
    runtime: Option<&'a Runtime>,
    closed: Option<usize>,
}

impl Driver<'_> {
    fn act(&mut self, action: Action) {
        match action {
            Action::Make(slot, operation) => {
                let generator = self.generator.as_ref().expect("validated: the generator was not dropped");
                self.slots.insert(slot, Slot::awaitable(generator, operation));
            }
            Action::Coroutine(slot) => {
                self.slots.insert(slot, Slot::coroutine(&self.world));
            }
            Action::Drop(slot) => {
                let line = if self.slots.remove(&slot).is_some() { "dropped" } else { "none" };
                self.world.log(format_args!("< {line}"));
            }
            Action::DropGenerator | Action::End => {
                self.clear();
                self.generator = None;
                self.world.forget_shared();
            }
            Action::Shutdown => {
                self.clear();
                self.closed = Some(match self.runtime {
                    Some(runtime) => shutdown_by_the_crate(&self.world, runtime),
                    None => shutdown(&self.world),
                });
                self.generator = None;
            }
            Action::Send(slot, value) => self.with(slot, |driver, taken| {
                log_step(&driver.world, taken.send(&driver.world, value));
            }),
            Action::Run(slot) => self.with(slot, |driver, taken| {
                run_steps(&driver.world, || taken.send(&driver.world, None));
            }),
            Action::Throw(slot, error) => self.with(slot, |driver, taken| {
                log_step(&driver.world, taken.throw(&driver.world, Raised::of(error)));
            }),
            Action::Close(slot) => self.with(slot, |driver, taken| match taken.close(&driver.world) {
                Ok(()) => driver.world.log("< closed"),
                Err(raised) => driver.world.log(format_args!("< raise {}", raised.chain())),
            }),
        }
    }

    /// Acts on the content of a slot, if it has one.
    fn with(&mut self, slot: usize, act: impl FnOnce(&Self, &mut Slot)) {
        let Some(mut taken) = self.slots.remove(&slot) else {
            self.world.log("< none");
            return;
        };
        act(self, &mut taken);
        self.slots.insert(slot, taken);
    }

    /// Empties the slots.
    fn clear(&mut self) {
        if self.slots.values().any(Slot::is_suspended) {
            self.world.exclude(Rule::LeftSuspended);
        }
        self.slots.clear();
    }

    fn close_dropped(&self) {
        while let Some(dropped) = self.world.next_dropped() {
            self.world.log(format_args!("hook fin {}", dropped.name));
            let Some(mut closing) = dropped.closing else {
                self.world.log("< done None");
                continue;
            };
            let (mut is_ignored, before) = (false, self.world.dropped_count());
            run_steps(&self.world, || {
                self.world.step(None, None);
                let stepped = polled_close(&self.world, &mut closing);
                is_ignored = matches!(&stepped, StepOutcome::Done(Err(raised)) if raised.is_ignored_exit());
                stepped
            });
            drop(closing);
            if is_ignored && self.world.dropped_count() != before {
                self.world.exclude(Rule::KeptInFrame);
            }
        }
    }
}

pub(super) fn log_step(world: &World, stepped: StepOutcome) {
    match stepped {
        StepOutcome::Suspended(token) => world.log(format_args!("< sus {token}")),
        StepOutcome::Done(Ok(value)) => world.log(format_args!("< done {}", text(value))),
        StepOutcome::Done(Err(raised)) => world.log(format_args!("< raise {}", raised.chain())),
    }
}

pub(super) fn run_steps(world: &World, mut step: impl FnMut() -> StepOutcome) {
    for _ in 0..MAX_SENDS {
        let stepped = step();
        let is_done = matches!(stepped, StepOutcome::Done(_));
        log_step(world, stepped);
        if is_done {
            return;
        }
    }
    world.log("< CAP");
}
