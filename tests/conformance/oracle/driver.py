"""Drives a program by hand, without an event loop, and writes its trace."""

from __future__ import annotations

import gc

from raised import chain, make
from syntax import Action, Case, Function
from world import World

# The maximum number of sends of a `run`.
RUN_CAP = 80

# The states of the awaitable in a slot.
NEW, SUSPENDED, DONE = "new", "sus", "done"

MAKES = ("anext", "asend", "athrow", "aclose")
STEPS = ("send", "run", "throw", "close", "drop")
STOPS = ("SI", "SAI")


def replay(case: Case, collects: bool = False) -> Driver:
    """Repeats the recorded actions on a program; with `collects`, reference cycles are collected immediately."""
    driver = (Collecting if collects else Driver)(case["p"], case["f"])
    for action in case["d"]:
        driver.act(action)
    driver.finish()
    return driver


class Driver:
    """A running program, and its awaitables in slots.

    A generator is finalized when its last reference is gone. Therefore no variable here keeps a generator or an
    awaitable while other code can run.
    """

    def __init__(self, program: list[Function], family: str):
        self.world = World(program)
        self.actions: list[Action] = []
        self.slots: dict[int, object] = {}
        self.states: dict[int, str] = {}
        # The kind that the awaitable of a slot throws into the generator.
        self.thrown: dict[int, str | None] = {}
        # Properties of the program that exclude it, or explain a difference.
        self.features: set[str] = set()
        self.family = family
        self.generator = self.world.generator(0) if family == "agen" else None
        self.first_instruction = self.generator.ag_frame.f_lasti if self.generator else None

    @property
    def trace(self) -> list[str]:
        return self.world.trace

    def log(self, event: str) -> None:
        self.world.log(event)

    def act(self, action: Action) -> None:
        # Kept like a variable in the frame that drives a generator: a traceback can keep this frame and thereby the
        # generator, which shows in the traces.
        generator = self.generator
        self.actions.append(action)
        self.log("> " + " ".join(map(str, action)))
        self.note_features(action)
        match action:
            case ["anext", slot]:
                self.make(slot, generator.__anext__())
            case ["asend", slot, value]:
                self.make(slot, generator.asend(value))
            case ["athrow", slot, kind, number]:
                self.make(slot, generator.athrow(make(kind, number)))
            case ["aclose", slot]:
                self.make(slot, generator.aclose())
            case ["coro", slot]:
                self.make(slot, self.world.functions[0](self.world))
            case ["send" | "run" | "throw" | "close" | "drop", slot, *_] if slot not in self.slots:
                self.log("< none")
            case ["send", slot, *value]:
                self.set_state(slot, self.step(self.slots[slot], "send", *value or [None]))
            case ["throw", slot, kind, number]:
                self.set_state(slot, self.step(self.slots[slot], "throw", kind, number))
            case ["run", slot]:
                self.run(self.slots[slot])
                self.set_state(slot, True)
            case ["close", slot]:
                self.set_state(slot, self.step(self.slots[slot], "close"))
            case ["drop", slot]:
                self.drop(slot)
            case ["shutdown"]:
                del generator
                self.shutdown()
            case ["dropgen" | "end"]:
                del generator
                self.drop_all()
            case _:
                raise ValueError(f"{action} is not an action")
        self.close_dropped()

    def note_features(self, action: Action) -> None:
        name, *operands = action
        if name in STEPS:
            self.note_step(*action)
        elif name in MAKES:
            self.thrown[operands[0]] = operands[1] if name == "athrow" else None
        elif name in ("end", "dropgen", "shutdown") and SUSPENDED in self.states.values():
            self.features.add("leave-sus")

    def note_step(self, name: str, slot: int, kind: str | int | None = None, _number: int = 0) -> None:
        state = self.states.get(slot, "none")
        is_new = state == NEW
        is_coroutine = self.family == "coro"
        is_send = name in ("send", "run")
        is_running = self.generator is not None and self.generator.ag_running
        if state == DONE or not is_send:
            feature = "reuse" if is_send else f"{name}-{state}"
            self.features.add(f"{feature}-coro" if is_coroutine and is_new else feature)
        thrown = self.thrown.get(slot) if is_send else kind
        if is_new and thrown in STOPS and (is_coroutine or self.has_not_begun()):
            self.features.add("stop-unstarted")
        if is_new and is_running and name == "throw":
            self.features.add("throw-new-running")
        if is_new and is_running and name == "send":
            self.features.add("running")

    def has_not_begun(self) -> bool:
        frame = self.generator and self.generator.ag_frame
        return frame is not None and frame.f_lasti == self.first_instruction

    def finish(self) -> None:
        self.drop_all()
        self.close_dropped()

    def make(self, slot: int, awaitable) -> None:
        self.slots[slot] = awaitable
        self.states[slot] = NEW

    def set_state(self, slot: int, is_done: bool) -> None:
        self.states[slot] = DONE if is_done else SUSPENDED

    def step(self, awaitable, method: str, *operands) -> bool:
        """Returns True if the awaitable is done."""
        try:
            if method == "throw":
                # Not in a variable: the traceback of the exception keeps this frame.
                result = awaitable.throw(make(*operands))
            else:
                result = getattr(awaitable, method)(*operands)
        except StopIteration as stop:
            self.log("< raise " + chain(stop) if method == "close" else f"< done {stop.value}")
        except BaseException as exception:
            self.log("< raise " + chain(exception))
        else:
            if method != "close":
                self.log(f"< sus {result}")
                return False
            self.log("< closed")
        return True

    def run(self, awaitable) -> None:
        for _ in range(RUN_CAP):
            if self.step(awaitable, "send", None):
                return
        self.log("< CAP")

    def drop(self, slot: int) -> None:
        awaitable = self.slots.pop(slot)
        del self.states[slot]
        # Logged before the destructor logs anything.
        self.log("< dropped")
        del awaitable

    def drop_all(self) -> None:
        self.slots.clear()
        self.generator = None
        self.world.shared_coroutines.clear()

    def shutdown(self) -> None:
        """Does the same as `loop.shutdown_asyncgens()`."""
        self.slots.clear()
        for reference in list(self.world.iterated):
            self.close_if_open(reference())
        self.generator = None

    def close_if_open(self, generator) -> None:
        if generator is not None and generator not in self.world.dropped and generator.ag_frame is not None:
            self.log(f"close {generator.__name__}")
            self.run(generator.aclose())

    def close_dropped(self) -> None:
        """Closes the dropped generators as an event loop does, in the order of their creation."""
        dropped = self.world.dropped
        while dropped:
            dropped.sort(key=lambda generator: int(generator.__name__.split(".")[1]))
            generator = dropped.pop(0)
            self.log(f"hook fin {generator.__name__}")
            self.run(generator.aclose())
            del generator


class Collecting(Driver):
    """Collects garbage wherever a generator may have lost its last reference."""

    def shutdown(self) -> None:
        self.slots.clear()
        gc.collect()
        super().shutdown()

    def close_if_open(self, generator) -> None:
        super().close_if_open(generator)
        del generator
        gc.collect()

    def close_dropped(self) -> None:
        gc.collect()
        super().close_dropped()
        gc.collect()
        if self.world.dropped:
            self.close_dropped()
