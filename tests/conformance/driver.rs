//! Does with a program what was done with it on `CPython`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use withal::coroutine::{Error, State, Step};
use withal::generator;

use super::coroutines::{Coroutine, coroutine};
use super::corpus::Case;
use super::generators::{Awaitable, Generator};
use super::program::{Action, Operation, Value};
use super::raised::{Kind, Raised};
use super::rules::Rule;
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

struct Slot {
    holds: Holds,
    /// It is suspended where a throw does not come through.
    is_opaque: bool,
}

enum Holds {
    Awaitable(Box<Awaitable>),
    Coroutine(Coroutine),
}

/// What a step came to.
enum Stepped {
    Suspended(i64),
    Over(Result<Value, Raised>),
}

impl Driver {
    fn act(&mut self, action: Action) {
        match action {
            Action::Make(slot, operation) => {
                let generator = self.generator.as_ref().expect("the generator is there");
                let awaitable = Holds::Awaitable(Box::new(generator.awaitable(operation)));
                self.slots.insert(slot, Slot { holds: awaitable, is_opaque: false });
            }
            Action::Coroutine(slot) => {
                let coroutine = Holds::Coroutine(coroutine(&self.world, 0));
                self.slots.insert(slot, Slot { holds: coroutine, is_opaque: false });
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
                for generator in self.world.live() {
                    let Some(generator) = generator.upgrade().filter(|generator| !generator.is_over()) else {
                        continue;
                    };
                    self.world.log(format_args!("close {}", generator.name()));
                    let mut close = generator.awaitable(Operation::Aclose);
                    self.run(|driver| poll(&driver.world, &mut close));
                }
                self.generator = None;
            }
            Action::Send(slot, _) | Action::Run(slot) | Action::Throw(slot, _) | Action::Close(slot) => {
                let Some(mut slot_taken) = self.slots.remove(&slot) else {
                    self.world.log("< none");
                    return;
                };
                match action {
                    Action::Send(_, value) => {
                        let stepped = self.send(&mut slot_taken, value);
                        self.tell(stepped);
                    }
                    Action::Throw(_, error) => {
                        let stepped = self.throw(&mut slot_taken, Raised::of(error));
                        self.tell(stepped);
                    }
                    Action::Close(_) => self.close(&mut slot_taken),
                    _ => self.run(|driver| driver.send(&mut slot_taken, None)),
                }
                self.slots.insert(slot, slot_taken);
            }
        }
    }

    /// Says whether it is over.
    fn tell(&self, stepped: Stepped) -> bool {
        match stepped {
            Stepped::Suspended(token) => self.world.log(format_args!("< sus {token}")),
            Stepped::Over(Ok(value)) => self.world.log(format_args!("< done {}", text(value))),
            Stepped::Over(Err(raised)) => self.world.log(format_args!("< raise {}", raised.chain())),
        }
        false
    }

    fn run(&mut self, mut step: impl FnMut(&mut Self) -> Stepped) {
        for _ in 0..CAP {
            let stepped = step(self);
            let is_over = matches!(stepped, Stepped::Over(_));
            self.tell(stepped);
            if is_over {
                return;
            }
        }
        self.world.log("< CAP");
    }

    fn send(&mut self, slot: &mut Slot, value: Value) -> Stepped {
        let stepped = match &mut slot.holds {
            Holds::Awaitable(awaitable) => poll(&self.world, awaitable),
            Holds::Coroutine(coroutine) => {
                self.world.step(value, None);
                let step = match (coroutine.state(), value) {
                    // What is sent goes to where it waits.
                    (State::Created, None) | (State::Running, _) => coroutine.start(),
                    _ => coroutine.send(value),
                };
                self.stepped(step)
            }
        };
        self.suspended(slot, stepped)
    }

    fn throw(&mut self, slot: &mut Slot, raised: Raised) -> Stepped {
        let stepped = match &mut slot.holds {
            Holds::Awaitable(awaitable) => {
                if slot.is_opaque {
                    self.world.step(None, Some(raised));
                } else {
                    self.world.step(None, None);
                    awaitable.throw(raised);
                }
                polled(&self.world, awaitable)
            }
            Holds::Coroutine(coroutine) => {
                if raised.kind() == Kind::StopIteration && coroutine.state() != State::Closed {
                    self.world.exclude(Rule::StopAsResult);
                }
                let step = if slot.is_opaque {
                    self.world.step(None, Some(raised));
                    coroutine.start()
                } else {
                    self.world.step(None, None);
                    coroutine.throw(raised.into_thrown())
                };
                self.stepped(step)
            }
        };
        self.suspended(slot, stepped)
    }

