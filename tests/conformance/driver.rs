//! Does with a program what was done with it on `CPython`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use withal::generator;

use super::corpus::Case;
use super::generators::Generator;
use super::program::{Action, Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;
use super::slot::{Slot, Stepped, waiting};
use super::statements::text;
use super::world::World;

/// How many sends a `run` makes.
const CAP: usize = 80;

pub(super) fn run(case: &Case) -> Result<Vec<String>, Rule> {
    let world = World::new(case.functions());
    let generator = case.is_generator.then(|| Generator::new(&world, 0));
    let mut driver = Driver { world: Arc::clone(&world), generator, slots: BTreeMap::new() };
    for (action, said) in &case.actions {
        world.log(format_args!("> {said}"));
        driver.act(*action);
        driver.close_dropped();
    }
    driver.clear();
    driver.generator = None;
    world.forget_shared();
    driver.close_dropped();
    world.excluded().map_or_else(|| Ok(world.trace()), Err)
}

struct Driver {
    world: Arc<World>,
    generator: Option<Arc<Generator>>,
    slots: BTreeMap<usize, Slot>,
}

impl Driver {
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
            Action::Shutdown => self.shutdown(),
            Action::Send(slot, value) => self.with(slot, |driver, taken| {
                driver.tell(taken.send(&driver.world, value));
            }),
            Action::Run(slot) => self.with(slot, |driver, taken| {
                driver.run(|| taken.send(&driver.world, None));
            }),
            Action::Throw(slot, error) => self.with(slot, |driver, taken| {
                driver.tell(taken.throw(&driver.world, Raised::of(error)));
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

    fn shutdown(&mut self) {
        self.clear();
        for generator in self.world.live() {
            let Some(generator) = generator.upgrade().filter(|generator| !generator.is_over()) else {
                continue;
            };
            self.world.log(format_args!("close {}", generator.name()));
            let mut close = Slot::awaitable(&generator, Operation::Aclose);
            self.run(|| close.send(&self.world, None));
        }
        self.generator = None;
    }

    fn tell(&self, stepped: Stepped) {
        match stepped {
            Stepped::Suspended(token) => self.world.log(format_args!("< sus {token}")),
            Stepped::Over(Ok(value)) => self.world.log(format_args!("< done {}", text(value))),
            Stepped::Over(Err(raised)) => self.world.log(format_args!("< raise {}", raised.chain())),
        }
    }

    fn run(&self, mut step: impl FnMut() -> Stepped) {
        for _ in 0..CAP {
            let stepped = step();
            let is_over = matches!(stepped, Stepped::Over(_));
            self.tell(stepped);
            if is_over {
                return;
            }
        }
        self.world.log("< CAP");
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
            let (mut has_ignored, before) = (false, self.world.dropped_count());
            self.run(|| {
                self.world.step(None, None);
                match closing.poll_unpin(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => waiting(&self.world),
                    Poll::Ready(closed) => Stepped::Over(closed.map(|()| None).or_else(|error| {
                        let error = error.downcast::<generator::Error<Value, Raised>>();
                        match *error.expect("it is that of the generators here") {
                            generator::Error::Raised(raised) if raised.kind() == Kind::GeneratorExit => {
                                Ok(None)
                            }
                            generator::Error::Raised(raised) => Err(raised),
                            generator::Error::IgnoredExit => {
                                has_ignored = true;
                                Err(Raised::with(Kind::Runtime, "ignored-ge"))
                            }
                            other => panic!("{other}"),
                        }
                    })),
                }
            });
            drop(closing);
            // Python has no hook called for those that its frame holds.
            if has_ignored && self.world.dropped_count() != before {
                self.world.exclude(Rule::ClosedBefore);
            }
        }
    }
}
