//! Does with a program what was done with it on `CPython`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::corpus::Case;
use super::generators::Generator;
use super::program::{Action, Value};
use super::raised::Raised;
use super::rules::Rule;
use super::shutdown::{shutdown, shutdown_by_the_crate};
use super::slot::{Slot, Stepped, polled_close};
use super::statements::text;
use super::world::{Way, World};

/// How many sends a `run` makes.
pub(super) const CAP: usize = 80;

/// Runs a program to its end, or to where it cannot be compared any more. Its trace is the world's, and how many
/// generators a shutdown has closed is what it gives.
pub(super) fn run(case: &Case, world: &Arc<World>) -> Option<usize> {
    let runtime = (world.way == Way::Asyncgens)
        .then(|| Builder::new_current_thread().build().expect("it needs nothing of the system"));
    let _entered = runtime.as_ref().map(Runtime::enter);
    let generator = case.is_generator.then(|| Generator::new(world, 0));
    let slots = BTreeMap::new();
    let mut driver =
        Driver { world: Arc::clone(world), generator, slots, runtime: runtime.as_ref(), closed: None };
    for (action, said) in &case.actions {
        world.log(format_args!("> {said}"));
        if case.is_in_a_circle && matches!(action, Action::DropGenerator | Action::Shutdown | Action::End) {
            world.exclude(Rule::InACircle);
        }
        driver.act(*action);
        driver.close_dropped();
        if world.until().is_some() {
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
    /// Where the crate does what an event loop does.
    runtime: Option<&'a Runtime>,
    closed: Option<usize>,
}

impl Driver<'_> {
    fn act(&mut self, action: Action) {
        match action {
            Action::Make(slot, operation) => {
                let generator = self.generator.as_ref().expect("the generator is there");
                self.slots.insert(slot, Slot::awaitable(generator, operation));
            }
            Action::Coroutine(slot) => {
                self.slots.insert(slot, Slot::coroutine(&self.world));
            }
            Action::Drop(slot) => {
                let said = if self.slots.remove(&slot).is_some() { "dropped" } else { "none" };
                self.world.log(format_args!("< {said}"));
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
                tell(&driver.world, taken.send(&driver.world, value));
            }),
            Action::Run(slot) => self.with(slot, |driver, taken| {
                run_steps(&driver.world, || taken.send(&driver.world, None));
            }),
            Action::Throw(slot, error) => self.with(slot, |driver, taken| {
                tell(&driver.world, taken.throw(&driver.world, Raised::of(error)));
            }),
            Action::Close(slot) => self.with(slot, |driver, taken| match taken.close(&driver.world) {
                Ok(()) => driver.world.log("< closed"),
                Err(raised) => driver.world.log(format_args!("< raise {}", raised.chain())),
            }),
        }
    }

    /// Does it with what is in the slot, if anything is.
    fn with(&mut self, slot: usize, act: impl FnOnce(&Self, &mut Slot)) {
        let Some(mut taken) = self.slots.remove(&slot) else {
            self.world.log("< none");
            return;
        };
        act(self, &mut taken);
        self.slots.insert(slot, taken);
    }

    /// The slots go, and what is left suspended in them.
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
                is_ignored = matches!(&stepped, Stepped::Over(Err(raised)) if raised.is_ignored_exit());
                stepped
            });
            drop(closing);
            if is_ignored && self.world.dropped_count() != before {
                self.world.exclude(Rule::KeptInFrame);
            }
        }
    }
}

pub(super) fn tell(world: &World, stepped: Stepped) {
    match stepped {
        Stepped::Suspended(token) => world.log(format_args!("< sus {token}")),
        Stepped::Over(Ok(value)) => world.log(format_args!("< done {}", text(value))),
        Stepped::Over(Err(raised)) => world.log(format_args!("< raise {}", raised.chain())),
    }
}

pub(super) fn run_steps(world: &World, mut step: impl FnMut() -> Stepped) {
    for _ in 0..CAP {
        let stepped = step();
        let is_over = matches!(stepped, Stepped::Over(_));
        tell(world, stepped);
        if is_over {
            return;
        }
    }
    world.log("< CAP");
}