    fn close(&mut self, slot: &mut Slot) {
        let is_spent = match &slot.holds {
            Holds::Awaitable(awaitable) => awaitable.is_spent(),
            Holds::Coroutine(_) => false,
        };
        // For the awaitable of a generator a stop is an end, too.
        let is_awaitable = matches!(slot.holds, Holds::Awaitable(_));
        let is_end =
            |raised: &Raised| raised.kind() == Kind::GeneratorExit || is_awaitable && raised.kind().is_stop();
        let exit = Raised::bare(Kind::GeneratorExit);
        let ended = match &mut slot.holds {
            Holds::Awaitable(_) if is_spent => Ok(None),
            Holds::Coroutine(coroutine) if !slot.is_opaque => {
                self.world.step(None, None);
                let closed = coroutine.close();
                slot.is_opaque = self.is_opaque();
                match closed {
                    Ok(_) => Ok(None),
                    Err(Error::Raised(raised)) => Err(raised),
                    Err(_) => Err(Raised::with(Kind::Runtime, "coro-ignored-ge")),
                }
            }
            _ => match self.throw(slot, exit) {
                Stepped::Suspended(_) => {
                    if let Holds::Awaitable(awaitable) = &slot.holds {
                        awaitable.ignored_close();
                    }
                    Err(Raised::with(Kind::Runtime, "coro-ignored-ge"))
                }
                Stepped::Over(over) => over,
            },
        };
        match ended {
            Err(raised) if !is_end(&raised) => {
                self.world.log(format_args!("< raise {}", raised.chain()));
            }
            _ => self.world.log("< closed"),
        }
    }

    fn suspended(&self, slot: &mut Slot, stepped: Stepped) -> Stepped {
        slot.is_opaque = self.is_opaque();
        stepped
    }

    fn is_opaque(&self) -> bool {
        self.world.suspended().is_some_and(|suspended| suspended.is_opaque)
    }

    /// The slots go, and what is left suspended in them.
    fn clear(&mut self) {
        let is_suspended = |slot: &Slot| match &slot.holds {
            Holds::Coroutine(coroutine) => matches!(coroutine.state(), State::Suspended | State::Running),
            Holds::Awaitable(_) => false,
        };
        if self.slots.values().any(is_suspended) {
            self.world.exclude(Rule::LeftSuspended);
        }
        self.slots.clear();
    }

    fn stepped(&self, step: Result<Step<Value, Value>, Error<Value, Raised>>) -> Stepped {
        match step {
            Ok(Step::Yielded(token)) => Stepped::Suspended(token.expect("it is suspended with a token")),
            Ok(Step::Complete(value)) => Stepped::Over(Ok(value)),
            Err(Error::Waiting) => waiting(&self.world),
            Err(error) => Stepped::Over(Err(match error {
                Error::Raised(raised) => raised,
                Error::Exited => Raised::bare(Kind::GeneratorExit),
                Error::NotStarted(_) => Raised::with(Kind::Type, "nonnone-coro"),
                Error::AlreadyAwaited => Raised::with(Kind::Runtime, "reuse-coro"),
                other => panic!("{other}"),
            })),
        }
    }

    fn close_dropped(&mut self) {
        while let Some(dropped) = self.world.next_dropped() {
            self.world.log(format_args!("hook fin {}", dropped.name));
            let Some(mut closing) = dropped.closing else {
                self.world.log("< done None");
                continue;
            };
            let (mut has_ignored, before) = (false, self.world.dropped_count());
            self.run(|driver| {
                driver.world.step(None, None);
                match closing.poll_unpin(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => waiting(&driver.world),
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

fn poll(world: &World, awaitable: &mut Awaitable) -> Stepped {
    world.step(None, None);
    polled(world, awaitable)
}

fn polled(world: &World, awaitable: &mut Awaitable) -> Stepped {
    match awaitable.poll_unpin(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => waiting(world),
        Poll::Ready(outcome) => Stepped::Over(outcome),
    }
}

fn waiting(world: &World) -> Stepped {
    Stepped::Suspended(world.suspended().expect("it waits for the driver alone").token)
}
