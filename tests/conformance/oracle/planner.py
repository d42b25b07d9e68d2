"""Selection of the actions on a program while it runs, depending on its state, so that interesting states are reached.

The actions are recorded, and other interpreters replay them unchanged.
"""

from __future__ import annotations

from driver import DONE, NEW, SUSPENDED, Driver
from grammar import Grammar
from outcome import tags
from prng import SplitMix64
from syntax import Action, Case


def generate(seed: int, size: str = "small", family: str = "all") -> Case:
    """Generates a program, its actions and its trace."""
    random = SplitMix64(seed)
    if family == "all":
        family = random.weighted([("agen", 62), ("coro", 38)])
    else:
        random.next()
    program = Grammar(random, size).program(family)
    driver = Driver(program, family)
    planner = Planner(random, size, driver)
    if family == "agen":
        planner.drive_generator()
    else:
        planner.drive_coroutine()
    driver.finish()
    case = {"id": seed, "f": family, "z": size, "p": program, "d": driver.actions}
    return case | {"tags": tags(case, driver.trace, driver.features), "t": driver.trace}


class Planner:
    """Chooses the actions. As in the grammar, the order of the random draws must not change."""

    def __init__(self, random: SplitMix64, size: str, driver: Driver):
        self.random = random
        self.is_large = size == "large"
        self.driver = driver

    def state(self, slot: int) -> str | None:
        return self.driver.states.get(slot)

    def kind(self, slot: int | None = None) -> str:
        kinds = [("A", 32), ("B", 14), ("Base", 6), ("RT", 6)]
        if slot is not None and self.state(slot) == SUSPENDED:
            # The suspended object is a plain generator, which would convert a StopIteration.
            kinds += [("CE", 24), ("GE", 12), ("SAI", 6)]
        else:
            kinds += [("CE", 22), ("GE", 12), ("SI", 4), ("SAI", 4)]
        return self.random.weighted(kinds)

    def throw(self, slot: int) -> Action:
        return ["throw", slot, self.kind(slot), 600 + self.random.below(90)]

    def make(self, slot: int, is_first: bool) -> Action:
        """Makes an awaitable of the generator."""
        random = self.random
        if is_first:
            options = [("anext", 80), ("asend", 8), ("athrow", 6), ("aclose", 6)]
        else:
            options = [("anext", 46), ("asend", 26), ("athrow", 17), ("aclose", 11)]
        name = random.weighted(options)
        if name == "asend":
            value = random.below(90) + 10
            return ["asend", slot, random.weighted([(None, 12), (value, 88)])]
        if name == "athrow":
            return ["athrow", slot, self.kind(), 500 + random.below(400)]
        return [name, slot]

    def drive_generator(self) -> None:
        random, driver = self.random, self.driver
        mode = random.weighted([("simple", 34), ("interrupt", 32), ("inter", 24), ("wild", 10)])
        if random.chance(30):
            steps = 3 + random.below(4)
        elif self.is_large:
            steps = 24 + random.below(30)
        else:
            steps = 10 + random.below(10)
        # Drawn in every mode, to keep the order of the draws.
        interleaved = 2 + random.below(2)
        slots = {"simple": 1, "interrupt": 1, "inter": interleaved, "wild": 2}[mode]
        steps_after_end = 0
        is_first = True
        for _ in range(steps):
            if driver.generator.ag_frame is None:
                steps_after_end += 1
                if steps_after_end > 1 and random.chance(60):
                    break
            slot = random.below(slots)
            name = self.step_of_generator(mode, slot)
            if name == "make":
                action = self.make(slot, is_first)
                is_first = False
                if self.state(slot) == SUSPENDED:
                    driver.act(["drop", slot])
            elif name == "throw":
                action = self.throw(slot)
            elif name == "dropgen":
                action = ["dropgen"]
            else:
                action = [name, slot]
            driver.act(action)
            if name == "make" and mode == "simple":
                driver.act(["run", slot])
            if name == "dropgen":
                return
        if random.chance(95):
            for slot in sorted(driver.states):
                if self.state(slot) == SUSPENDED:
                    driver.act(["run", slot])
        driver.act(random.weighted([(["end"], 70), (["shutdown"], 30)]))

    def step_of_generator(self, mode: str, slot: int) -> str:
        random = self.random
        state = self.state(slot)
        if mode == "wild" and random.chance(30):
            options = [("make", 20), ("send", 30), ("throw", 16), ("close", 14), ("drop", 10), ("dropgen", 6)]
        elif state is None or state == DONE:
            return random.choice(["send", "throw", "close"]) if random.chance(3) else "make"
        elif state == NEW and mode == "simple":
            return "run"
        elif state == NEW:
            options = [("send", 72), ("run", 12), ("throw", 7), ("close", 1)]
        elif mode == "inter":
            options = [("send", 58), ("throw", 14), ("close", 5), ("run", 14), ("drop", 1), ("make", 1)]
        else:
            options = [("send", 46), ("throw", 32), ("close", 8), ("run", 12), ("drop", 1), ("make", 1)]
        return random.weighted(options)

    def drive_coroutine(self) -> None:
        random, driver = self.random, self.driver
        mode = random.weighted([("run", 22), ("interrupt", 53), ("two", 25)])
        slots = 2 if mode == "two" else 1
        for slot in range(slots):
            driver.act(["coro", slot])
        if mode == "run":
            driver.act(["run", 0])
        else:
            self.interrupt_coroutines(slots)
        driver.act(["end"])

    def interrupt_coroutines(self, slots: int) -> None:
        random, driver = self.random, self.driver
        steps_after_end = 0
        for _ in range(20 + random.below(30) if self.is_large else 8 + random.below(8)):
            slot = random.below(slots)
            if self.state(slot) == DONE:
                steps_after_end += 1
                if steps_after_end > slots:
                    break
                if not random.chance(30):
                    continue
            driver.act(self.step_of_coroutine(slot))
        for slot in range(slots):
            if self.state(slot) in (SUSPENDED, NEW):
                driver.act(["run", slot] if random.chance(80) else ["close", slot])

    def step_of_coroutine(self, slot: int) -> Action:
        """Draws the operands of every option, including those that are not chosen."""
        random = self.random
        state = self.state(slot)
        if state == DONE:
            return random.choice([["send", slot], ["throw", slot, self.kind(slot), 6], ["close", slot]])
        if state == NEW:
            options = [(["send", slot], 84), (["send", slot, 5], 3), (self.throw(slot), 5), (["close", slot], 4)]
        else:
            value = random.below(90)
            options = [(["send", slot], 44), (["send", slot, value], 12), (self.throw(slot), 34)]
            options += [(["close", slot], 7), (["run", slot], 6)]
        return random.weighted(options)
