"""Random programs: lists of functions, each of which uses only later ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prng import SplitMix64
from syntax import Block, Function, Statement, mentions

ENDS_A_BLOCK = ("ret", "retv", "brk", "cont", "raise", "reraise", "raisefrom")
YIELDS = ("y", "xy", "yx", "yv")
# In a large program, these are not wrapped in a `try`.
NEVER_GUARDED = ("aw", "y", "xy", "yx", "log", "ret", "retv")

# Ordered, so that no handler follows one that catches more.
HANDLER_ORDER = {"AB": 1, "Exc": 2, "BaseExc": 3}


@dataclass(frozen=True)
class Scope:
    """The context of a statement, which determines the statements that are allowed."""

    function: int
    is_generator: bool
    depth_limit: int
    depth: int = 0
    in_loop: bool = False
    may_return: bool = True
    in_handler: bool = False
    in_stack: bool = False
    # The depth of the loop whose item can be yielded.
    item: int | None = None

    def inner(self, **changes) -> Scope:
        return replace(self, depth=self.depth + 1, **changes)


class Grammar:
    """Generates one program. A change to the order of the random draws changes the programs of all seeds."""

    def __init__(self, random: SplitMix64, size: str):
        self.random = random
        self.is_large = size == "large"
        self.types: list[str] = []
        # The number of statements that may still be added to this function.
        self.budget = 0
        self.last_number = 0
        self.last_token = 0

    def program(self, family: str) -> list[Function]:
        random = self.random
        count = 2 + random.below(4) if self.is_large else random.weighted([(1, 24), (2, 42), (3, 34)])
        self.types = ["g" if family == "agen" else "c"]
        self.types += ["g" if random.chance(75) else "c" for _ in range(count - 1)]
        functions = [{"t": self.types[index], "b": self.body(index)} for index in reversed(range(count))]
        return functions[::-1]

    def number(self) -> int:
        """Returns a number that identifies a log, an exception or a manager in the trace."""
        self.last_number += 1
        return self.last_number

    def token(self) -> int:
        """Returns the token that a suspension yields to the driver."""
        self.last_token += 1
        return self.last_token

    def kind(self, with_stops: bool = True) -> str:
        kinds = [("A", 30), ("B", 16), ("Base", 6), ("RT", 8), ("CE", 8), ("GE", 5)]
        if with_stops:
            kinds += [("SI", 6), ("SAI", 6)]
        return self.random.weighted(kinds)

    def error(self, with_stops: bool = False) -> list:
        return [self.kind(with_stops), self.number()]

    def generators(self, scope: Scope) -> list[int]:
        return [index for index in range(scope.function + 1, len(self.types)) if self.types[index] == "g"]

    def coroutines(self, scope: Scope) -> list[int]:
        return [index for index in range(scope.function + 1, len(self.types)) if self.types[index] == "c"]

    def body(self, function: int) -> Block:
        random = self.random
        if self.is_large:
            self.budget = 14 + random.below(22)
        elif function == 0:
            self.budget = 4 + random.below(9)
        else:
            self.budget = 2 + random.below(6)
        is_generator = self.types[function] == "g"
        scope = Scope(function, is_generator, depth_limit=5 if self.is_large else 3)
        body: Block = []
        while self.budget > 0:
            body += self.block(scope, 3)
        if is_generator and not mentions(body, YIELDS) and random.chance(85):
            body.insert(random.below(len(body) + 1), ["xy", random.below(50)])
        return [self.guarded(statement) for statement in body] if self.is_large else body

    def guarded(self, statement: Statement) -> Statement:
        """Often wraps a statement in a `try`: otherwise the first exception would end most large programs."""
        if statement[0] in NEVER_GUARDED or not self.random.chance(65):
            return statement
        return ["try", [statement], [["Exc", [["log", self.number()]]]], [], []]

    def block(self, scope: Scope, limit: int) -> Block:
        block: Block = []
        for _ in range(1 + self.random.below(limit)):
            block.append(self.statement(scope))
            if block[-1][0] in ENDS_A_BLOCK:
                break
        return block

    def statement(self, scope: Scope) -> Statement:
        self.budget -= 1
        name = self.random.weighted(self.options(scope))
        compound = getattr(self, f"make_{name}", None)
        return self.simple(name, scope) if compound is None else compound(scope)

    def options(self, scope: Scope) -> list[tuple[str, int]]:
        """Returns the statements that are allowed here, with weights."""
        is_inner = scope.depth > 0
        options = [("log", 6), ("aw", 20 if is_inner else 26), ("raise", 8 if is_inner else 2), ("awr", 2)]
        if scope.is_generator:
            options += [("y", 12), ("xy", 16), ("yx", 3)]
            if scope.item is not None:
                options += [("yv", 25)]
        if scope.may_return:
            options += [("ret", 4 if is_inner else 1)]
        if scope.in_loop:
            options += [("brk", 7), ("cont", 4)]
        if scope.in_handler:
            options += [("reraise", 6), ("raisefrom", 6)]
        if scope.in_stack:
            options += [("st", 60)]
        if scope.depth < scope.depth_limit and self.budget > 0:
            options += [("try", 22), ("loop", 7), ("with", 9), ("stack", 4), ("ifx", 3)]
            if self.generators(scope):
                options += [("afor", 30), ("aclosing", 6), ("acm", 10), ("h", 12)]
        if self.coroutines(scope):
            options += [("call", 12), ("shared", 6)]
        return options

    def simple(self, name: str, scope: Scope) -> Statement:
        """A statement without a block."""
        random = self.random
        match name:
            case "log":
                return ["log", self.number()]
            case "aw":
                return ["aw", random.weighted([(0, 14), (1, 56), (2, 30)]), self.token()]
            case "awr":
                # The awaited object is a plain generator, which would convert a StopIteration.
                return ["awr", random.below(3), self.token(), *self.error()]
            case "raise":
                return ["raise", *self.error(with_stops=True)]
            case "raisefrom":
                return ["raisefrom", *self.error(with_stops=True), random.chance(60)]
            case "y":
                return ["y", None if random.chance(6) else random.below(50)]
            case "xy":
                return ["xy", random.below(50)]
            case "yv":
                return ["yv", scope.item, random.chance(40)]
            case "ret":
                return ["ret"] if scope.is_generator else ["retv", random.below(50)]
            case "call" | "shared":
                return [name, random.choice(self.coroutines(scope))]
            case "yx" | "reraise" | "brk" | "cont":
                return [name]
        raise AssertionError(name)

    def make_try(self, scope: Scope) -> Statement:
        random = self.random
        body = self.block(scope.inner(), 3)
        count = random.weighted([(0, 25), (1, 55), (2, 20)])
        handlers = sorted((self.handler(scope) for _ in range(count)), key=lambda h: HANDLER_ORDER.get(h[0], 0))
        orelse = self.block(scope.inner(), 1) if handlers and random.chance(25) else []
        final: Block = []
        if not handlers or random.chance(35):
            final = self.block(scope.inner(in_loop=False, may_return=False), 2)
            if random.chance(40):
                final.insert(0, ["aw", 1 + random.below(2), self.token()])
        return ["try", body, handlers, orelse, final]

    def handler(self, scope: Scope) -> list:
        catches = [("A", 22), ("B", 10), ("AB", 8), ("Exc", 16), ("BaseExc", 16)]
        catches += [("GE", 12), ("CE", 7), ("RT", 5), ("SAI", 3), ("SI", 2)]
        return [self.random.weighted(catches), self.block(scope.inner(in_handler=True), 2)]

    def make_loop(self, scope: Scope) -> Statement:
        orelse = self.block(scope.inner(), 1) if self.random.chance(30) else []
        return ["loop", 1 + self.random.below(3), self.block(scope.inner(in_loop=True), 2), orelse]

    def make_ifx(self, scope: Scope) -> Statement:
        return ["ifx", self.block(scope.inner(), 1), self.block(scope.inner(), 1)]

    def make_with(self, scope: Scope) -> Statement:
        return ["with", self.manager(), self.block(scope.inner(), 3)]

    def make_acm(self, scope: Scope) -> Statement:
        return ["with", ["acm", self.random.choice(self.generators(scope))], self.block(scope.inner(), 2)]

    def make_stack(self, scope: Scope) -> Statement:
        body = [self.make_st(scope) for _ in range(1 + self.random.below(4))]
        return ["stack", body + self.block(scope.inner(in_stack=True), 3)]

    def make_afor(self, scope: Scope) -> Statement:
        item = scope.depth
        orelse = self.block(scope.inner(), 1) if self.random.chance(55) else []
        generator = self.random.choice(self.generators(scope))
        return ["afor", generator, item, self.block(scope.inner(in_loop=True, item=item), 2), orelse]

    def make_aclosing(self, scope: Scope) -> Statement:
        item = scope.depth
        generator = self.random.choice(self.generators(scope))
        return ["aclosing", generator, item, self.block(scope.inner(in_loop=True, item=item), 2)]

    def make_h(self, scope: Scope) -> Statement:
        """A generator that is driven by hand."""
        random = self.random
        handle = random.below(2)
        block: Block = [["h_new", handle, random.choice(self.generators(scope))]]
        for _ in range(1 + random.below(4)):
            operation = random.weighted([("an", 40), ("as", 22), ("at", 20), ("ac", 18)])
            statement = ["h_op", handle, operation]
            if operation == "as":
                statement.append(None if random.chance(15) else random.below(50))
            elif operation == "at":
                # A generator that has not started does not convert a stop: an open bug of CPython.
                statement += self.error(with_stops=len(block) > 1)
            block.append(statement)
            if scope.is_generator and random.chance(25):
                block.append(["y", random.below(50)])
        if random.chance(70):
            catches = random.choice(["SAI", "SAI", "Exc", "BaseExc"])
            return ["try", block, [[catches, [["log", self.number()]]]], [], []]
        return ["seq", block]

    def make_st(self, _scope: Scope) -> Statement:
        """An operation on an exit stack."""
        random = self.random
        operations = [("enter", 36), ("pexit", 18), ("spush", 10), ("acb", 16), ("scb", 10)]
        operation = random.weighted([*operations, ("pop_all", 5), ("aclose", 5)])
        match operation:
            case "enter":
                return ["st", "enter", self.manager()]
            case "pexit" | "spush":
                name, number, _, _, exit_suspends, exit_action = self.manager()
                # Only the exit is used; the exit of `push` is a plain function.
                exit_suspends = 0 if operation == "spush" else exit_suspends
                return ["st", operation, [name, number, 0, None, exit_suspends, exit_action]]
            case "acb" | "scb":
                number = self.number()
                suspends = 1 if operation == "acb" and random.chance(30) else 0
                return ["st", operation, number, suspends, self.error() if random.chance(30) else None]
        return ["st", operation]

    def manager(self) -> list:
        """`["mgr", number, suspensions of the enter, its error, suspensions of the exit, its exit action]`."""
        random = self.random
        enter_error = self.error() if random.chance(7) else None
        exit_action = self.exit_action()
        number = self.number()
        enter_suspends = random.weighted([(0, 70), (1, 30)])
        return ["mgr", number, enter_suspends, enter_error, random.weighted([(0, 60), (1, 30), (2, 10)]), exit_action]

    def exit_action(self) -> list | None:
        """The action of an exit on the exception of its block."""
        name = self.random.weighted([(None, 46), ("sup", 16), ("supk", 10), ("raise", 20), ("same", 8)])
        match name:
            case None:
                return None
            case "raise":
                return ["raise", *self.error()]
            case "supk":
                return ["supk", self.random.choice(["A", "B", "GE", "CE", "RT", "Exc"])]
        return [name]
